import { ChatError } from "../hub/error.ts";
import { redact } from "./redact.ts";

/** The error for a stream whose bytes ended before it was over; `started` says whether any of the answer had come. */
export function endedEarly(started: boolean): ChatError {
  return new ChatError(
    "bad-upstream",
    started
      ? "the provider's stream broke off before the answer was complete"
      : "the provider's stream ended without an answer",
  );
}

const MOST_SHOWN = 200;

/** The JSON of one message of a stream. Throws ChatError `bad-upstream`, showing what came instead. */
export function parseMessage(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (cause) {
    const shown = redact(data.slice(0, MOST_SHOWN));
    throw new ChatError("bad-upstream", `the provider sent a message that is not JSON: ${shown}`, {
      cause,
    });
  }
}
