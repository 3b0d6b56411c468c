import type { ChatError } from "../../hub/error.ts";
import type { ChatRequest, Message } from "../../hub/request.ts";
import type { Drop } from "../writing.ts";

/**
 * How Anthropic says that it does not know thoughts for its own, or misses some: those of another model, account or conversation
 * (from 5.5 on they are tied to all three), changed ones, and none where a turn of tools was begun with some.
 */
const REFUSED =
  /\bthinking\b.*\b(?:cannot be modified|signature|different (?:model|conversation|account)|must contain thinking)\b|\bsignature\b.*\bthinking\b|\bexpected\b.*\bthinking\b.*\bfound\b/i;

/** The request without anybody's thoughts, if it was refused for them: an answer without them is better than none. */
export function withoutThoughts(
  request: ChatRequest,
  error: ChatError,
  drop: Drop,
): ChatRequest | undefined {
  if (error.upstreamStatus !== 400 || !REFUSED.test(error.message)) return undefined;
  drop("messages[].content[].thinking");
  const regrafted = new Set(request.regrafted);
  let assistants = 0;
  const messages = request.messages.map((message): Message => {
    if (message.role !== "assistant") return message;
    if (message.parts.some((part) => part.type === "reasoning")) regrafted.add(assistants);
    assistants += 1;
    return { ...message, parts: message.parts.filter((part) => part.type !== "reasoning") };
  });
  return { ...request, messages, regrafted };
}
