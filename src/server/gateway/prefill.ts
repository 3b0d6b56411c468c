import { isJsonObject, type Json, type JsonObject } from "../../connectors/hub/json.ts";
import type { ChatRequest, Message } from "../../connectors/hub/request.ts";

/**
 * The request with the beginning of its answer behind it, for a target that goes on from there; in the caller's own words too,
 * which have the same form in OpenAI's Chat Completions and Anthropic's Messages.
 */
export function withPrefill(request: ChatRequest, text: string): ChatRequest {
  const prefill = text.trimEnd();
  if (prefill === "") return request;
  const { source } = request;
  const body = prefilledBody(source.body, prefill);
  return {
    ...request,
    messages: prefilledMessages(request.messages, prefill),
    source: { ...source, body, text: JSON.stringify(body) },
  };
}

/** A caller may have begun the answer itself. */
function prefilledMessages(messages: readonly Message[], text: string): readonly Message[] {
  const part = { type: "text", text } as const;
  const last = messages.at(-1);
  if (last?.role !== "assistant") return [...messages, { role: "assistant", parts: [part] }];
  return [...messages.slice(0, -1), { ...last, parts: [...last.parts, part] }];
}

function prefilledBody(body: JsonObject, text: string): JsonObject {
  const given = body["messages"];
  const messages: readonly Json[] = Array.isArray(given) ? given : [];
  const last = messages.at(-1);
  if (!isAssistant(last)) {
    return { ...body, messages: [...messages, { role: "assistant", content: text }] };
  }
  const content = last["content"];
  const joined: Json = Array.isArray(content)
    ? [...content, { type: "text", text }]
    : `${typeof content === "string" ? content : ""}${text}`;
  return { ...body, messages: [...messages.slice(0, -1), { ...last, content: joined }] };
}

function isAssistant(message: Json | undefined): message is JsonObject {
  return isJsonObject(message) && message["role"] === "assistant";
}
