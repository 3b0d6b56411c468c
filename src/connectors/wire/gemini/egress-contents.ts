import type { JsonObject } from "../../hub/json.ts";
import type { ChatRequest } from "../../hub/request.ts";
import { encodeAssistant } from "./egress-assistant.ts";
import { encodePart } from "./egress-media.ts";
import { encodeResults } from "./egress-result.ts";
import type { Writing } from "./writing.ts";

/** Gemini refuses a content without parts, and a request without contents. */
const NOTHING_SAID: JsonObject = { text: "" };

function userContent(parts: readonly JsonObject[]): JsonObject {
  return { role: "user", parts: parts.length > 0 ? parts : [NOTHING_SAID] };
}

/** Instructions and conversation as `systemInstruction` and `contents`; there are only the roles user and model. */
export function encodeContents(writing: Writing, request: ChatRequest): JsonObject {
  const { drop } = writing;
  const contents: JsonObject[] = [];
  /** The parts of the model's turn that the latest content holds, if it is one. */
  let turn: JsonObject[] | undefined;
  const calls = new Map<string, { name: string; position: number }>();
  for (const message of request.messages) {
    if (message.role !== "assistant") turn = undefined;
    switch (message.role) {
      case "system":
        // Instructions in mid-conversation have no place of their own; where they stand matters more than who says them.
        drop("messages[].role");
        contents.push(userContent(message.parts.map((part) => encodePart(writing, part))));
        break;
      case "user":
        if (message.name !== undefined) drop("messages[].name");
        contents.push(userContent(message.parts.map((part) => encodePart(writing, part))));
        break;
      case "assistant": {
        for (const part of message.parts) {
          if (part.type !== "tool-call") continue;
          calls.set(part.id, { name: part.name, position: calls.size });
        }
        const parts = encodeAssistant(writing, message);
        if (parts.length === 0) break;
        if (turn) {
          // A turn with calls may not follow another one of the model's.
          turn.push(...parts);
        } else {
          turn = parts;
          contents.push({ role: "model", parts });
        }
        break;
      }
      case "tool":
        contents.push(...encodeResults(writing, message.parts, calls));
        break;
    }
  }
  const system = request.system.filter((part) => part.text !== "");
  if (request.system.some((part) => part.name !== undefined)) drop("messages[].name");
  return {
    ...(system.length === 0
      ? {}
      : { systemInstruction: { parts: system.map((part) => encodePart(writing, part)) } }),
    contents: contents.length === 0 ? [userContent([])] : contents,
  };
}
