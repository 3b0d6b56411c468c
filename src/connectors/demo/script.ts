/** From whole blocks to the events of a stream, one step a token, within the caller's limits. */
import type { ChatEvent, FinishReason } from "../hub/event.ts";
import type { JsonObject } from "../hub/json.ts";
import type { ChatRequest } from "../hub/request.ts";
import type { Usage } from "../hub/usage.ts";
import type { Block } from "./answer.ts";
import { fingerprint } from "./prompt.ts";
import { countInput, toTokens } from "./token.ts";

export type Script = {
  readonly start: ChatEvent;
  /** One token each; empty where it is hidden. */
  readonly steps: readonly (readonly ChatEvent[])[];
  readonly end: readonly ChatEvent[];
};

type Ending = { readonly reason: FinishReason; readonly stopSequence?: string };

/** The text up to the stop sequence that comes first, and that sequence. */
function cutAtStop(text: string, stop: readonly string[]): { text: string; stop?: string } {
  let at = Infinity;
  let found: string | undefined;
  for (const sequence of stop) {
    const index = sequence === "" ? -1 : text.indexOf(sequence);
    if (index !== -1 && index < at) {
      at = index;
      found = sequence;
    }
  }
  return found === undefined ? { text } : { text: text.slice(0, at), stop: found };
}

/** Every token is certain here: its probability is 1, and no other comes into question. */
function certain(token: string, request: ChatRequest): ChatEvent {
  const entry: JsonObject = { token, logprob: 0, bytes: [...new TextEncoder().encode(token)] };
  const others = (request.sampling.topLogprobs ?? 0) > 0 ? [entry] : [];
  return { type: "logprobs", content: [{ ...entry, top_logprobs: others }] };
}

function startOf(block: Block, index: number): readonly ChatEvent[] {
  if (block.type === "text") return [{ type: "text-start", index }];
  if (block.type === "reasoning") {
    return [{ type: "reasoning-start", index, form: "text", format: "xjp-demo-v1" }];
  }
  return [{ type: "tool-start", index, id: block.id, name: block.name }];
}

function deltaOf(
  block: Block,
  index: number,
  token: string,
  request: ChatRequest,
): readonly ChatEvent[] {
  if (block.type === "tool-call") return [{ type: "tool-delta", index, arguments: token }];
  if (block.type === "reasoning") return [{ type: "reasoning-delta", index, text: token }];
  const delta: ChatEvent = { type: "text-delta", index, text: token };
  return request.sampling.logprobs === true ? [delta, certain(token, request)] : [delta];
}

function endOf(block: Block, index: number): readonly ChatEvent[] {
  if (block.type === "text") return [{ type: "text-end", index }];
  if (block.type === "tool-call") return [{ type: "tool-end", index }];
  const signature = `xjp-demo-${Bun.hash(block.text).toString(16)}`;
  return [
    { type: "reasoning-signature", index, signature },
    { type: "reasoning-end", index },
  ];
}

/** Writes the stream of an answer. The same arguments give the same events, ids included. */
export function writeScript(request: ChatRequest, model: string, blocks: readonly Block[]): Script {
  const budget = request.maxOutputTokens ?? Infinity;
  const calls = blocks.some((block) => block.type === "tool-call");
  const steps: ChatEvent[][] = [];
  let ending: Ending = { reason: calls ? "tool-calls" : "stop" };
  let reasoningTokens = 0;
  let index = 0;

  for (const block of blocks) {
    const cut: { text: string; stop?: string } =
      block.type === "text"
        ? cutAtStop(block.text, request.stop)
        : { text: block.type === "tool-call" ? block.arguments : block.text };
    const tokens = toTokens(cut.text);
    const said = tokens.slice(0, budget - steps.length);
    if (block.type === "reasoning") reasoningTokens += said.length;
    const hidden = block.type === "reasoning" && block.hidden;
    said.forEach((token, position) => {
      const step: ChatEvent[] = [];
      if (!hidden) {
        if (position === 0) step.push(...startOf(block, index));
        step.push(...deltaOf(block, index, token, request));
        if (position === said.length - 1) step.push(...endOf(block, index));
      }
      steps.push(step);
    });
    if (!hidden && said.length > 0) index += 1;
    if (said.length < tokens.length) ending = { reason: "length" };
    else if (cut.stop !== undefined) ending = { reason: "stop-sequence", stopSequence: cut.stop };
    else continue;
    break;
  }

  const { inputTokens, cacheReadTokens } = countInput(request);
  const usage: Usage = {
    inputTokens,
    outputTokens: steps.length,
    cacheReadTokens,
    reasoningTokens,
    source: "reported",
  };
  return {
    start: { type: "start", id: `chatcmpl-demo-${fingerprint(request)}`, model },
    steps,
    end: [
      { type: "usage", usage },
      { type: "finish", ...ending },
    ],
  };
}
