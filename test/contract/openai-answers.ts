/** Answers of a provider that speaks OpenAI's Chat Completions, as the contract suite needs them. */
import type { Json, JsonObject } from "../../src/connectors/hub/json.ts";

const HEAD = { id: "gen-1", created: 1_700_000_000, model: "native-2026" };
const USAGE = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 };

/** One chunk of a stream. */
export function chunk(delta: JsonObject, finish: string | null = null): JsonObject {
  return {
    ...HEAD,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finish }],
  };
}

/** The chunk that holds nothing but usage. */
export const USAGE_CHUNK: JsonObject = {
  ...HEAD,
  object: "chat.completion.chunk",
  choices: [],
  usage: USAGE,
};

/** A streamed answer that says "Hello there" and reports usage, with a field that nobody here has heard of. */
export const TEXT_CHUNKS: readonly JsonObject[] = [
  chunk({ role: "assistant", content: "" }),
  { ...chunk({ content: "Hello" }), x_unheard_of: { a: [1.5] } },
  chunk({ content: " there" }),
  chunk({}, "stop"),
  USAGE_CHUNK,
];

/** The same answer in one piece. */
export const TEXT_REPLY: JsonObject = {
  ...HEAD,
  object: "chat.completion",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "Hello there" },
      finish_reason: "stop",
    },
  ],
  usage: USAGE,
};

/** A streamed answer that calls two tools, the arguments of the first in pieces. */
export const TOOL_CHUNKS: readonly JsonObject[] = [
  chunk({
    role: "assistant",
    tool_calls: [
      { index: 0, id: "call_1", type: "function", function: { name: "weather", arguments: "" } },
    ],
  }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: '"Ulm"}' } }] }),
  chunk({
    tool_calls: [
      { index: 1, id: "call_2", type: "function", function: { name: "time", arguments: "{}" } },
    ],
  }),
  chunk({}, "tool_calls"),
  USAGE_CHUNK,
];

/** The text of an event stream, with `[DONE]`. */
export function eventStream(payloads: readonly Json[]): string {
  return [...payloads.map((payload) => JSON.stringify(payload)), "[DONE]"]
    .map((data) => `data: ${data}\n\n`)
    .join("");
}
