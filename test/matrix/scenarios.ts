/** What clients ask, in the words of each door, and what the provider answers. */
import type { JsonObject } from "../../src/connectors/hub/json.ts";
import type { Answer } from "./answers.ts";

export type DoorName = "openai-chat" | "anthropic-messages";

export type Scenario = {
  readonly name: string;
  /** Without the model. */
  readonly requests: Readonly<Record<DoorName, JsonObject>>;
  readonly answer: Answer;
};

const PNG = "iVBORw0KGgo=";
const PDF = "JVBERi0xLjc=";
const SCHEMA = {
  type: "object",
  properties: { harbour: { type: "string" } },
  required: ["harbour"],
  additionalProperties: false,
};
const OPENAI_TOOL = {
  type: "function",
  function: { name: "tide", description: "High water at a harbour.", parameters: SCHEMA },
};
const ANTHROPIC_TOOL = {
  name: "tide",
  description: "High water at a harbour.",
  input_schema: SCHEMA,
};
const user = (content: string | readonly JsonObject[]): JsonObject => ({ role: "user", content });
const QUESTION = "When is high water in Roscoff?";
const text = (words: string): Answer => ({ text: words, finish: "stop", usage: [20, 0, 5] });
const calls = (...harbours: readonly string[]): Answer => ({
  calls: harbours.map((harbour) => ({ name: "tide", input: { harbour } })),
  finish: "tool-calls",
  usage: [60, 0, 25],
});

/** The same plain question at both doors, with more fields for each. */
function both(openai: JsonObject, anthropic: JsonObject): Scenario["requests"] {
  const messages = [user(QUESTION)];
  return {
    "openai-chat": { messages, ...openai },
    "anthropic-messages": { max_tokens: 1024, messages, ...anthropic },
  };
}

const TOOL_TURN: Scenario["requests"] = {
  "openai-chat": {
    messages: [
      { role: "system", content: "You keep tide tables." },
      user(QUESTION),
      {
        role: "assistant",
        content: null,
        tool_calls: [
          {
            id: "call_0",
            type: "function",
            function: { name: "tide", arguments: '{"harbour":"Roscoff"}' },
          },
        ],
      },
      { role: "tool", tool_call_id: "call_0", content: "04:12 and 16:40" },
    ],
    tools: [OPENAI_TOOL],
  },
  "anthropic-messages": {
    max_tokens: 1024,
    system: "You keep tide tables.",
    messages: [
      user(QUESTION),
      {
        role: "assistant",
        content: [{ type: "tool_use", id: "call_0", name: "tide", input: { harbour: "Roscoff" } }],
      },
      user([{ type: "tool_result", tool_use_id: "call_0", content: "04:12 and 16:40" }]),
    ],
    tools: [ANTHROPIC_TOOL],
  },
};

const REASONING_TURN: Scenario["requests"] = {
  "openai-chat": {
    messages: [
      user(QUESTION),
      {
        role: "assistant",
        content: null,
        reasoning_details: [
          {
            type: "reasoning.text",
            text: "One harbour.",
            signature: "c2lnbmVk",
            format: "anthropic-claude-v1",
            index: 0,
          },
        ],
        tool_calls: [
          {
            id: "call_0",
            type: "function",
            function: { name: "tide", arguments: '{"harbour":"Roscoff"}' },
            extra_content: { google: { thought_signature: "c2lnbmVk" } },
          },
        ],
      },
      { role: "tool", tool_call_id: "call_0", content: "04:12" },
    ],
    tools: [OPENAI_TOOL],
    reasoning_effort: "low",
  },
  "anthropic-messages": {
    max_tokens: 4096,
    messages: [
      user(QUESTION),
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "One harbour.", signature: "c2lnbmVk" },
          { type: "tool_use", id: "call_0", name: "tide", input: { harbour: "Roscoff" } },
        ],
      },
      user([{ type: "tool_result", tool_use_id: "call_0", content: "04:12" }]),
    ],
    tools: [ANTHROPIC_TOOL],
    thinking: { type: "enabled", budget_tokens: 2048 },
  },
};

export const scenarios: readonly Scenario[] = [
  { name: "text", requests: both({}, {}), answer: text("At 04:12.") },
  {
    name: "stream",
    requests: both({ stream: true, stream_options: { include_usage: true } }, { stream: true }),
    answer: text("At 04:12 and 16:40."),
  },
  {
    name: "one tool",
    requests: both({ tools: [OPENAI_TOOL] }, { tools: [ANTHROPIC_TOOL] }),
    answer: calls("Roscoff"),
  },
  {
    name: "parallel tools",
    requests: both(
      { tools: [OPENAI_TOOL], tool_choice: "required", parallel_tool_calls: true },
      { tools: [ANTHROPIC_TOOL], tool_choice: { type: "any", disable_parallel_tool_use: false } },
    ),
    answer: calls("Roscoff", "Cuxhaven"),
  },
  { name: "tool result turn", requests: TOOL_TURN, answer: text("At 04:12 and 16:40.") },
  {
    name: "image",
    requests: both(
      {
        messages: [
          user([
            { type: "text", text: "Which harbour?" },
            { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
          ]),
        ],
      },
      {
        messages: [
          user([
            { type: "text", text: "Which harbour?" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
          ]),
        ],
      },
    ),
    answer: text("Roscoff."),
  },
  {
    name: "PDF",
    requests: both(
      {
        messages: [
          user([
            {
              type: "file",
              file: { filename: "chart.pdf", file_data: `data:application/pdf;base64,${PDF}` },
            },
            { type: "text", text: "How deep?" },
          ]),
        ],
      },
      {
        messages: [
          user([
            {
              type: "document",
              source: { type: "base64", media_type: "application/pdf", data: PDF },
              title: "chart.pdf",
            },
            { type: "text", text: "How deep?" },
          ]),
        ],
      },
    ),
    answer: text("Four metres."),
  },
  {
    name: "reasoning",
    requests: both(
      { reasoning_effort: "low" },
      { max_tokens: 4096, thinking: { type: "enabled", budget_tokens: 2048 } },
    ),
    answer: { ...text("At 04:12."), thinking: "The tables say so." },
  },
  { name: "reasoning turn 2", requests: REASONING_TURN, answer: text("At 04:12.") },
  {
    name: "structured output",
    requests: both(
      {
        response_format: {
          type: "json_schema",
          json_schema: { name: "response", schema: SCHEMA, strict: true },
        },
      },
      { output_config: { format: { type: "json_schema", schema: SCHEMA } } },
    ),
    answer: text('{"harbour":"Roscoff"}'),
  },
  {
    name: "usage with cache",
    requests: both(
      { prompt_cache_key: "tides" },
      {
        system: [
          { type: "text", text: "You keep tide tables.", cache_control: { type: "ephemeral" } },
        ],
      },
    ),
    answer: { ...text("At 04:12."), usage: [1200, 1100, 5] },
  },
  {
    name: "stop reasons",
    requests: both({ stop: ["END"] }, { stop_sequences: ["END"] }),
    answer: { ...text("At 04:12."), finish: "stop-sequence" },
  },
  {
    name: "refusal",
    requests: both({}, {}),
    answer: { ...text("I cannot say that."), finish: "refusal" },
  },
  {
    name: "max tokens",
    requests: both({ max_completion_tokens: 3 }, { max_tokens: 3 }),
    answer: { ...text("At 04"), finish: "length", usage: [20, 0, 3] },
  },
];
