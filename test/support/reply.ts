/** The answers of a fake provider: whole, streamed at a pace, or held until the test lets them go on. */

/** A whole JSON reply; `text` goes out byte for byte. */
export function jsonReply(
  text: string,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(text, {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** An event stream whose pieces travel one by one. */
export function streamReply(
  pieces: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(paced(pieces), {
    headers: { "content-type": "text/event-stream", "cache-control": "no-cache", ...headers },
  });
}

/** An event stream as fast as the reader takes it; the generator is asked only when there is room. */
export function unpacedReply(pieces: AsyncGenerator<Uint8Array>): Response {
  return new Response(pieces, { headers: { "content-type": "text/event-stream" } });
}

/** The text of an event stream: one message for each payload, `[DONE]` at the end unless `done` is false. */
export function sse(payloads: readonly string[], done = true): string {
  const all = done ? [...payloads, "[DONE]"] : payloads;
  return all.map((payload) => `data: ${payload}\n\n`).join("");
}

/** A door that a test opens when it likes. */
export type Gate = { readonly opened: Promise<void>; open(): void };

/** A closed gate. */
export function createGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

const encoder = new TextEncoder();

async function* paced(
  pieces: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    yield typeof piece === "string" ? encoder.encode(piece) : piece;
    // Measured: without a timer's pause between them, Bun.serve puts neighbours into one packet.
    await Bun.sleep(1);
  }
}
