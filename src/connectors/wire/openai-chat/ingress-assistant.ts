import type { Json, JsonObject } from "../../hub/json.ts";
import type { Message, ToolCallPart } from "../../hub/request.ts";
import { thoughtSignature } from "./extra-content.ts";
import { decodeContent, FIELDS, nameOf, noteUnknown, withCache } from "./ingress-content.ts";
import { type ContentPart, decodeCache, decodePart } from "./ingress-part.ts";
import { decodeReasoning } from "./reasoning.ts";
import { asArray, asObject, asString, noteHere, type Reading } from "../walk.ts";

type AssistantPart = Extract<Message, { role: "assistant" }>["parts"][number];

const ASSISTANT_FIELDS = new Set([
  ...FIELDS,
  "refusal",
  "reasoning",
  "reasoning_content",
  "reasoning_details",
  "tool_calls",
  "function_call",
  "images",
  "audio",
]);

function isContentPart(part: ContentPart | undefined): part is ContentPart {
  return part !== undefined;
}

function decodeCall(reading: Reading, value: JsonObject, id: string): ToolCallPart {
  const given = value["arguments"] ?? undefined;
  return {
    type: "tool-call",
    id,
    name: asString(reading, "name", value["name"]),
    arguments: given === undefined ? "" : asString(reading, "arguments", given),
  };
}

function decodeToolCalls(reading: Reading, calls: readonly Json[]): ToolCallPart[] {
  const { trail } = reading;
  const parts: ToolCallPart[] = [];
  trail.push("tool_calls");
  for (const [index, value] of calls.entries()) {
    const call = asObject(reading, index, value);
    trail.push(index);
    if ((call["type"] ?? "function") === "function") {
      const id = asString(reading, "id", call["id"]);
      const body = asObject(reading, "function", call["function"]);
      trail.push("function");
      const part = decodeCall(reading, body, id);
      trail.pop();
      const signature = thoughtSignature(call);
      const cache = decodeCache(call["cache_control"]);
      parts.push({ ...part, ...(signature ? { signature } : {}), ...(cache ? { cache } : {}) });
    } else {
      noteHere(reading);
    }
    trail.pop();
  }
  trail.pop();
  return parts;
}

/** The id of a legacy `function_call`, which has none: its message's place, so that it is the same on every turn. */
function legacyId(message: number): string {
  return `call_message_${message}`;
}

/** An assistant's message at this place of the list: thoughts, content, refusal, media and calls. */
export function decodeAssistant(reading: Reading, at: number, message: JsonObject): Message {
  noteUnknown(reading, message, ASSISTANT_FIELDS);
  const parts: AssistantPart[] = [...decodeReasoning(message)];
  parts.push(...withCache(message, decodeContent(reading, message, isContentPart)));
  const refusal = message["refusal"] ?? undefined;
  if (refusal !== undefined && refusal !== "") {
    parts.push({ type: "refusal", text: asString(reading, "refusal", refusal) });
  }
  const images = message["images"] ?? undefined;
  if (images !== undefined) {
    const list = asArray(reading, "images", images);
    reading.trail.push("images");
    for (const [index, value] of list.entries()) {
      const part = decodePart(reading, index, value);
      if (part) parts.push(part);
    }
    reading.trail.pop();
  }
  const audio = message["audio"] ?? undefined;
  if (audio !== undefined) {
    const id = asObject(reading, "audio", audio)["id"];
    reading.trail.push("audio");
    parts.push({ type: "audio", source: { kind: "file-id", id: asString(reading, "id", id) } });
    reading.trail.pop();
  }
  const calls = message["tool_calls"] ?? undefined;
  if (calls !== undefined) {
    parts.push(...decodeToolCalls(reading, asArray(reading, "tool_calls", calls)));
  }
  const legacy = message["function_call"] ?? undefined;
  if (legacy !== undefined) {
    const call = asObject(reading, "function_call", legacy);
    reading.trail.push("function_call");
    parts.push(decodeCall(reading, call, legacyId(at)));
    reading.trail.pop();
  }
  return { role: "assistant", parts, ...nameOf(reading, message) };
}
