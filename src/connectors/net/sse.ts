import { createParser } from "eventsource-parser";
import { ChatError } from "../hub/error.ts";
import { isJsonObject } from "../hub/json.ts";
import type { SseMessage } from "../hub/wire.ts";

/** The most that one message may hold, in UTF-16 code units; real ones with a whole image in them have 8 million. */
const MAX_MESSAGE_LENGTH = 32 * 1024 * 1024;
/** As much as is kept of what stands behind the last message. */
const MAX_TAIL_LENGTH = 64 * 1024;
const BLANK_LINE = /\r\n\r\n|\n\n|\r\r/g;

/** Cuts the bytes of one event stream into messages. Comments, ids and retry times are left out. */
export type SseReader = {
  /** The messages that these bytes complete. Throws ChatError `bad-upstream` when one grows beyond all measure. */
  push(bytes: Uint8Array): readonly SseMessage[];
  /**
   * The bytes have ended: a last message that lacks its blank line. Bare JSON behind the last message is an error that somebody
   * wrote into the stream, as Google's servers do: it becomes an event named so.
   */
  end(): readonly SseMessage[];
};

/** Starts one. Lines may end in LF, CRLF or CR, and bytes may be cut anywhere. */
export function createSseReader(maxMessageLength: number = MAX_MESSAGE_LENGTH): SseReader {
  // The parser takes the byte order mark away; a decoder that did so too would take two.
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let messages: SseMessage[] = [];
  let tooLong = false;
  /** What has come since the last message; the parser itself forgets lines that are none of the standard's. */
  let tail = "";
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
    if (messages.length > 0) tail = behindBlankLine(text);
    else if (tail.length + text.length <= MAX_TAIL_LENGTH) tail += text;
    return messages;
  };
  return {
    push: (bytes) => feed(decoder.decode(bytes, { stream: true })),
    // Providers are seen to leave out the blank line behind the last message, which the standard would drop.
    end() {
      const last = feed(`${decoder.decode()}\n\n`);
      const error = strayError(tail);
      return error === undefined ? last : [...last, error];
    },
  };
}

function behindBlankLine(text: string): string {
  if (text.endsWith("\n\n")) return "";
  let end = 0;
  for (const match of text.matchAll(BLANK_LINE)) end = match.index + match[0].length;
  return text.slice(end, end + MAX_TAIL_LENGTH);
}

/** What stood outside of all messages, if it is an error in JSON; of a list of errors the first. */
function strayError(text: string): SseMessage | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const first: unknown = Array.isArray(value) ? value[0] : value;
    if (!isJsonObject(first) || first["error"] === undefined) return undefined;
    return { event: "error", data: JSON.stringify(first) };
  } catch {
    // Some other nonsense, which the standard wants left out.
    return undefined;
  }
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
