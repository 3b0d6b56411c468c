import { ChatError } from "../../hub/error.ts";
import type { ChatEvent } from "../../hub/event.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { StreamDecoder } from "../../hub/wire.ts";
import { endedEarly, parseMessage } from "../message.ts";
import { decodeInnerError } from "../provider-error.ts";
import { isJsonArray, textOf } from "../walk.ts";
import { createBlockReader } from "./egress-block-reader.ts";
import { decodeStopReason } from "./finish.ts";
import { createUsageReader } from "./usage.ts";

const NOTHING: readonly ChatEvent[] = [];

type Reader = {
  /** Throws ChatError for an error event. */
  read(event: JsonObject): readonly ChatEvent[];
  conclude(): readonly ChatEvent[];
  readonly started: boolean;
  readonly finished: boolean;
};

function createReader(): Reader {
  const blocks = createBlockReader();
  const usage = createUsageReader();
  let started = false;
  let finish: Extract<ChatEvent, { type: "finish" }> | undefined;

  const start = (message: JsonObject): readonly ChatEvent[] => {
    started = true;
    usage.read(message["usage"]);
    const id = textOf(message["id"]);
    const model = textOf(message["model"]);
    const known = usage.usage;
    return [
      {
        type: "start",
        ...(id === undefined ? {} : { id }),
        ...(model === undefined ? {} : { model }),
        ...(known === undefined ? {} : { usage: known }),
      },
    ];
  };

  const end = (delta: Json | undefined): void => {
    if (!isJsonObject(delta)) return;
    const word = textOf(delta["stop_reason"]);
    if (word === undefined) return;
    const stopSequence = textOf(delta["stop_sequence"]);
    finish = {
      type: "finish",
      ...decodeStopReason(word),
      ...(stopSequence === undefined ? {} : { stopSequence }),
    };
  };

  return {
    read(event) {
      switch (textOf(event["type"]) ?? "") {
        case "message_start": {
          const message = event["message"];
          return isJsonObject(message) ? start(message) : NOTHING;
        }
        case "content_block_start":
        case "content_block_delta":
        case "content_block_stop": {
          const events = blocks.read(event);
          // A host that forgot to begin has begun all the same.
          return started || events.length === 0 ? events : [...start({}), ...events];
        }
        case "message_delta": {
          end(event["delta"]);
          usage.read(event["usage"]);
          const known = usage.usage;
          return known === undefined ? NOTHING : [{ type: "usage", usage: known }];
        }
        case "error":
          throw decodeInnerError(event);
        default:
          return NOTHING;
      }
    },
    conclude: () => [...blocks.close(), finish ?? { type: "finish", reason: "stop" }],
    get started() {
      return started;
    },
    get finished() {
      return finish !== undefined;
    },
  };
}

/** Starts the machine that reads one streamed answer. */
export function decodeStream(): StreamDecoder {
  const reader = createReader();
  let done = false;

  const conclude = (): readonly ChatEvent[] => {
    done = true;
    return reader.conclude();
  };

  return {
    push({ event, data }) {
      if (done || data === "") return NOTHING;
      const message = parseMessage(data);
      if (!isJsonObject(message)) return NOTHING;
      if (event === "error" && message["type"] !== "error") throw decodeInnerError(message);
      if (message["type"] === "message_stop") {
        if (reader.started) return conclude();
        throw new ChatError("bad-upstream", "the provider ended the stream without an answer");
      }
      return reader.read(message);
    },
    end() {
      if (done) return NOTHING;
      if (reader.finished) return conclude();
      throw endedEarly(reader.started);
    },
    get done() {
      return done;
    },
  };
}

/** Reads a whole reply as the events of its stream would have told it. Throws ChatError when it is an error. */
export function decodeReply(body: JsonObject): readonly ChatEvent[] {
  if (body["type"] === "error" || isJsonObject(body["error"])) throw decodeInnerError(body);
  const content = body["content"];
  if (!isJsonArray(content)) {
    throw new ChatError("bad-upstream", "the provider's reply holds no answer");
  }
  const reader = createReader();
  const events = [...reader.read({ type: "message_start", message: body })];
  for (const [index, block] of content.entries()) {
    events.push(...reader.read({ type: "content_block_start", index, content_block: block }));
    events.push(...reader.read({ type: "content_block_stop", index }));
  }
  events.push(...reader.read({ type: "message_delta", delta: body, usage: body["usage"] ?? null }));
  return [...events, ...reader.conclude()];
}
