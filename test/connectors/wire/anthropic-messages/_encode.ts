/** Requests of the hub, and what is sent for them. */
import { expect } from "bun:test";

import type { JsonObject } from "../../../../src/connectors/hub/json.ts";
import type { ChatRequest, Message } from "../../../../src/connectors/hub/request.ts";
import {
  type AnthropicQuirks,
  anthropicMessagesProvider as provider,
} from "../../../../src/connectors/wire/anthropic-messages/egress.ts";
import { chatErrorOf } from "../../../support/rejection.ts";
import { type Encoded, encodeFor, requestOf } from "../machines.ts";

/** A model that takes structured output, and a budget to think with. */
export const SONNET = "claude-sonnet-4-5";
/** One that is told an effort, and takes instructions in mid-conversation. */
export const NEW = "claude-opus-4-8";

export type Fields = Partial<ChatRequest>;

/** The body for a plain question with these fields, and the names of what was left out. */
export function encode(fields: Fields, model = SONNET, quirks: AnthropicQuirks = {}): Encoded {
  return encodeFor(provider, requestOf("openai-chat", fields), model, quirks);
}

export function bodyOf(fields: Fields, model?: string): JsonObject {
  return encode(fields, model).body;
}

/** The field that a refusal names, which leaves the request to the next target. */
export function refusal(
  fields: Fields,
  model?: string,
  quirks?: AnthropicQuirks,
): string | undefined {
  const error = chatErrorOf(() => encode(fields, model, quirks));
  expect(error.kind).toBe("invalid-request");
  expect(error.traits.tryElsewhere).toBe(true);
  return error.param;
}

export function user(text: string): Message {
  return { role: "user", parts: [{ type: "text", text }] };
}

export function assistant(text: string): Message {
  return { role: "assistant", parts: [{ type: "text", text }] };
}

export function system(text: string): Message {
  return { role: "system", parts: [{ type: "text", text }] };
}

/** A call and its result, with an id that Anthropic would not take. */
export const CALL: Message = {
  role: "assistant",
  parts: [{ type: "tool-call", id: "call.1", name: "f", arguments: '{"a":1}' }],
};
export const RESULT: Message = {
  role: "tool",
  parts: [{ type: "tool-result", toolCallId: "call.1", parts: [{ type: "text", text: "42" }] }],
};
