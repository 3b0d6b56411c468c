/** Refuses what no provider should be asked, before any money is spent. */
import { ChatError } from "../../connectors/hub/error.ts";
import type { ChatRequest, Sampling } from "../../connectors/hub/request.ts";
import type { Config } from "../config/config.ts";

/** What every provider's documentation allows at most; one that allows less says so itself. */
const RANGES: readonly (readonly [keyof Sampling, string, least: number, most: number])[] = [
  ["temperature", "temperature", 0, 2],
  ["topP", "top_p", 0, 1],
  ["topK", "top_k", 0, 1_000_000],
  ["minP", "min_p", 0, 1],
  ["frequencyPenalty", "frequency_penalty", -2, 2],
  ["presencePenalty", "presence_penalty", -2, 2],
  ["repetitionPenalty", "repetition_penalty", 0, 2],
  ["topLogprobs", "top_logprobs", 0, 20],
];
/** The names that dialects give to the most tokens of an answer, the one that wins first. */
const MAX_TOKENS_FIELDS = ["max_completion_tokens", "max_output_tokens", "max_tokens"];
/** OpenAI's own ceiling for `n`. */
const MOST_CANDIDATES = 128;

/** Throws ChatError `invalid-request` with the field's path. */
export function checkRequest(request: ChatRequest, limits: Config["limits"]): void {
  checkMessages(request, limits);
  checkTools(request, limits);
  checkMaxTokens(request, limits);
  for (const [name, param, least, most] of RANGES) {
    const value = request.sampling[name];
    if (typeof value === "number") checkRange(param, value, least, most);
  }
  if (request.candidates !== undefined) checkRange("n", request.candidates, 1, MOST_CANDIDATES);
  const { logitBias } = request.sampling;
  for (const token in logitBias)
    checkRange(`logit_bias.${token}`, logitBias[token] ?? 0, -100, 100);
}

function checkMessages(request: ChatRequest, limits: Config["limits"]): void {
  const messages = request.messages.length + request.system.length;
  // Messages that the neutral model has no place for are a matter between the caller and a target of its dialect.
  if (messages === 0 && request.unmapped.length === 0) {
    throw refusal("messages", "`messages` is empty; at least one message is needed");
  }
  if (messages > limits.maxMessages) {
    throw tooMany("messages", messages, "messages", limits.maxMessages, "max_messages");
  }
  let parts = request.system.length;
  for (const message of request.messages) {
    parts += message.parts.length;
    if (message.role !== "tool") continue;
    for (const result of message.parts) parts += result.parts.length;
  }
  if (parts > limits.maxParts) {
    throw tooMany("messages", parts, "content parts", limits.maxParts, "max_parts");
  }
}

function checkTools({ tools }: ChatRequest, limits: Config["limits"]): void {
  if (tools.length > limits.maxTools) {
    throw tooMany("tools", tools.length, "tools", limits.maxTools, "max_tools");
  }
}

function checkMaxTokens(request: ChatRequest, limits: Config["limits"]): void {
  const tokens = request.maxOutputTokens;
  if (tokens === undefined) return;
  const { body } = request.source;
  const param = MAX_TOKENS_FIELDS.find((field) => Object.hasOwn(body, field)) ?? "max_tokens";
  if (tokens < 1 || !Number.isInteger(tokens)) {
    throw refusal(param, `\`${param}\` must be a whole number of at least 1, not ${tokens}`);
  }
  if (limits.maxTokens > 0 && tokens > limits.maxTokens) {
    throw refusal(
      param,
      `\`${param}\` asks for up to ${tokens} tokens; this gateway gives at most ${limits.maxTokens} (limits.max_tokens)`,
    );
  }
}

function checkRange(param: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw refusal(param, `\`${param}\` is ${value}; it must be between ${least} and ${most}`);
}

function tooMany(
  param: string,
  found: number,
  what: string,
  most: number,
  setting: string,
): ChatError {
  return refusal(
    param,
    `\`${param}\` holds ${found} ${what}; this gateway takes at most ${most} (limits.${setting})`,
  );
}

function refusal(param: string, message: string): ChatError {
  return new ChatError("invalid-request", message, { param });
}
