/**
 * How the demo provider counts. A token is the white space before it and then one ideograph, one kana or hangul character, up
 * to six letters or digits, or one other character. A message costs four tokens more, a media part 256.
 */
import type { ChatRequest, Message, Part } from "../hub/request.ts";

const TOKEN =
  /\s*(?:[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]|[\p{L}\p{M}\p{N}]{1,6}|\S)|\s+/gu;
const MESSAGE_TOKENS = 4;
const MEDIA_TOKENS = 256;
/** Providers cache prompts from about this length on, in steps. */
const CACHE_FROM_TOKENS = 1024;
const CACHE_STEP_TOKENS = 128;

/** Cuts text into tokens; joined they are the text again. */
export function toTokens(text: string): readonly string[] {
  return text.match(TOKEN) ?? [];
}

function countText(text: string): number {
  return toTokens(text).length;
}

function countPart(part: Part): number {
  if (part.type === "tool-result") return countParts(part.parts);
  if (part.type === "tool-call") return countText(part.name) + countText(part.arguments);
  return "text" in part ? countText(part.text) : MEDIA_TOKENS;
}

function countParts(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + countPart(part), 0);
}

function countMessages(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + MESSAGE_TOKENS + countParts(message.parts), 0);
}

/**
 * The input tokens of a request. What stands up to the last answer was the prompt of an earlier turn, so from 1,024 tokens
 * on it counts as read from the cache, in steps of 128; the same request always counts the same.
 */
export function countInput(request: ChatRequest): {
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
} {
  const fixed =
    countParts(request.system) +
    request.tools.reduce((sum, tool) => sum + countText(JSON.stringify(tool)), 0);
  const seen = request.messages.findLastIndex((message) => message.role === "assistant");
  const prefix = fixed + countMessages(request.messages.slice(0, Math.max(seen, 0)));
  return {
    inputTokens: prefix + countMessages(request.messages.slice(Math.max(seen, 0))),
    cacheReadTokens:
      seen > 0 && prefix >= CACHE_FROM_TOKENS ? prefix - (prefix % CACHE_STEP_TOKENS) : 0,
  };
}
