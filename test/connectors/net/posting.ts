import { expect } from "bun:test";

import type { ChatError } from "../../../src/connectors/hub/error.ts";
import type { PostRequest } from "../../../src/connectors/net/post.ts";
import { PATIENT } from "../../contract/calling.ts";

/** A request to post, streamed unless said otherwise. */
export function request(url: string, more: Partial<PostRequest> = {}): PostRequest {
  return {
    url: `${url}/chat/completions`,
    headers: { "content-type": "application/json", authorization: "Bearer key" },
    body: '{"model":"m"}',
    timeouts: PATIENT,
    reins: { signal: new AbortController().signal },
    stream: true,
    ...more,
  };
}

/** All bytes of a body, as text. */
export async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
  return text;
}

/** The error and what a person would read of it. */
export function expectError(
  error: ChatError,
  expected: { readonly kind: string; readonly code: string; readonly message: RegExp },
): void {
  expect(`${error.kind} ${error.code}`).toBe(`${expected.kind} ${expected.code}`);
  expect(error.message).toMatch(expected.message);
}
