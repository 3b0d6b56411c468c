/** What providers answer, said once and written in the three dialects by hand, with no code of the gateway's. */
import type { Json, JsonObject } from "../../src/connectors/hub/json.ts";

export type Call = { readonly name: string; readonly input: JsonObject };

/** One answer, free of any dialect. */
export type Answer = {
  readonly thinking?: string;
  readonly text?: string;
  readonly calls?: readonly Call[];
  readonly finish: "stop" | "length" | "tool-calls" | "refusal" | "stop-sequence";
  /** All of the input, what of it came from a cache, and all of the output. */
  readonly usage: readonly [input: number, cached: number, output: number];
};

/** The ids of calls in the dialects that have such. */
const callId = (at: number): string => `call_${at}`;

const FINISH = {
  openai: {
    stop: "stop",
    length: "length",
    "tool-calls": "tool_calls",
    refusal: "content_filter",
    "stop-sequence": "stop",
  },
  anthropic: {
    stop: "end_turn",
    length: "max_tokens",
    "tool-calls": "tool_use",
    refusal: "refusal",
    "stop-sequence": "stop_sequence",
  },
  gemini: {
    stop: "STOP",
    length: "MAX_TOKENS",
    "tool-calls": "STOP",
    refusal: "SAFETY",
    "stop-sequence": "STOP",
  },
} as const;

function openAIMessage({ thinking, text, calls = [] }: Answer): {
  readonly thoughts: JsonObject;
  readonly content: string | null;
  readonly calls: readonly JsonObject[];
} {
  return {
    thoughts: thinking === undefined ? {} : { reasoning_content: thinking },
    content: text ?? null,
    calls: calls.map((call, at) => ({
      id: callId(at),
      type: "function",
      function: { name: call.name, arguments: JSON.stringify(call.input) },
    })),
  };
}

const OPENAI_HEAD = { id: "chatcmpl-1", created: 1_790_000_000, model: "upstream-model" };

function openAIUsage({ usage: [input, cached, output] }: Answer): JsonObject {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

/** A `chat.completion`. */
function asOpenAI(answer: Answer): JsonObject {
  const { thoughts, content, calls } = openAIMessage(answer);
  const message = {
    role: "assistant",
    content,
    ...thoughts,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  return {
    ...OPENAI_HEAD,
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason: FINISH.openai[answer.finish] }],
    usage: openAIUsage(answer),
  };
}

function anthropicBlocks({ thinking, text, calls = [] }: Answer): readonly JsonObject[] {
  return [
    ...(thinking === undefined ? [] : [{ type: "thinking", thinking, signature: "c2lnbmVk" }]),
    ...(text === undefined ? [] : [{ type: "text", text }]),
    ...calls.map(({ name, input }, at) => ({ type: "tool_use", id: callId(at), name, input })),
  ];
}

function anthropicEnd({ finish }: Answer): JsonObject {
  return {
    stop_reason: FINISH.anthropic[finish],
    stop_sequence: finish === "stop-sequence" ? "END" : null,
  };
}

function anthropicUsage({ usage: [input, cached, output] }: Answer): JsonObject {
  return {
    input_tokens: input - cached,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    output_tokens: output,
  };
}

const ANTHROPIC_HEAD = { id: "msg_1", type: "message", role: "assistant", model: "upstream-model" };

/** A `message`. */
function asAnthropic(answer: Answer): JsonObject {
  return {
    ...ANTHROPIC_HEAD,
    content: anthropicBlocks(answer),
    ...anthropicEnd(answer),
    usage: anthropicUsage(answer),
  };
}

/** A `GenerateContentResponse`; unfinished without `finishReason`. */
function asGemini(
  { thinking, text, calls = [], finish, usage }: Answer,
  isFinished = true,
): JsonObject {
  const [input, cached, output] = usage;
  const parts = [
    ...(thinking === undefined ? [] : [{ text: thinking, thought: true }]),
    ...(text === undefined ? [] : [{ text }]),
    ...calls.map(({ name, input: args }, at) => ({
      functionCall: { name, args },
      ...(at === 0 ? { thoughtSignature: "c2lnbmVk" } : {}),
    })),
  ];
  return {
    candidates: [
      {
        content: { role: "model", parts },
        ...(isFinished ? { finishReason: FINISH.gemini[finish] } : {}),
        index: 0,
      },
    ],
    usageMetadata: {
      promptTokenCount: input,
      cachedContentTokenCount: cached,
      candidatesTokenCount: output,
      totalTokenCount: input + output,
    },
    modelVersion: "upstream-model",
    responseId: "response-1",
  };
}

/** The dialect that a provider is spoken to in, told by the address. */
function dialectAt(url: string): "openai" | "anthropic" | "gemini" {
  const { pathname } = new URL(url);
  if (/:(?:stream)?[gG]enerateContent$/.test(pathname)) return "gemini";
  return /\/messages$|awPredict$/.test(pathname) ? "anthropic" : "openai";
}

/** The provider's response to a request at this address. */
export function respond(answer: Answer, url: string, stream: boolean): Response {
  const dialect = dialectAt(url);
  if (!stream) {
    const body = { openai: asOpenAI, anthropic: asAnthropic, gemini: asGemini }[dialect](answer);
    return Response.json(body);
  }
  const events = { openai: openAIChunks, anthropic: anthropicEvents, gemini: geminiChunks }[
    dialect
  ](answer);
  return new Response(events.join(""), { headers: { "content-type": "text/event-stream" } });
}

const data = (value: Json): string => `data: ${JSON.stringify(value)}\n\n`;

function openAIChunks(answer: Answer): string[] {
  const { thoughts, content, calls } = openAIMessage(answer);
  const head = { ...OPENAI_HEAD, object: "chat.completion.chunk" };
  const chunk = (delta: JsonObject, finish: string | null = null): string =>
    data({ ...head, choices: [{ index: 0, delta, finish_reason: finish }] });
  return [
    chunk({ role: "assistant", ...thoughts }),
    ...Array.from(content ?? "", (piece) => chunk({ content: piece })),
    ...calls.map((call, index) => chunk({ tool_calls: [{ index, ...call }] })),
    chunk({}, FINISH.openai[answer.finish]),
    data({ ...head, choices: [], usage: openAIUsage(answer) }),
    "data: [DONE]\n\n",
  ];
}

function named(type: string, fields: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

function anthropicEvents(answer: Answer): string[] {
  const usage = anthropicUsage(answer);
  const message = { ...ANTHROPIC_HEAD, content: [], stop_reason: null, usage };
  return [
    named("message_start", { message }),
    ...anthropicBlocks(answer).flatMap(blockEvents),
    named("message_delta", { delta: anthropicEnd(answer), usage }),
    named("message_stop", {}),
  ];
}

function blockEvents(block: JsonObject, index: number): readonly string[] {
  const { input, text, thinking, signature, ...head } = block;
  const delta = (fields: JsonObject): string =>
    named("content_block_delta", { index, delta: fields });
  const begin = (fields: JsonObject): string =>
    named("content_block_start", { index, content_block: { ...head, ...fields } });
  const end = named("content_block_stop", { index });
  if (block["type"] === "text") {
    return [begin({ text: "" }), delta({ type: "text_delta", text: text ?? "" }), end];
  }
  if (block["type"] === "thinking") {
    return [
      begin({ thinking: "", signature: "" }),
      delta({ type: "thinking_delta", thinking: thinking ?? "" }),
      delta({ type: "signature_delta", signature: signature ?? "" }),
      end,
    ];
  }
  const json = JSON.stringify(input);
  return [begin({ input: {} }), delta({ type: "input_json_delta", partial_json: json }), end];
}

function geminiChunks(answer: Answer): string[] {
  const { text, ...rest } = answer;
  if (text === undefined || text.length < 2) return [data(asGemini(answer))];
  const first: Answer = { text: text.slice(0, 1), finish: "stop", usage: answer.usage };
  return [data(asGemini(first, false)), data(asGemini({ ...rest, text: text.slice(1) }))];
}
