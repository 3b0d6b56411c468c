import { ChatError } from "../hub/error.ts";
import { redact } from "./redact.ts";

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
