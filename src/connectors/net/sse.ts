import { createParser } from "eventsource-parser";
import { ChatError } from "../hub/error.ts";
import type { SseMessage } from "../hub/wire.ts";

/** The most that one message may hold, in UTF-16 code units; real ones with a whole image in them have 8 million. */
const MAX_MESSAGE_LENGTH = 32 * 1024 * 1024;

/** Cuts the bytes of one event stream into messages. Comments, ids and retry times are left out. */
export type SseReader = {
  /** The messages that these bytes complete. Throws ChatError `bad-upstream` when one grows beyond all measure. */
  push(bytes: Uint8Array): readonly SseMessage[];
  /** The bytes have ended: a last message that lacks its blank line. */
  end(): readonly SseMessage[];
};

/** Starts one. Lines may end in LF, CRLF or CR, and bytes may be cut anywhere. */
export function createSseReader(maxMessageLength: number = MAX_MESSAGE_LENGTH): SseReader {
  // The parser takes the byte order mark away; a decoder that did so too would take two.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let messages: SseMessage[] = [];
  let tooLong = false;
  const parser = createParser({
    maxBufferSize: maxMessageLength,
    onEvent: (message) => messages.push({ event: message.event, data: message.data }),
    onError(error) {
      if (error.type === "max-buffer-size-exceeded") tooLong = true;
    },
  });
  const feed = (text: string): readonly SseMessage[] => {
    messages = [];
    parser.feed(text);
    if (tooLong) {
      throw new ChatError(
        "bad-upstream",
        `a message of the event stream is longer than ${maxMessageLength} characters`,
        { code: "message_too_long", retryHere: false },
      );
    }
    return messages;
  };
  return {
    push: (bytes) => feed(decoder.decode(bytes, { stream: true })),
    // Providers are seen to leave out the blank line behind the last message, which the standard would drop.
    end: () => feed(`${decoder.decode()}\n\n`),
  };
}

/** The messages of a stream, as many together as each piece of it completes. Throws what the stream throws. */
export async function* readSse(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly SseMessage[], void, undefined> {
  const reader = createSseReader();
  for await (const chunk of chunks) {
    const messages = reader.push(chunk);
    if (messages.length > 0) yield messages;
  }
  const last = reader.end();
  if (last.length > 0) yield last;
}
