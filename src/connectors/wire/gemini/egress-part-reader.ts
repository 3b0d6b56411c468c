import type { ChatEvent } from "../../hub/event.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { isJsonArray, textOf } from "../walk.ts";
import { createCallReader } from "./egress-call-reader.ts";
import { GEMINI_FORMAT } from "./signature.ts";

/** Turns the parts of an answer into events. */
export type PartReader = {
  read(parts: Json | undefined, events: ChatEvent[]): void;
  /** The model's own words about why it says nothing. */
  refuse(text: string, events: ChatEvent[]): void;
  /** Closes what is open. */
  close(events: ChatEvent[]): void;
  /** All text so far, over which citations count. */
  readonly text: string;
  readonly sawCall: boolean;
};

type Kind = "text" | "refusal" | "thought";

const LANGUAGE_NAME = /^[A-Z_]+$/;

/** Code that Google ran, and what came of it, as text: a client of ours has no other place for it. */
function codeText(part: JsonObject): string | undefined {
  const code = part["executableCode"];
  if (isJsonObject(code)) {
    const language = textOf(code["language"]) ?? "";
    const word = LANGUAGE_NAME.test(language) ? language.toLowerCase() : "";
    return `\n\`\`\`${word}\n${(textOf(code["code"]) ?? "").trimEnd()}\n\`\`\`\n`;
  }
  const result = part["codeExecutionResult"];
  if (!isJsonObject(result)) return undefined;
  const output = textOf(result["output"])?.trimEnd();
  return output === undefined ? "" : `\n\`\`\`\n${output}\n\`\`\`\n`;
}

/** Media that the model made. */
function madeMedia(part: JsonObject): Extract<ChatEvent, { type: "media" }> | undefined {
  const inline = part["inlineData"];
  if (isJsonObject(inline)) {
    const data = textOf(inline["data"]);
    const mimeType = textOf(inline["mimeType"]) ?? "image/png";
    if (data === undefined) return undefined;
    const source = { kind: "base64", data } as const;
    return mimeType.startsWith("audio/")
      ? { type: "media", part: { type: "audio", source, mimeType } }
      : { type: "media", part: { type: "image", source, mimeType } };
  }
  const file = part["fileData"];
  const url = isJsonObject(file) ? textOf(file["fileUri"]) : undefined;
  if (url === undefined || !isJsonObject(file)) return undefined;
  const mimeType = textOf(file["mimeType"]);
  return {
    type: "media",
    part: {
      type: "image",
      source: { kind: "url", url },
      ...(mimeType === undefined ? {} : { mimeType }),
    },
  };
}

/** Starts a reader; `callId` as for calls. */
export function createPartReader(callId: (number: number) => string): PartReader {
  let blocks = 0;
  const nextIndex = (): number => {
    blocks += 1;
    return blocks - 1;
  };
  const calls = createCallReader(nextIndex, callId);
  let open: { readonly kind: Kind; readonly index: number } | undefined;
  let text = "";

  const closeBlock = (events: ChatEvent[]): void => {
    if (open === undefined) return;
    events.push({
      type: open.kind === "thought" ? "reasoning-end" : "text-end",
      index: open.index,
    });
    open = undefined;
  };

  const enter = (kind: Kind, events: ChatEvent[]): number => {
    if (open?.kind === kind) return open.index;
    calls.close(events);
    closeBlock(events);
    open = { kind, index: nextIndex() };
    if (kind === "thought") {
      // Gemini shows digests of its thoughts, never the thoughts themselves, but signs them like the latter.
      events.push({
        type: "reasoning-start",
        index: open.index,
        form: "text",
        format: GEMINI_FORMAT,
      });
    } else {
      events.push({
        type: "text-start",
        index: open.index,
        ...(kind === "refusal" ? { refusal: true } : {}),
      });
    }
    return open.index;
  };

  const write = (kind: Kind, words: string, events: ChatEvent[]): void => {
    if (words === "") return;
    const index = enter(kind, events);
    if (kind === "thought") events.push({ type: "reasoning-delta", index, text: words });
    else {
      if (kind === "text") text += words;
      events.push({ type: "text-delta", index, text: words });
    }
  };

  /** A signature that belongs to no thought: a block of its own behind what it signs. */
  const sign = (signature: string, events: ChatEvent[]): void => {
    closeBlock(events);
    const index = nextIndex();
    events.push(
      { type: "reasoning-start", index, form: "encrypted", format: GEMINI_FORMAT },
      { type: "reasoning-signature", index, data: signature },
      { type: "reasoning-end", index },
    );
  };

  const readPart = (part: JsonObject, events: ChatEvent[]): void => {
    const signature = textOf(part["thoughtSignature"]);
    const call = part["functionCall"];
    if (isJsonObject(call)) {
      closeBlock(events);
      calls.read(call, signature, events);
      return;
    }
    const words = part["text"];
    if (part["thought"] === true) {
      if (typeof words === "string") write("thought", words, events);
      if (signature === undefined) return;
      const index = enter("thought", events);
      events.push({ type: "reasoning-signature", index, signature });
      closeBlock(events);
      return;
    }
    if (typeof words === "string") write("text", words, events);
    else {
      const code = codeText(part);
      const made = code === undefined ? madeMedia(part) : undefined;
      if (code !== undefined) write("text", code, events);
      else if (made === undefined) return;
      else {
        closeBlock(events);
        events.push(made);
      }
    }
    if (signature !== undefined) sign(signature, events);
  };

  return {
    read(parts, events) {
      for (const part of isJsonArray(parts) ? parts : []) {
        if (isJsonObject(part)) readPart(part, events);
      }
    },
    refuse: (words, events) => write("refusal", words, events),
    close(events) {
      calls.close(events);
      closeBlock(events);
    },
    get text() {
      return text;
    },
    get sawCall() {
      return calls.begun > 0;
    },
  };
}
