import type { ChatEvent } from "../../hub/event.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { thoughtSignature } from "./extra-content.ts";
import { fromUrl } from "./media.ts";
import { decodeDetail, isSameBlock, type ReasoningDetail } from "./reasoning.ts";
import { isJsonArray, textOf } from "../walk.ts";
import { createToolCalls, type ToolCalls } from "./tool-calls.ts";

/** Turns deltas (or, as one great delta, a whole message) into events. */
export type DeltaReader = {
  read(delta: JsonObject, events: ChatEvent[]): void;
  /** Closes what is open. */
  close(events: ChatEvent[]): void;
  readonly sawToolCall: boolean;
};

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

/** Starts a reader; `responseId` names tool calls that come without an id. */
export function createDeltaReader(responseId: () => string): DeltaReader {
  let blocks = 0;
  const nextIndex = (): number => {
    blocks += 1;
    return blocks - 1;
  };
  /** Made when the first call comes; most answers have none. */
  let calls: ToolCalls | undefined;
  /** Texts and thoughts follow one another; only tool calls grow side by side. */
  let open: OpenBlock | undefined;
  /**
   * Where readable thoughts were found first. A host that shows them in both places shows the same ones, in the same
   * message or, all at once, at the end.
   */
  let thoughtsIn: "details" | "plain" | undefined;

  const closeBlock = (events: ChatEvent[]): void => {
    if (open === undefined) return;
    events.push({
      type: open.kind === "reasoning" ? "reasoning-end" : "text-end",
      index: open.index,
    });
    open = undefined;
  };

  const readText = (text: string, kind: "text" | "refusal", events: ChatEvent[]): void => {
    if (open?.kind !== kind) {
      closeBlock(events);
      open = { kind, index: nextIndex() };
      events.push({
        type: "text-start",
        index: open.index,
        ...(kind === "refusal" ? { refusal: true } : {}),
      });
    }
    events.push({ type: "text-delta", index: open.index, text });
  };

  const readThought = (detail: ReasoningDetail, events: ChatEvent[]): void => {
    const { form, text, signature, data, id, format } = detail;
    if (text === "" && signature === undefined && data === undefined) return;
    if (open?.kind !== "reasoning" || !isSameBlock(open.detail, detail, open.isSigned)) {
      closeBlock(events);
      open = { kind: "reasoning", index: nextIndex(), detail, isSigned: false };
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
  };

  const readReasoning = (delta: JsonObject, events: ChatEvent[]): void => {
    const list = delta["reasoning_details"];
    const plain = textOf(delta["reasoning_content"]) ?? textOf(delta["reasoning"]);
    if (plain === undefined && !isJsonArray(list)) return;
    const details = isJsonArray(list)
      ? list.map(decodeDetail).filter((detail) => detail !== undefined)
      : [];
    const isReadable = details.some((detail) => detail.text !== "");
    const usesDetails = isReadable && thoughtsIn !== "plain";
    if (usesDetails) thoughtsIn = "details";
    else if (plain !== undefined) {
      thoughtsIn ??= "plain";
      // Plain pieces belong together whatever lies between them, so they are given one number.
      readThought({ form: "text", text: plain, index: PLAIN_BLOCK }, events);
    }
    for (const detail of details) {
      const isSigned = detail.signature !== undefined || detail.data !== undefined;
      if (usesDetails) readThought(detail, events);
      else if (isSigned) readThought({ ...detail, text: "", ...asPlain(detail) }, events);
    }
  };

  /** A signature over thoughts that were shown as plain text belongs to that block. */
  const asPlain = (detail: ReasoningDetail): { readonly index?: number } =>
    detail.form === "text" && thoughtsIn === "plain" ? { index: PLAIN_BLOCK } : {};

  const readContent = (content: Json | undefined, events: ChatEvent[]): void => {
    if (typeof content === "string") {
      if (content !== "") readText(content, "text", events);
      return;
    }
    if (!isJsonArray(content)) return;
    // Mistral's reasoning models: thoughts and text as parts.
    for (const part of content) {
      if (!isJsonObject(part)) continue;
      const text = textOf(part["text"]);
      if (text !== undefined) readText(text, "text", events);
      const pieces = part["thinking"];
      for (const piece of isJsonArray(pieces) ? pieces : [pieces]) {
        const thought = isJsonObject(piece) ? textOf(piece["text"]) : textOf(piece);
        if (thought === undefined) continue;
        readThought({ form: "text", text: thought, index: PLAIN_BLOCK }, events);
      }
    }
  };

  const readCalls = (delta: JsonObject, events: ChatEvent[]): void => {
    const list = delta["tool_calls"];
    const legacy = delta["function_call"];
    const signature = thoughtSignature(delta);
    if (!isJsonArray(list) && !isJsonObject(legacy)) {
      if (signature === undefined) return;
      readThought({ form: "encrypted", text: "", data: signature, format: GEMINI_FORMAT }, events);
      return;
    }
    if (isJsonArray(list) && list.length > 0) {
      closeBlock(events);
      // Gemini's endpoint once put the signature of a call on the message around it.
      let spare = signature;
      for (const call of list) {
        if (!isJsonObject(call)) continue;
        calls ??= createToolCalls(nextIndex, responseId);
        calls.read(call, spare, events);
        spare = undefined;
      }
    }
    if (isJsonObject(legacy)) {
      closeBlock(events);
      calls ??= createToolCalls(nextIndex, responseId);
      calls.readLegacy(legacy, events);
    }
  };

  return {
    read(delta, events) {
      readReasoning(delta, events);
      readContent(delta["content"], events);
      const refusal = textOf(delta["refusal"]);
      if (refusal !== undefined) readText(refusal, "refusal", events);
      readMade(delta, events);
      readCalls(delta, events);
    },
    close(events) {
      closeBlock(events);
      calls?.close(events);
    },
    get sawToolCall() {
      return calls !== undefined && calls.begun > 0;
    },
  };
}
