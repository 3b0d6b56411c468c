/** Answers that think, with opaque signatures, and call the tool `tide`; streamed as each provider streams them. */
import type { JsonObject } from "../../src/connectors/hub/json.ts";
import { sse } from "./reply.ts";

/** What the tool is called with. */
export const ARGUMENTS = '{"at":"Husum"}';

const CLAUDE = "anthropic-claude-v1";

function openrouterChunk(delta: JsonObject, finish: string | null = null): string {
  return JSON.stringify({ id: "gen-1", choices: [{ index: 0, delta, finish_reason: finish }] });
}

/** OpenRouter's, with pieces of thoughts before the call and, as of Gemini, behind it. */
export function openrouterAnswer(
  id: string,
  details: readonly JsonObject[],
  late: readonly JsonObject[] = [],
): string {
  const call = { index: 0, id, type: "function", function: { name: "tide", arguments: ARGUMENTS } };
  return sse([
    ...details.map((detail) =>
      openrouterChunk({ role: "assistant", content: "", reasoning_details: [detail] }),
    ),
    openrouterChunk({ content: "I look." }),
    openrouterChunk({ content: "", tool_calls: [call] }),
    ...late.map((detail) => openrouterChunk({ content: "", reasoning_details: [detail] })),
    openrouterChunk({ content: "" }, "tool_calls"),
    JSON.stringify({
      id: "gen-1",
      choices: [],
      usage: { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 },
    }),
  ]);
}

/** Pieces of a signed thought as OpenRouter streams them, and the whole that it wants back. */
export function claudeDetails(signature: string): {
  readonly pieces: readonly JsonObject[];
  readonly whole: JsonObject;
} {
  const common = { type: "reasoning.text", format: CLAUDE, index: 0 };
  return {
    pieces: [
      { ...common, text: "Two " },
      { ...common, text: "harbours." },
      { ...common, signature },
    ],
    whole: { ...common, text: "Two harbours.", signature },
  };
}

/** Anthropic's, with a thought that shows and one that does not. */
export function anthropicAnswer(id: string, signature: string): string {
  const events: readonly (JsonObject & { readonly type: string })[] = [
    {
      type: "message_start",
      message: {
        id: "msg_1",
        type: "message",
        role: "assistant",
        content: [],
        model: "claude",
        usage: { input_tokens: 9, output_tokens: 1 },
      },
    },
    {
      type: "content_block_start",
      index: 0,
      content_block: { type: "thinking", thinking: "", signature: "" },
    },
    {
      type: "content_block_delta",
      index: 0,
      delta: { type: "thinking_delta", thinking: "Two harbours." },
    },
    { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature } },
    { type: "content_block_stop", index: 0 },
    {
      type: "content_block_start",
      index: 1,
      content_block: { type: "redacted_thinking", data: `${signature}-hidden` },
    },
    { type: "content_block_stop", index: 1 },
    {
      type: "content_block_start",
      index: 2,
      content_block: { type: "tool_use", id, name: "tide", input: {} },
    },
    {
      type: "content_block_delta",
      index: 2,
      delta: { type: "input_json_delta", partial_json: ARGUMENTS },
    },
    { type: "content_block_stop", index: 2 },
    {
      type: "message_delta",
      delta: { stop_reason: "tool_use", stop_sequence: null },
      usage: { output_tokens: 9 },
    },
    { type: "message_stop" },
  ];
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}

/** Gemini's, which signs the call. */
export function geminiAnswer(signature: string): string {
  const chunk = (parts: readonly JsonObject[], more: JsonObject = {}): string =>
    `data: ${JSON.stringify({ candidates: [{ content: { role: "model", parts }, ...more }], responseId: Bun.hash(signature).toString() })}\r\n\r\n`;
  return (
    chunk([{ text: "Two harbours.", thought: true }]) +
    chunk([
      { functionCall: { name: "tide", args: { at: "Husum" } }, thoughtSignature: signature },
    ]) +
    chunk([{ text: "" }], { finishReason: "STOP" })
  );
}
