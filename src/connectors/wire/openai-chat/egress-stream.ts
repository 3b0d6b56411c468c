import { ChatError } from "../../hub/error.ts";
import type { ChatEvent } from "../../hub/event.ts";
import { isJsonObject, type JsonObject } from "../../hub/json.ts";
import type { StreamDecoder } from "../../hub/wire.ts";
import { endedEarly, parseMessage } from "../message.ts";
import { createChunkReader } from "./egress-chunk.ts";
import { decodeInnerError } from "../provider-error.ts";

const NOTHING: readonly ChatEvent[] = [];

/** Starts the machine that reads one streamed answer. */
export function decodeStream(): StreamDecoder {
  const chunks = createChunkReader();
  let done = false;

  const conclude = (): readonly ChatEvent[] => {
    done = true;
    return chunks.finish();
  };

  return {
    push({ event, data }) {
      if (done || data === "") return NOTHING;
      if (data.trim() === "[DONE]") {
        // Hosts that forget the finish reason still mean this as the good end, unless nothing was answered at all.
        if (chunks.started) return conclude();
        throw new ChatError("bad-upstream", "the provider ended the stream without an answer");
      }
      const message = parseMessage(data);
      if (!isJsonObject(message)) return NOTHING;
      if (event === "error") throw decodeInnerError(message);
      return chunks.read(message);
    },
    end() {
      if (done) return NOTHING;
      // Usage comes behind the finish reason, so the end of the bytes is what ends an answer without [DONE].
      if (chunks.finished) return conclude();
      throw endedEarly(chunks.started);
    },
    get done() {
      return done;
    },
  };
}

/** Reads a whole reply as the events of its stream would have told it. Throws ChatError when it is an error. */
export function decodeReply(body: JsonObject): readonly ChatEvent[] {
  const chunks = createChunkReader();
  const events = chunks.read(body);
  if (!chunks.started) {
    throw new ChatError("bad-upstream", "the provider's reply holds no answer");
  }
  return chunks.finish(events);
}
