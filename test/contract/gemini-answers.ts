/** Answers of a provider that speaks Gemini's dialect, as its contract suite needs them. */
import type { Json, JsonObject } from "../../src/connectors/hub/json.ts";

const HEAD = { modelVersion: "native-2026", responseId: "gen-1" };
const USAGE = {
  promptTokenCount: 7,
  candidatesTokenCount: 3,
  thoughtsTokenCount: 2,
  totalTokenCount: 12,
};

/** One chunk of a stream. */
function chunk(parts: readonly JsonObject[], more: JsonObject = {}): JsonObject {
  return { candidates: [{ content: { role: "model", parts }, ...more }], ...HEAD };
}

/** A streamed answer that says "Hello there". */
export const TEXT_CHUNKS: readonly JsonObject[] = [
  { ...chunk([{ text: "Hello" }]), usageMetadata: { trafficType: "ON_DEMAND" } },
  chunk([{ text: " there" }]),
  { ...chunk([{ text: "" }], { finishReason: "STOP" }), usageMetadata: USAGE },
];

/** The same answer in one piece. */
export const TEXT_REPLY: JsonObject = {
  ...chunk([{ text: "Hello there" }], { finishReason: "STOP" }),
  usageMetadata: USAGE,
};

/** A streamed answer that calls two tools, the first of them signed. */
export const TOOL_CHUNKS: readonly JsonObject[] = [
  chunk([
    { functionCall: { name: "weather", args: { city: "Ulm" } }, thoughtSignature: "c2ln" },
    { functionCall: { name: "time", args: {} } },
  ]),
  { ...chunk([], { finishReason: "STOP" }), usageMetadata: USAGE },
];

/** An error as Google tells it. */
export function errorBody(
  code: number,
  status: string,
  message: string,
  details: readonly Json[] = [],
) {
  return { error: { code, message, status, ...(details.length > 0 ? { details } : {}) } };
}

/** The text of an event stream; nothing but its end marks the end. */
export function eventStream(payloads: readonly Json[]): string {
  return payloads.map((payload) => `data: ${JSON.stringify(payload)}\r\n\r\n`).join("");
}
