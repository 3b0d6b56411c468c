import type { Json } from "../../hub/json.ts";
import type { Message, SystemPart, TextPart, ToolResultPart } from "../../hub/request.ts";
import { asObject, asString, fault, note, type Reading } from "../walk.ts";
import { type Content, decodeContent, isUserContent, type UserContent } from "./ingress-block.ts";

type AssistantPart = Extract<Message, { role: "assistant" }>["parts"][number];

const FIELDS = new Set(["role", "content"]);

function isText(part: Content): part is TextPart {
  return part.type === "text";
}

function isUserPart(part: Content): part is UserContent | ToolResultPart {
  return isUserContent(part) || part.type === "tool-result";
}

function isAssistantPart(part: Content): part is Exclude<Content, ToolResultPart> {
  return part.type !== "tool-result";
}

/** `system`: a string or blocks. */
export function decodeSystem(reading: Reading, value: Json): readonly SystemPart[] {
  return decodeContent(reading, "system", value, isText);
}

/** A user's turn in the order in which it was written: results of tools in messages of their own. */
function decodeUser(reading: Reading, content: Json): Message[] {
  const messages: Message[] = [];
  let results: ToolResultPart[] | undefined;
  let said: UserContent[] | undefined;
  for (const part of decodeContent(reading, "content", content, isUserPart)) {
    if (part.type === "tool-result") {
      said = undefined;
      if (results) {
        results.push(part);
        continue;
      }
      results = [part];
      messages.push({ role: "tool", parts: results });
    } else {
      results = undefined;
      if (said) {
        said.push(part);
        continue;
      }
      said = [part];
      messages.push({ role: "user", parts: said });
    }
  }
  return messages.length > 0 ? messages : [{ role: "user", parts: [] }];
}

/** `messages`; those of role `system` (Claude Code sends some) belong to the instructions while they lead. */
export function decodeMessages(
  reading: Reading,
  list: readonly Json[],
): { readonly system: readonly SystemPart[]; readonly messages: readonly Message[] } {
  const system: SystemPart[] = [];
  const messages: Message[] = [];
  reading.trail.push("messages");
  for (const [index, value] of list.entries()) {
    const message = asObject(reading, index, value);
    reading.trail.push(index);
    const content = message["content"] ?? null;
    const role = asString(reading, "role", message["role"]);
    for (const field in message) {
      if (!FIELDS.has(field)) note(reading, `messages[].${field}`, true);
    }
    if (role === "user") {
      messages.push(...decodeUser(reading, content));
    } else if (role === "assistant") {
      const parts: AssistantPart[] = decodeContent(reading, "content", content, isAssistantPart);
      messages.push({ role, parts });
    } else if (role === "system") {
      const parts = decodeContent(reading, "content", content, isText);
      if (messages.length > 0) messages.push({ role, parts });
      else system.push(...parts);
    } else {
      throw fault(reading, "role", role, '"user", "assistant" or "system"');
    }
    reading.trail.pop();
  }
  reading.trail.pop();
  return { system, messages };
}
