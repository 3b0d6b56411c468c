/** Runs the wire's machines on plain arrays. */
import { type ChatReply, createCollector } from "../../../../src/connectors/hub/collect.ts";
import { ChatError } from "../../../../src/connectors/hub/error.ts";
import type { ChatEvent } from "../../../../src/connectors/hub/event.ts";
import { isJsonObject, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import type { ChatRequest } from "../../../../src/connectors/hub/request.ts";
import {
  geminiProvider as provider,
  type GeminiQuirks,
} from "../../../../src/connectors/wire/gemini/egress.ts";
import { openaiChatClient } from "../../../../src/connectors/wire/openai-chat/ingress.ts";

/** What events add up to. */
export function fold(events: readonly ChatEvent[]): ChatReply {
  const collector = createCollector();
  for (const event of events) collector.push(event);
  return collector.reply();
}

/** The events of a stream whose messages hold these payloads, with its end. */
export function decodePayloads(payloads: readonly string[]): readonly ChatEvent[] {
  const decoder = provider.decodeStream({});
  const events = payloads.flatMap((data) => decoder.push({ data }));
  return [...events, ...decoder.end()];
}

export function decodeObjects(chunks: readonly JsonObject[]): readonly ChatEvent[] {
  return decodePayloads(chunks.map((chunk) => JSON.stringify(chunk)));
}

/** A request as the OpenAI door reads it. */
export function chatRequest(body: JsonObject): ChatRequest {
  return openaiChatClient.decodeRequest(
    JSON.stringify({ model: "logical", messages: [{ role: "user", content: "Hello?" }], ...body }),
  );
}

/** The body that a model is sent, and what was left out. */
export function encode(
  request: ChatRequest,
  model = "gemini-3-pro-preview",
  quirks: GeminiQuirks = {},
): { readonly body: JsonObject; readonly dropped: readonly string[] } {
  const dropped: string[] = [];
  const body = provider.encodeRequest(request, model, quirks, (field) => dropped.push(field));
  return { body, dropped };
}

export function parseObject(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new Error(`not an object: ${text}`);
  return value;
}

/** The ChatError that this throws. */
export function chatErrorOf(action: () => unknown): ChatError {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof ChatError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}
