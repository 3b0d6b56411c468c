import { ChatError } from "../../hub/error.ts";
import type { ChatEvent } from "../../hub/event.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { closeDelta, type Delta, readDelta, sawToolCall, startDelta } from "./egress-delta.ts";
import { decodeInnerError } from "../provider-error.ts";
import { decodeFinish } from "./finish.ts";
import { isJsonArray, textOf, type Writable } from "../walk.ts";
import { decodeUsage } from "./usage.ts";

/** Reads chunks of a stream; a whole reply is one chunk whose delta is called `message`. */
export type ChunkReader = {
  /** Throws ChatError if the chunk is an error. A chunk that is none yields nothing. */
  read(chunk: JsonObject): readonly ChatEvent[];
  /** The good end, however the provider marked it: behind `events`, if there are any. */
  finish(events?: readonly ChatEvent[]): readonly ChatEvent[];
  /** Whether an answer has begun. */
  readonly started: boolean;
  /** Whether the provider has said why it ended. */
  readonly finished: boolean;
};

const NOTHING: readonly ChatEvent[] = [];

/** What an error chunk holds, if it is one: OpenAI and OpenRouter, vLLM, Alibaba, an error within the choice. */
function errorIn(chunk: JsonObject, choice: JsonObject | undefined): Json | undefined {
  const error = chunk["error"] ?? undefined;
  if (error !== undefined) return chunk;
  const inner = choice?.["error"] ?? undefined;
  if (choice !== undefined && inner !== undefined) return choice;
  if (chunk["object"] === "error") return chunk;
  const isBare = chunk["choices"] === undefined && textOf(chunk["code"]) !== undefined;
  return isBare && textOf(chunk["message"]) !== undefined ? chunk : undefined;
}

/** The first answer; further ones (`n` above 1) exist only for callers who get the provider's words verbatim. */
function firstChoice(choices: readonly Json[]): JsonObject | undefined {
  for (const choice of choices) {
    if (isJsonObject(choice) && (choice["index"] ?? 0) === 0) return choice;
  }
  return undefined;
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return isJsonArray(value) ? value.filter(isJsonObject) : [];
}

function readLogprobs(choice: JsonObject, events: ChatEvent[]): void {
  const logprobs = choice["logprobs"];
  if (!isJsonObject(logprobs)) return;
  const refusal = objects(logprobs["refusal"]);
  events.push({
    type: "logprobs",
    content: objects(logprobs["content"]),
    ...(refusal.length > 0 ? { refusal } : {}),
  });
}

type OwnReader = ChunkReader & {
  started: boolean;
  finished: boolean;
  readonly delta: Delta;
  end: Finish | undefined;
};

type Finish = Writable<Extract<ChatEvent, { type: "finish" }>>;

/** Starts a reader for one answer. */
export function createChunkReader(): ChunkReader {
  const reader: OwnReader = {
    started: false,
    finished: false,
    delta: startDelta(),
    end: undefined,
    // Shared by all readers rather than made for each: every answer has one.
    read,
    finish,
  };
  return reader;
}

function read(this: OwnReader, chunk: JsonObject): readonly ChatEvent[] {
  const choices = chunk["choices"];
  const choice = isJsonArray(choices) ? firstChoice(choices) : undefined;
  const error = errorIn(chunk, choice);
  if (error !== undefined) throw decodeInnerError(error);
  const events: ChatEvent[] = [];
  if (choice) {
    if (!this.started) readStart(this, chunk, events);
    const body = choice["delta"] ?? choice["message"];
    if (isJsonObject(body)) readDelta(this.delta, body, events);
    readLogprobs(choice, events);
    readFinish(this, choice, events);
  }
  const groq = chunk["x_groq"];
  const usage =
    decodeUsage(chunk["usage"]) ??
    // Moonshot puts it into the choice, Groq into a field of its own.
    decodeUsage(choice?.["usage"]) ??
    (isJsonObject(groq) ? decodeUsage(groq["usage"]) : undefined);
  if (usage) events.push({ type: "usage", usage });
  return events.length > 0 ? events : NOTHING;
}

function finish(this: OwnReader, before: readonly ChatEvent[] = NOTHING): readonly ChatEvent[] {
  const events = [...before];
  closeDelta(this.delta, events);
  const event: Finish = this.end ?? { type: "finish", reason: "stop" };
  // Some hosts say "stop" after calling tools.
  if (event.reason === "stop" && sawToolCall(this.delta)) event.reason = "tool-calls";
  events.push(event);
  return events;
}

function readStart(reader: OwnReader, chunk: JsonObject, events: ChatEvent[]): void {
  reader.started = true;
  const id = textOf(chunk["id"]);
  const model = textOf(chunk["model"]);
  const time = chunk["created"];
  const event: Writable<Extract<ChatEvent, { type: "start" }>> = { type: "start" };
  if (id !== undefined) event.id = id;
  if (model !== undefined) event.model = model;
  // Azure's first chunk is about the prompt and has zeros and empty texts.
  if (typeof time === "number" && time > 0) event.created = Math.floor(time);
  reader.delta.responseId = String(event.id ?? event.created ?? "0");
  events.push(event);
}

function readFinish(reader: OwnReader, choice: JsonObject, events: ChatEvent[]): void {
  const word = textOf(choice["finish_reason"]);
  if (word === undefined) return;
  const meant = decodeFinish(word);
  if (meant.reason === "error") {
    const native = textOf(choice["native_finish_reason"]) ?? word;
    throw new ChatError("bad-upstream", `the provider broke the answer off (${native})`);
  }
  closeDelta(reader.delta, events);
  const native = textOf(choice["native_finish_reason"]) ?? meant.native;
  const stopSequence = textOf(choice["stop_reason"]);
  reader.finished = true;
  const reason =
    stopSequence !== undefined && meant.reason === "stop" ? "stop-sequence" : meant.reason;
  reader.end = { type: "finish", reason };
  if (native !== undefined) reader.end.native = native;
  if (stopSequence !== undefined) reader.end.stopSequence = stopSequence;
}
