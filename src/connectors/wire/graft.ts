import { isJsonObject, type Json, type JsonObject } from "../hub/json.ts";
import { mapJsonArray } from "../hub/json-map.ts";
import type { ChatRequest, Message } from "../hub/request.ts";

export type Assistant = Extract<Message, { role: "assistant" }>;

/**
 * The source's text with those assistants' messages that the gateway has changed put through `graft`, beside the neutral form of
 * the same message; every other byte is as it was. Both lists hold an assistant's messages one for one, whatever else they
 * split or join.
 */
export function graftMessages(
  { source, messages, regrafted }: ChatRequest,
  graft: (text: string, message: JsonObject, neutral: Assistant) => string,
): string {
  if (regrafted === undefined) return source.text;
  const assistants = messages.filter((message) => message.role === "assistant");
  let at = -1;
  return mapJsonArray(source.text, "messages", (text) => {
    const message: Json = JSON.parse(text);
    if (!isJsonObject(message) || message["role"] !== "assistant") return text;
    at += 1;
    const neutral = assistants[at];
    return neutral === undefined || !regrafted.has(at) ? text : graft(text, message, neutral);
  });
}
