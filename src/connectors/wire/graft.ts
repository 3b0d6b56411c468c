import { isJsonObject, type Json, type JsonObject } from "../hub/json.ts";
import type { ChatRequest, Message } from "../hub/request.ts";
import { isJsonArray } from "./walk.ts";

export type Assistant = Extract<Message, { role: "assistant" }>;

/**
 * The source's text with every assistant's message put through `graft`, beside the neutral form of the same message. Both lists
 * hold an assistant's messages one for one, whatever else they split or join.
 */
export function graftMessages(
  { source, messages }: ChatRequest,
  graft: (message: JsonObject, neutral: Assistant) => JsonObject,
): string {
  const assistants = messages.filter((message) => message.role === "assistant");
  const list = source.body["messages"];
  if (!isJsonArray(list)) return source.text;
  let at = 0;
  const grafted = list.map((message): Json => {
    if (!isJsonObject(message) || message["role"] !== "assistant") return message;
    const neutral = assistants[at];
    at += 1;
    return neutral === undefined ? message : graft(message, neutral);
  });
  return JSON.stringify({ ...source.body, messages: grafted });
}
