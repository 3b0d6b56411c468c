/** A client that shows what is on the wire: headers and bytes as they arrive, with no SDK in between. */
import type { JsonObject } from "../../src/connectors/hub/json.ts";
import { within } from "./wait-for.ts";

export type Asked = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
};

/** Posts a chat completion and reads the whole answer. A string goes out byte for byte, as do bytes. */
export async function post(
  url: string,
  key: string | undefined,
  body: JsonObject | string | Buffer<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  const response = await fetch(`${url}/v1/chat/completions`, request(key, body, headers));
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A stream that is being read. */
export type OpenStream = {
  readonly status: number;
  readonly headers: Headers;
  /** Everything that has arrived so far. */
  text(): string;
  /** Reads on until the text holds `part`; throws when the stream ends or `timeoutMs` pass before. */
  until(part: string, timeoutMs?: number): Promise<void>;
  /** Reads to the end. True when it ended as HTTP says it must, false when the connection broke. */
  finish(timeoutMs?: number): Promise<boolean>;
  /** Goes away. */
  leave(): void;
};

/** Posts a chat completion and comes back with its head, the body unread. */
export async function open(
  url: string,
  key: string,
  body: JsonObject,
  headers: Readonly<Record<string, string>> = {},
): Promise<OpenStream> {
  const leaving = new AbortController();
  const response = await fetch(`${url}/v1/chat/completions`, {
    ...request(key, body, headers),
    signal: leaving.signal,
  });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const read = async (): Promise<boolean> => {
    const next = await reader?.read();
    if (!next || next.done) return false;
    text += decoder.decode(next.value, { stream: true });
    return true;
  };

  return {
    status: response.status,
    headers: response.headers,
    text: () => text,
    async until(part, timeoutMs) {
      const seek = async (): Promise<void> => {
        while (!text.includes(part)) {
          if (!(await read())) throw new Error(`the stream ended without ${part}:\n${text}`);
        }
      };
      await within(`${JSON.stringify(part)} in the stream`, seek(), timeoutMs);
    },
    async finish(timeoutMs) {
      return within("the end of the stream", drain(read), timeoutMs);
    },
    leave() {
      leaving.abort();
    },
  };
}

/** Reads to the end; false when the connection breaks. */
async function drain(read: () => Promise<boolean>): Promise<boolean> {
  try {
    while (await read());
    return true;
  } catch {
    return false;
  }
}

function request(
  key: string | undefined,
  body: JsonObject | string | Buffer<ArrayBuffer>,
  headers: Readonly<Record<string, string>>,
): { method: string; headers: Record<string, string>; body: string | Buffer<ArrayBuffer> } {
  return {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  };
}
