import { ChatError } from "../../hub/error.ts";
import type { ChatEvent } from "../../hub/event.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { StreamDecoder } from "../../hub/wire.ts";
import { endedEarly, parseMessage } from "../message.ts";
import { decodeInnerError as decodeOtherError } from "../provider-error.ts";
import { redact } from "../redact.ts";
import { isJsonArray, textOf } from "../walk.ts";
import { decodeInnerError, errorIn } from "./egress-error.ts";
import { createPartReader } from "./egress-part-reader.ts";
import { decodeFinish } from "./finish.ts";
import { decodeCitations } from "./grounding.ts";
import { decodeLogprobs } from "./logprobs.ts";
import { decodeUsage } from "./usage.ts";

const NOTHING: readonly ChatEvent[] = [];

type Reader = {
  /** Throws ChatError for a chunk that is an error. */
  read(chunk: JsonObject): readonly ChatEvent[];
  conclude(): readonly ChatEvent[];
  readonly started: boolean;
  readonly finished: boolean;
};

/** The first answer; no client of ours can ask for more. */
function firstCandidate(chunk: JsonObject): JsonObject | undefined {
  const list = chunk["candidates"];
  for (const each of isJsonArray(list) ? list : []) {
    if (isJsonObject(each) && (each["index"] ?? 0) === 0) return each;
  }
  return undefined;
}

function secondsOf(time: string | undefined): number | undefined {
  const milliseconds = Date.parse(time ?? "");
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}

function hasFields(value: Json | undefined): value is JsonObject {
  return isJsonObject(value) && Object.keys(value).length > 0;
}

/** Reads chunks of a stream; a whole reply is one chunk. */
function createReader(): Reader {
  let started = false;
  let id: string | undefined;
  let finish: Extract<ChatEvent, { type: "finish" }> | undefined;
  let grounding: JsonObject | undefined;
  let recitation: JsonObject | undefined;
  // A result names its call by id, and in a conversation no two calls may share one.
  const parts = createPartReader((number) => {
    id ??= crypto.randomUUID();
    return `call_${id.replaceAll(/[^\w-]/g, "_")}_${number}`;
  });

  const start = (chunk: JsonObject, events: ChatEvent[]): void => {
    started = true;
    id = textOf(chunk["responseId"]);
    const model = textOf(chunk["modelVersion"])?.replace(/^.*\//, "");
    const created = secondsOf(textOf(chunk["createTime"]));
    events.push({
      type: "start",
      ...(id === undefined ? {} : { id }),
      ...(model === undefined ? {} : { model }),
      ...(created === undefined ? {} : { created }),
    });
  };

  const readFinish = (candidate: JsonObject): void => {
    const word = textOf(candidate["finishReason"]);
    if (word === undefined || word === "FINISH_REASON_UNSPECIFIED") return;
    const reason = decodeFinish(word);
    if (reason === "error") {
      const message = redact(textOf(candidate["finishMessage"]) ?? "");
      const what = message === "" ? word : `${word}: ${message}`;
      throw new ChatError("bad-upstream", `the provider broke the answer off (${what})`, {
        code: word.toLowerCase(),
      });
    }
    finish = { type: "finish", reason, native: word };
  };

  const readCandidate = (candidate: JsonObject, events: ChatEvent[]): void => {
    const content = candidate["content"];
    if (isJsonObject(content)) parts.read(content["parts"], events);
    const logprobs = decodeLogprobs(candidate["logprobsResult"]);
    if (logprobs.length > 0) events.push({ type: "logprobs", content: logprobs });
    if (hasFields(candidate["groundingMetadata"])) grounding = candidate["groundingMetadata"];
    if (hasFields(candidate["citationMetadata"])) recitation = candidate["citationMetadata"];
    readFinish(candidate);
  };

  /** A prompt that was not let through: an answer that says nothing but why. */
  const readBlock = (feedback: Json | undefined, events: ChatEvent[]): void => {
    const word = isJsonObject(feedback) ? textOf(feedback["blockReason"]) : undefined;
    if (word === undefined || !isJsonObject(feedback)) return;
    const message = textOf(feedback["blockReasonMessage"]);
    if (message !== undefined) parts.refuse(redact(message), events);
    finish = { type: "finish", reason: "refusal", native: word };
  };

  return {
    read(chunk) {
      const error = errorIn(chunk);
      if (error) throw decodeInnerError(error);
      const candidate = firstCandidate(chunk);
      const feedback = chunk["promptFeedback"];
      const isAnswer = candidate !== undefined || isJsonObject(feedback);
      const events: ChatEvent[] = [];
      if (isAnswer && !started) start(chunk, events);
      if (candidate) readCandidate(candidate, events);
      else readBlock(feedback, events);
      const usage = decodeUsage(chunk["usageMetadata"]);
      if (usage) events.push({ type: "usage", usage });
      return events.length > 0 ? events : NOTHING;
    },
    conclude() {
      const events: ChatEvent[] = [];
      parts.close(events);
      if (grounding ?? recitation) {
        for (const annotation of decodeCitations(parts.text, grounding, recitation)) {
          events.push({ type: "annotation", annotation });
        }
      }
      const end = finish ?? { type: "finish", reason: "stop" };
      // Gemini says STOP also where it calls functions.
      events.push(end.reason === "stop" && parts.sawCall ? { ...end, reason: "tool-calls" } : end);
      return events;
    },
    get started() {
      return started;
    },
    get finished() {
      return finish !== undefined;
    },
  };
}

/** Starts the machine that reads one streamed answer. Nothing but the end of the bytes marks its end. */
export function decodeStream(): StreamDecoder {
  const reader = createReader();
  let ended = false;
  return {
    push({ event, data }) {
      if (data === "" || data.trim() === "[DONE]") return NOTHING;
      const message = parseMessage(data);
      const error = errorIn(message);
      if (error) throw decodeInnerError(error);
      if (!isJsonObject(message)) return NOTHING;
      if (event === "error") throw decodeOtherError(message);
      return reader.read(message);
    },
    end() {
      if (ended) return NOTHING;
      if (reader.finished) {
        ended = true;
        return reader.conclude();
      }
      throw endedEarly(reader.started);
    },
    get done() {
      return ended;
    },
  };
}

function readAll(chunks: readonly Json[]): {
  readonly reader: Reader;
  readonly events: readonly ChatEvent[];
} {
  const reader = createReader();
  const events = chunks.flatMap((chunk) => (isJsonObject(chunk) ? reader.read(chunk) : []));
  if (reader.started) return { reader, events };
  throw new ChatError("bad-upstream", "the provider's reply holds no answer");
}

/** Reads a whole reply as the events of its stream would have told it. Throws ChatError when it is an error or no answer. */
export function decodeReply(body: JsonObject): readonly ChatEvent[] {
  const { reader, events } = readAll([body]);
  return [...events, ...reader.conclude()];
}

/** Reads the chunks of a stream that came as one JSON array, as Google sends it without `alt=sse`. Throws as `decodeReply`. */
export function decodeChunks(chunks: readonly Json[]): readonly ChatEvent[] {
  const { reader, events } = readAll(chunks);
  if (reader.finished) return [...events, ...reader.conclude()];
  throw new ChatError("bad-upstream", "the provider's answer broke off before it was complete");
}
