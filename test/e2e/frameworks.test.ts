/** Frameworks that applications are written with do a task of two turns, streamed, through each door, in front of OpenRouter and of Gemini on Vertex AI. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatAnthropic } from "@langchain/anthropic";
import { type AIMessageChunk, type BaseMessage, HumanMessage } from "@langchain/core/messages";
import { tool as langchainTool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { isStepCount, streamText, tool } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";

import type { JsonObject } from "../../src/connectors/hub/json.ts";
import { startRig, type Rig } from "../support/rig.ts";
import { sse, streamReply } from "../support/reply.ts";
import { splitAtRandom } from "../support/split.ts";
import { startVertexRig, type VertexRig } from "../support/vertex-rig.ts";

const QUESTION = "How warm is the sea at Ningbo?";
const ANSWER = "It is 21.5 °C at 寧波 🌊.";
const TOOL = { name: "sea_temperature", description: "Reads the sea's temperature." };
const ARGUMENTS = { harbour: "寧波", unit: "celsius" };
const CLAUDE = "anthropic/claude-sonnet-4.5";
const RESULT = "21.5";
const schema = z.object({ harbour: z.string(), unit: z.string() });
const tokens = z.object({ input_tokens: z.number(), output_tokens: z.number() });

/** What an application got: the last answer, its tools' calls, the tokens of both turns. */
type Told = {
  readonly text: string;
  readonly called: readonly unknown[];
  readonly input: number | undefined;
  readonly output: number | undefined;
};

type Place = { readonly url: string; readonly key: string; readonly model: string };

let openRouter: Rig;
let vertex: VertexRig;

beforeAll(async () => {
  const models = { sonnet: [{ provider: "first", model: CLAUDE }] };
  [openRouter, vertex] = await Promise.all([startRig({ models }), startVertexRig()]);
});

afterAll(() => Promise.all([openRouter.stop(), vertex.stop()]));

describe.each(["OpenRouter", "Vertex AI"])("in front of %s,", (behind) => {
  test.each([
    ["the AI SDK for hosts that speak OpenAI's API", aiSdkChat],
    ["the AI SDK for Anthropic", aiSdkMessages],
    ["LangChain for OpenAI", langChainChat],
    ["LangChain for Anthropic", langChainMessages],
  ])("%s calls a tool and ends with what it gave", async (_name, task) => {
    const isVertex = behind === "Vertex AI";
    const { gateway, key } = isVertex ? vertex : openRouter;
    const lane = isVertex ? vertex.lane : openRouter.first;
    lane.forget();
    lane.answer(({ path }) => {
      const turns = isVertex
        ? geminiTurns()
        : path === "/messages"
          ? anthropicTurns()
          : openRouterTurns();
      const turn = turns[lane.calls.length - 1];
      if (turn === undefined) return new Response("there is no third turn", { status: 500 });
      return streamReply(splitAtRandom(turn, 20, lane.calls.length));
    });

    const told = await task({ url: gateway.url, key, model: isVertex ? "gemini" : "sonnet" });

    // LangChain takes the prompt's tokens from message_start, where they are an estimate unless the provider spoke first.
    const isEstimate = isVertex && task === langChainMessages;
    const input = isEstimate ? expect.any(Number) : 104;
    expect(told).toEqual({ text: ANSWER, called: [ARGUMENTS], input, output: 21 });
    expect(told.input).toBeGreaterThan(0);
    expect(lane.calls.length).toBe(2);
    const back = lane.calls[1]?.text ?? "";
    expect(back).toContain(RESULT);
    // The thought of the first turn came back to the one who had it, through clients that keep nothing of it too.
    expect(JSON.stringify(JSON.parse(back))).toContain("c2lnbmVk");
  });
});

/** One chunk of OpenRouter's, with a delta, or with the tokens alone. */
function openRouterChunk(delta: JsonObject | undefined, more: JsonObject = {}): string {
  return JSON.stringify({
    id: "gen-1",
    object: "chat.completion.chunk",
    created: 1_790_000_000,
    model: CLAUDE,
    choices: delta ? [{ index: 0, delta, finish_reason: null, ...more }] : [],
    ...(delta ? {} : more),
  });
}

function openRouterTurns(): readonly string[] {
  const chunk = openRouterChunk;
  const usage = (prompt_tokens: number, completion_tokens: number): string => {
    const total_tokens = prompt_tokens + completion_tokens;
    return chunk(undefined, { usage: { prompt_tokens, completion_tokens, total_tokens } });
  };
  const call = (part: JsonObject): string => chunk({ tool_calls: [{ index: 0, ...part }] });
  const thought = {
    type: "reasoning.text",
    text: "I must measure.",
    signature: "c2lnbmVk",
    format: "anthropic-claude-v1",
    index: 0,
  };
  const args = JSON.stringify(ARGUMENTS);
  const start = { role: "assistant", content: "" };
  return [
    sse([
      chunk({ ...start, reasoning: thought.text, reasoning_details: [thought] }),
      call({ id: "call_1", type: "function", function: { name: TOOL.name, arguments: "" } }),
      call({ function: { arguments: args.slice(0, 12) } }),
      call({ function: { arguments: args.slice(12) } }),
      chunk({}, { finish_reason: "tool_calls" }),
      usage(40, 12),
    ]),
    sse([
      chunk({ ...start, content: ANSWER.slice(0, 5) }),
      chunk({ content: ANSWER.slice(5) }),
      chunk({}, { finish_reason: "stop" }),
      usage(64, 9),
    ]),
  ];
}

/** One event of Anthropic's. */
function event(type: string, fields: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

function block(index: number, content_block: JsonObject, ...deltas: readonly JsonObject[]): string {
  return [
    event("content_block_start", { index, content_block }),
    ...deltas.map((delta) => event("content_block_delta", { index, delta })),
    event("content_block_stop", { index }),
  ].join("");
}

function message(
  [input_tokens, output_tokens]: readonly [number, number],
  stop_reason: string,
  ...blocks: readonly string[]
): string {
  const start = {
    id: `msg_${input_tokens}`,
    type: "message",
    role: "assistant",
    model: CLAUDE,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens, output_tokens: 0 },
  };
  const delta = { stop_reason, stop_sequence: null };
  return [
    event("message_start", { message: start }),
    ...blocks,
    event("message_delta", { delta, usage: { output_tokens } }),
    event("message_stop", {}),
  ].join("");
}

function anthropicTurns(): readonly string[] {
  const args = JSON.stringify(ARGUMENTS);
  return [
    message(
      [40, 12],
      "tool_use",
      block(
        0,
        { type: "thinking", thinking: "", signature: "" },
        { type: "thinking_delta", thinking: "I must measure." },
        { type: "signature_delta", signature: "c2lnbmVk" },
      ),
      block(
        1,
        { type: "tool_use", id: "toolu_1", name: TOOL.name, input: {} },
        { type: "input_json_delta", partial_json: args.slice(0, 12) },
        { type: "input_json_delta", partial_json: args.slice(12) },
      ),
    ),
    message(
      [64, 9],
      "end_turn",
      block(
        0,
        { type: "text", text: "" },
        { type: "text_delta", text: ANSWER.slice(0, 5) },
        {
          type: "text_delta",
          text: ANSWER.slice(5),
        },
      ),
    ),
  ];
}

function geminiChunk(parts: readonly JsonObject[], counts?: readonly [number, number]): string {
  const [promptTokenCount = 0, candidatesTokenCount = 0] = counts ?? [];
  const totalTokenCount = promptTokenCount + candidatesTokenCount;
  return JSON.stringify({
    candidates: [
      { content: { role: "model", parts }, ...(counts ? { finishReason: "STOP" } : {}) },
    ],
    ...(counts
      ? { usageMetadata: { promptTokenCount, candidatesTokenCount, totalTokenCount } }
      : {}),
    modelVersion: "gemini-3-pro-preview",
    responseId: "resp",
  });
}

function geminiTurns(): readonly string[] {
  const functionCall = { name: TOOL.name, args: ARGUMENTS };
  const call = geminiChunk([{ functionCall, thoughtSignature: "c2lnbmVk" }], [40, 12]);
  const first = geminiChunk([{ text: ANSWER.slice(0, 5) }]);
  const last = geminiChunk([{ text: ANSWER.slice(5) }], [64, 9]);
  return [sse([call], false), sse([first, last], false)];
}

type AiModel = Parameters<typeof streamText>[0]["model"];

function aiSdkChat({ url, key, model }: Place): Promise<Told> {
  const make = createOpenAICompatible({
    name: "xjp",
    baseURL: `${url}/v1`,
    apiKey: key,
    includeUsage: true,
  });
  return aiSdk(make(model));
}

function aiSdkMessages({ url, key, model }: Place): Promise<Told> {
  return aiSdk(createAnthropic({ baseURL: `${url}/v1`, apiKey: key })(model));
}

async function aiSdk(model: AiModel): Promise<Told> {
  const called: unknown[] = [];
  const result = streamText({
    model,
    prompt: QUESTION,
    maxRetries: 0,
    maxOutputTokens: 4096,
    stopWhen: isStepCount(3),
    tools: {
      [TOOL.name]: tool({
        description: TOOL.description,
        inputSchema: schema,
        execute: (input) => {
          called.push(input);
          return RESULT;
        },
      }),
    },
    onError: ({ error }) => {
      throw error;
    },
  });
  const [text, usage] = await Promise.all([result.text, result.usage]);
  return { text, called, input: usage.inputTokens, output: usage.outputTokens };
}

function langChainChat({ url, key, model }: Place): Promise<Told> {
  const configuration = { baseURL: `${url}/v1` };
  const chat = new ChatOpenAI({
    model,
    apiKey: key,
    configuration,
    maxRetries: 0,
    streamUsage: true,
  });
  return langChain((messages, tools) => chat.bindTools([...tools]).stream([...messages]));
}

function langChainMessages({ url, key, model }: Place): Promise<Told> {
  const chat = new ChatAnthropic({
    model,
    apiKey: key,
    anthropicApiUrl: url,
    maxRetries: 0,
    maxTokens: 4096,
  });
  return langChain((messages, tools) => chat.bindTools([...tools]).stream([...messages]));
}

const seaTemperature = langchainTool(() => RESULT, { ...TOOL, schema });

async function langChain(
  ask: (
    messages: readonly BaseMessage[],
    tools: readonly [typeof seaTemperature],
  ) => Promise<AsyncIterable<AIMessageChunk>>,
): Promise<Told> {
  const messages: BaseMessage[] = [new HumanMessage(QUESTION)];
  const called: unknown[] = [];
  let input = 0;
  let output = 0;
  for (;;) {
    const answer = await gather(await ask(messages, [seaTemperature]));
    const usage = tokens.parse(answer.usage_metadata);
    input += usage.input_tokens;
    output += usage.output_tokens;
    const calls = answer.tool_calls ?? [];
    if (calls.length === 0) return { text: answer.text, called, input, output };
    messages.push(answer);
    for (const call of calls) {
      called.push(call.args);
      messages.push(await seaTemperature.invoke({ ...call, type: "tool_call" }));
    }
  }
}

async function gather(stream: AsyncIterable<AIMessageChunk>): Promise<AIMessageChunk> {
  let whole: AIMessageChunk | undefined;
  for await (const chunk of stream) whole = whole === undefined ? chunk : whole.concat(chunk);
  if (whole === undefined) throw new Error("the stream held nothing");
  return whole;
}
