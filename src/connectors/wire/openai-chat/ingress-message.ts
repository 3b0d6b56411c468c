import type { Json, JsonObject } from "../../hub/json.ts";
import type {
  CacheHint,
  Message,
  SystemPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from "../../hub/request.ts";
import { thoughtSignature } from "./extra-content.ts";
import { type ContentPart, decodeCache, decodePart } from "./ingress-part.ts";
import { decodeReasoning } from "./reasoning.ts";
import {
  asArray,
  asObject,
  asString,
  fault,
  isJsonArray,
  note,
  noteHere,
  type Reading,
} from "../walk.ts";

type AssistantPart = Extract<Message, { role: "assistant" }>["parts"][number];
type UserPart = Extract<Message, { role: "user" }>["parts"][number];

/** What is understood of a message; anything else in it is noted. Assistant messages have more. */
const FIELDS = new Set(["role", "content", "name", "tool_call_id", "cache_control"]);
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

/** Clients send whole answers back, also their empty fields, which say nothing. */
function isEmpty(value: Json | undefined): boolean {
  return value === null || (isJsonArray(value) && value.length === 0);
}

function noteUnknown(reading: Reading, message: JsonObject, known: ReadonlySet<string>): void {
  for (const field in message) {
    if (!known.has(field) && !isEmpty(message[field])) note(reading, `messages[].${field}`, true);
  }
}

function isUserPart(part: ContentPart): part is UserPart {
  return part.type !== "refusal" && part.type !== "reasoning";
}

function isContentPart(part: ContentPart | undefined): part is ContentPart {
  return part !== undefined;
}

function isTextPart(part: ContentPart): part is TextPart {
  return part.type === "text";
}

/**
 * `content` as parts of one kind: a string is one text part, "" and null are none. A part that this role cannot have in the
 * hub is noted.
 */
function decodeContent<Kept extends ContentPart>(
  reading: Reading,
  message: JsonObject,
  keep: (part: ContentPart) => part is Kept,
): Kept[] {
  const content = message["content"];
  if (content === undefined || content === null || content === "") return [];
  if (typeof content === "string") {
    const part: ContentPart = { type: "text", text: content };
    return keep(part) ? [part] : [];
  }
  if (!isJsonArray(content)) {
    throw fault(reading, "content", content, "a string or an array of parts");
  }
  const parts: Kept[] = [];
  reading.trail.push("content");
  for (const [index, value] of content.entries()) {
    const part = decodePart(reading, index, value);
    if (part === undefined) continue;
    if (keep(part)) parts.push(part);
    else noteHere(reading, index);
  }
  reading.trail.pop();
  return parts;
}

/** A mark on a whole message stands for one on its last part. */
function withCache<Marked extends ContentPart>(message: JsonObject, parts: Marked[]): Marked[] {
  const cache = decodeCache(message["cache_control"]);
  const last = cache ? parts.pop() : undefined;
  if (last) parts.push({ ...last, cache });
  return parts;
}

const NAMELESS: { readonly name?: string } = {};

function nameOf(reading: Reading, message: JsonObject): { readonly name?: string } {
  const name = message["name"] ?? undefined;
  return name === undefined ? NAMELESS : { name: asString(reading, "name", name) };
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

function decodeAssistant(reading: Reading, at: number, message: JsonObject): Message {
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

function decodeResult(reading: Reading, message: JsonObject, toolCallId: string): ToolResultPart {
  noteUnknown(reading, message, FIELDS);
  const parts = decodeContent(reading, message, isUserPart);
  const cache: CacheHint | undefined = decodeCache(message["cache_control"]);
  return { type: "tool-result", toolCallId, parts, ...(cache ? { cache } : {}) };
}

function decodeSystem(
  reading: Reading,
  message: JsonObject,
  role: "system" | "developer",
): Extract<Message, { role: "system" }> {
  noteUnknown(reading, message, FIELDS);
  return {
    role: "system",
    parts: withCache(message, decodeContent(reading, message, isTextPart)),
    ...(role === "developer" ? { authority: "developer" } : {}),
    ...nameOf(reading, message),
  };
}

/** The latest unanswered legacy call of this name, to which a `function` message is the answer. */
function callOf(messages: readonly Message[], name: string): string {
  const calls = messages.findLast((message) => message.role === "assistant")?.parts ?? [];
  const call = calls.findLast((part) => part.type === "tool-call" && part.name === name);
  return call?.type === "tool-call" ? call.id : `call_${name}`;
}

/** `messages` as the hub has them: leading instructions apart, consecutive tool results together. */
export function decodeMessages(
  reading: Reading,
  list: readonly Json[],
): { readonly system: readonly SystemPart[]; readonly messages: readonly Message[] } {
  const system: SystemPart[] = [];
  const messages: Message[] = [];
  /** The results of the tool message that is still growing. */
  let results: ToolResultPart[] | undefined;
  const addResult = (result: ToolResultPart): void => {
    if (results) {
      results.push(result);
      return;
    }
    results = [result];
    messages.push({ role: "tool", parts: results });
  };

  reading.trail.push("messages");
  for (const [index, value] of list.entries()) {
    const message = asObject(reading, index, value);
    reading.trail.push(index);
    const role = asString(reading, "role", message["role"]);
    if (role === "tool") {
      const id = asString(reading, "tool_call_id", message["tool_call_id"]);
      addResult(decodeResult(reading, message, id));
    } else if (role === "function") {
      const name = asString(reading, "name", message["name"]);
      addResult(decodeResult(reading, message, callOf(messages, name)));
    } else {
      results = undefined;
      switch (role) {
        case "system":
        case "developer": {
          const instruction = decodeSystem(reading, message, role);
          const { authority, name } = instruction;
          if (messages.length > 0) messages.push(instruction);
          else if (authority === undefined && name === undefined) system.push(...instruction.parts);
          else {
            for (const part of instruction.parts) {
              system.push({
                ...part,
                ...(authority === undefined ? {} : { authority }),
                ...(name === undefined ? {} : { name }),
              });
            }
          }
          break;
        }
        case "user": {
          noteUnknown(reading, message, FIELDS);
          const parts = withCache(message, decodeContent(reading, message, isUserPart));
          messages.push({ role: "user", parts, ...nameOf(reading, message) });
          break;
        }
        case "assistant":
          messages.push(decodeAssistant(reading, index, message));
          break;
        default:
          noteHere(reading, "role");
      }
    }
    reading.trail.pop();
  }
  reading.trail.pop();
  return { system, messages };
}
