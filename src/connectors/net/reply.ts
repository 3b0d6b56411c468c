import { ChatError } from "../hub/error.ts";
import type { Exchange } from "./exchange.ts";
import { SOMEBODY, toBrokenBody } from "./failure.ts";

/** The most that a whole reply may hold. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024;
/** How much of an error's text is looked at. */
const MAX_ERROR_BYTES = 64 * 1024;
/** Up to this announced length a body is taken in one piece, which costs less than reading it in pieces. */
const SHORT_BYTES = 256 * 1024;
/** What may still come behind the end of an answer before its connection is given up rather than kept. */
const REST_MS = 1000;
const REST_BYTES = 64 * 1024;

/**
 * An answer whose head has come. Its body must be taken once, by `text` or by `chunks`, or its timers close it. Both throw
 * ChatError.
 */
export type PostReply = {
  readonly status: number;
  readonly headers: Headers;
  /** All of it. Of an error (status 400 and up) only the first 64 KiB; a reply of more than 64 MiB is `bad-upstream`. */
  text(): Promise<string>;
  /** As it arrives, piece by piece; nothing is read ahead of the consumer but what sockets hold. Must be left in the end. */
  pieces(): Pieces;
  /** The same as an iteration, which leaves by itself. */
  chunks(): AsyncGenerator<Uint8Array, void, undefined>;
  /**
   * Says that the answer is complete though its bytes may not have ended: when they are left, a little more is read in the
   * background, so that the connection can serve again.
   */
  settle(): void;
};

/** A body on its way. Plain calls instead of an iteration: each piece of each stream passes here. */
export type Pieces = {
  /** The next piece, or undefined at the end. Throws ChatError. */
  next(): Promise<Uint8Array | undefined>;
  /** Ends it, good or bad; before its end the connection is closed. */
  leave(): void;
};

type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

type OwnReply = PostReply & {
  readonly response: Response;
  readonly exchange: Exchange;
  readonly idleMs: number;
  settled: boolean;
};

/** Takes over the exchange and closes it at the end. The watch is waiting for the first byte already; `idleMs` is for the next. */
export function createReply(response: Response, exchange: Exchange, idleMs: number): PostReply {
  const reply: OwnReply = {
    status: response.status,
    headers: response.headers,
    response,
    exchange,
    idleMs,
    settled: false,
    // Shared by all replies rather than made for each.
    text,
    pieces,
    chunks,
    settle,
  };
  return reply;
}

function text(this: OwnReply): Promise<string> {
  const { response, exchange, headers } = this;
  const announced = headers.get("content-length");
  if (announced !== null && Number(announced) <= SHORT_BYTES && !headers.has("content-encoding")) {
    return takeWhole(response, exchange);
  }
  return this.status < 400
    ? joined(this.chunks(), MAX_REPLY_BYTES, exchange.host)
    : firstOf(this.chunks(), MAX_ERROR_BYTES);
}

function pieces(this: OwnReply): Pieces {
  const { response, exchange, idleMs } = this;
  const reader: Reader | undefined = response.body?.getReader();
  let ended = reader === undefined;
  let begun = false;
  return {
    async next() {
      if (ended || !reader) return undefined;
      // The wait for the first one has begun already, and nobody waits for the other side while the consumer has its turn.
      if (begun) exchange.watch.wait("idle", idleMs);
      begun = true;
      try {
        const { done, value } = await reader.read();
        const failure = exchange.failure();
        if (failure) throw failure;
        exchange.watch.rest();
        ended = done;
        return value;
      } catch (thrown) {
        throw exchange.failure() ?? toBrokenBody(thrown, exchange.host);
      }
    },
    leave: () => {
      exchange.close();
      if (!reader || ended) return;
      ended = true;
      if (this.settled && !exchange.failure()) void readRest(reader);
      else leave(reader);
    },
  };
}

async function* chunks(this: OwnReply): AsyncGenerator<Uint8Array, void, undefined> {
  const body = this.pieces();
  try {
    for (let piece = await body.next(); piece; piece = await body.next()) yield piece;
  } finally {
    body.leave();
  }
}

function settle(this: OwnReply): void {
  this.settled = true;
}

async function takeWhole(response: Response, exchange: Exchange): Promise<string> {
  try {
    return await response.text();
  } catch (thrown) {
    throw exchange.failure() ?? toBrokenBody(thrown, exchange.host);
  } finally {
    exchange.close();
  }
}

async function joined(
  body: AsyncIterable<Uint8Array>,
  limit: number,
  host: string,
): Promise<string> {
  const decoder = new TextDecoder();
  let whole = "";
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > limit) {
      const answer = (of: string): string => `the answer of ${of} is larger than ${limit} bytes`;
      throw new ChatError("bad-upstream", answer(host), {
        code: "answer_too_large",
        told: answer(SOMEBODY),
        retryHere: false,
      });
    }
    whole += decoder.decode(chunk, { stream: true });
  }
  return whole + decoder.decode();
}

async function firstOf(body: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let whole = "";
  let left = limit;
  for await (const chunk of body) {
    whole += decoder.decode(chunk.subarray(0, left), { stream: true });
    left -= chunk.byteLength;
    if (left <= 0) break;
  }
  return whole;
}

/** Closes the connection. That a body which has already failed cannot be cancelled is no news to anybody. */
function leave(reader: Reader): void {
  reader.cancel().catch(() => undefined);
}

async function readRest(reader: Reader): Promise<void> {
  const timer = setTimeout(() => leave(reader), REST_MS);
  try {
    for (let left = REST_BYTES; left > 0;) {
      const { done, value } = await reader.read();
      if (done) return;
      left -= value.byteLength;
    }
    leave(reader);
  } catch {
    // The answer was complete; that its connection broke behind it takes nothing away from it.
  } finally {
    clearTimeout(timer);
  }
}
