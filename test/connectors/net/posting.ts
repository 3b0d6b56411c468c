import { expect } from "bun:test";

import type { Timeouts } from "../../../src/connectors/connector.ts";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import type { PostRequest } from "../../../src/connectors/net/post.ts";

/** Long enough for nothing to run out. */
export const PATIENT: Timeouts = {
  connectMs: 10_000,
  headersMs: 10_000,
  firstEventMs: 10_000,
  idleMs: 10_000,
};

/** A request to post, streamed unless said otherwise. */
export function request(url: string, more: Partial<PostRequest> = {}): PostRequest {
  return {
    url: `${url}/chat/completions`,
    headers: { "content-type": "application/json", authorization: "Bearer key" },
    body: '{"model":"m"}',
    timeouts: PATIENT,
    signal: new AbortController().signal,
    stream: true,
    ...more,
  };
}

/** The ChatError that a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<ChatError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ChatError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
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
