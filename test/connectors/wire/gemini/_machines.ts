/** Runs the wire's machines on plain arrays. */
import type { ChatEvent } from "../../../../src/connectors/hub/event.ts";
import { type JsonObject } from "../../../../src/connectors/hub/json.ts";
import type { ChatRequest } from "../../../../src/connectors/hub/request.ts";
import {
  geminiProvider as provider,
  type GeminiQuirks,
} from "../../../../src/connectors/wire/gemini/egress.ts";
import { type Encoded, encodeFor } from "../machines.ts";

/** The events of a stream whose messages hold these payloads, with its end. */
export function decodePayloads(payloads: readonly string[]): readonly ChatEvent[] {
  const decoder = provider.decodeStream({});
  const events = payloads.flatMap((data) => decoder.push({ data }));
  return [...events, ...decoder.end()];
}

export function decodeObjects(chunks: readonly JsonObject[]): readonly ChatEvent[] {
  return decodePayloads(chunks.map((chunk) => JSON.stringify(chunk)));
}

/** The body that a model is sent, and what was left out. */
export function encode(
  request: ChatRequest,
  model = "gemini-3-pro-preview",
  quirks: GeminiQuirks = {},
): Encoded {
  return encodeFor(provider, request, model, quirks);
}
