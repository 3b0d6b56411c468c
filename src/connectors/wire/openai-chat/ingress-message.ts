import type { Json, JsonObject } from "../../hub/json.ts";
import type {
  CacheHint,
  Message,
  SystemPart,
  TextPart,
  ToolResultPart,
} from "../../hub/request.ts";
import { decodeAssistant } from "./ingress-assistant.ts";
import { decodeContent, FIELDS, nameOf, noteUnknown, withCache } from "./ingress-content.ts";
import { type ContentPart, decodeCache } from "./ingress-part.ts";
import { asObject, asString, noteHere, type Reading } from "../walk.ts";

type UserPart = Extract<Message, { role: "user" }>["parts"][number];

function isUserPart(part: ContentPart): part is UserPart {
  return part.type !== "refusal" && part.type !== "reasoning";
}

function isTextPart(part: ContentPart): part is TextPart {
  return part.type === "text";
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
