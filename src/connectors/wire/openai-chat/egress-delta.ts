import type { ChatEvent } from "../../hub/event.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { thoughtSignature } from "./extra-content.ts";
import { fromUrl } from "./media.ts";
import { decodeDetail, isSameBlock, type ReasoningDetail } from "./reasoning.ts";
import { isJsonArray, textOf } from "../walk.ts";
import { createToolCalls, type ToolCalls } from "./tool-calls.ts";

/** Gemini's signature for a text or thought, by the name that OpenRouter gives the format. */
const GEMINI_FORMAT = "google-gemini-v1";

/** The number given to thoughts in plain fields; no host numbers its entries so. */
const PLAIN_BLOCK = -1;

type OpenBlock =
  | { readonly kind: "text" | "refusal"; readonly index: number }
  | {
      readonly kind: "reasoning";
      readonly index: number;
      readonly detail: ReasoningDetail;
      isSigned: boolean;
    };

/** What the model made beside words: images, speech, citations. */
function readMade(delta: JsonObject, events: ChatEvent[]): void {
  const images = delta["images"];
  for (const image of isJsonArray(images) ? images : []) {
    const holder = isJsonObject(image) ? image["image_url"] : undefined;
    const url = isJsonObject(holder) ? textOf(holder["url"]) : textOf(holder);
    const media = url === undefined ? undefined : fromUrl(url);
    if (media) events.push({ type: "media", part: { type: "image", ...media } });
  }
  const audio = delta["audio"];
  if (isJsonObject(audio)) {
    const id = textOf(audio["id"]);
    const transcript = textOf(audio["transcript"]);
    const data = textOf(audio["data"]) ?? "";
    if (id !== undefined || transcript !== undefined || data !== "") {
      events.push({
        type: "media",
        part: {
          type: "audio",
          source: { kind: "base64", data },
          ...(id === undefined ? {} : { id }),
          ...(transcript === undefined ? {} : { transcript }),
        },
      });
    }
  }
  const annotations = delta["annotations"];
  for (const annotation of isJsonArray(annotations) ? annotations : []) {
    if (isJsonObject(annotation)) events.push({ type: "annotation", annotation });
  }
}

/** What the content of one answer has come to so far. A plain record: most answers are whole ones, and read once. */
export type Delta = {
  /** Names tool calls that come without an id. */
  responseId: string;
  blocks: number;
  /** Made when the first call comes; most answers have none. */
  calls: ToolCalls | undefined;
  /** Texts and thoughts follow one another; only tool calls grow side by side. */
  open: OpenBlock | undefined;
  /**
   * Where readable thoughts were found first. A host that shows them in both places shows the same ones, in the same
   * message or, all at once, at the end.
   */
  thoughtsIn: "details" | "plain" | undefined;
};

function nextIndex(state: Delta): number {
  state.blocks += 1;
  return state.blocks - 1;
}

function callsOf(state: Delta): ToolCalls {
  state.calls ??= createToolCalls(
    () => nextIndex(state),
    // Ids of tool calls may hold nothing else at some providers.
    () => state.responseId.replace(/[^\w-]/g, "_"),
  );
  return state.calls;
}

function closeBlock(state: Delta, events: ChatEvent[]): void {
  const { open } = state;
  if (open === undefined) return;
  events.push({
    type: open.kind === "reasoning" ? "reasoning-end" : "text-end",
    index: open.index,
  });
  state.open = undefined;
}

function readText(state: Delta, text: string, kind: "text" | "refusal", events: ChatEvent[]): void {
  if (state.open?.kind !== kind) {
    closeBlock(state, events);
    const index = nextIndex(state);
    state.open = { kind, index };
    events.push(
      kind === "refusal"
        ? { type: "text-start", index, refusal: true }
        : { type: "text-start", index },
    );
  }
  events.push({ type: "text-delta", index: state.open.index, text });
}

function readThought(state: Delta, detail: ReasoningDetail, events: ChatEvent[]): void {
  const { form, text, signature, data, id, format } = detail;
  if (text === "" && signature === undefined && data === undefined) return;
  let { open } = state;
  if (open?.kind !== "reasoning" || !isSameBlock(open.detail, detail, open.isSigned)) {
    closeBlock(state, events);
    open = { kind: "reasoning", index: nextIndex(state), detail, isSigned: false };
    state.open = open;
    events.push({
      type: "reasoning-start",
      index: open.index,
      form,
      ...(id === undefined ? {} : { id }),
      ...(format === undefined ? {} : { format }),
    });
  }
  if (text !== "") events.push({ type: "reasoning-delta", index: open.index, text });
  if (signature !== undefined || data !== undefined) {
    open.isSigned = true;
    events.push({
      type: "reasoning-signature",
      index: open.index,
      ...(signature === undefined ? {} : { signature }),
      ...(data === undefined ? {} : { data }),
    });
  }
}

/** A signature over thoughts that were shown as plain text belongs to that block. */
function asPlain({ thoughtsIn }: Delta, detail: ReasoningDetail): { readonly index?: number } {
  return detail.form === "text" && thoughtsIn === "plain" ? { index: PLAIN_BLOCK } : {};
}

function readReasoning(state: Delta, delta: JsonObject, events: ChatEvent[]): void {
  const list = delta["reasoning_details"];
  const plain = textOf(delta["reasoning_content"]) ?? textOf(delta["reasoning"]);
  if (plain === undefined && !isJsonArray(list)) return;
  const details = isJsonArray(list)
    ? list.map(decodeDetail).filter((detail) => detail !== undefined)
    : [];
  const isReadable = details.some((detail) => detail.text !== "");
  const usesDetails = isReadable && state.thoughtsIn !== "plain";
  if (usesDetails) state.thoughtsIn = "details";
  else if (plain !== undefined) {
    state.thoughtsIn ??= "plain";
    // Plain pieces belong together whatever lies between them, so they are given one number.
    readThought(state, { form: "text", text: plain, index: PLAIN_BLOCK }, events);
  }
  for (const detail of details) {
    const isSigned = detail.signature !== undefined || detail.data !== undefined;
    if (usesDetails) readThought(state, detail, events);
    else if (isSigned) {
      readThought(state, { ...detail, text: "", ...asPlain(state, detail) }, events);
    }
  }
}

function readContent(state: Delta, content: Json | undefined, events: ChatEvent[]): void {
  if (typeof content === "string") {
    if (content !== "") readText(state, content, "text", events);
    return;
  }
  if (!isJsonArray(content)) return;
  // Mistral's reasoning models: thoughts and text as parts.
  for (const part of content) {
    if (!isJsonObject(part)) continue;
    const text = textOf(part["text"]);
    if (text !== undefined) readText(state, text, "text", events);
    const pieces = part["thinking"];
    for (const piece of isJsonArray(pieces) ? pieces : [pieces]) {
      const thought = isJsonObject(piece) ? textOf(piece["text"]) : textOf(piece);
      if (thought === undefined) continue;
      readThought(state, { form: "text", text: thought, index: PLAIN_BLOCK }, events);
    }
  }
}

function readCalls(state: Delta, delta: JsonObject, events: ChatEvent[]): void {
  const list = delta["tool_calls"];
  const legacy = delta["function_call"];
  const signature = thoughtSignature(delta);
  if (!isJsonArray(list) && !isJsonObject(legacy)) {
    if (signature === undefined) return;
    const detail = { form: "encrypted", text: "", data: signature, format: GEMINI_FORMAT } as const;
    readThought(state, detail, events);
    return;
  }
  if (isJsonArray(list) && list.length > 0) {
    closeBlock(state, events);
    // Gemini's endpoint once put the signature of a call on the message around it.
    let spare = signature;
    for (const call of list) {
      if (!isJsonObject(call)) continue;
      callsOf(state).read(call, spare, events);
      spare = undefined;
    }
  }
  if (isJsonObject(legacy)) {
    closeBlock(state, events);
    callsOf(state).readLegacy(legacy, events);
  }
}

/** Starts the content of an answer. */
export function startDelta(): Delta {
  return { responseId: "0", blocks: 0, calls: undefined, open: undefined, thoughtsIn: undefined };
}

/** Reads a delta or, as one great delta, a whole message. */
export function readDelta(state: Delta, delta: JsonObject, events: ChatEvent[]): void {
  readReasoning(state, delta, events);
  readContent(state, delta["content"], events);
  const refusal = textOf(delta["refusal"]);
  if (refusal !== undefined) readText(state, refusal, "refusal", events);
  readMade(delta, events);
  readCalls(state, delta, events);
}

/** Closes what is open. */
export function closeDelta(state: Delta, events: ChatEvent[]): void {
  closeBlock(state, events);
  state.calls?.close(events);
}

export function sawToolCall({ calls }: Delta): boolean {
  return calls !== undefined && calls.begun > 0;
}
