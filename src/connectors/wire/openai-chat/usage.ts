import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { Usage } from "../../hub/usage.ts";
import type { Writable } from "../walk.ts";

const NANO = 1e9;
/** xAI counts cost in ten-billionths of a US dollar (checked against its price list, 2026-02). */
const XAI_TICKS_PER_NANO = 10;

function count(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0
    ? Math.round(value)
    : undefined;
}

const NO_DETAILS: JsonObject = {};

function details(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : NO_DETAILS;
}

/**
 * OpenAI's completion_tokens include reasoning. xAI's do not, while its total does; Gemini's compatible endpoint hides its
 * thinking altogether and shows it only in the total. Both are told by arithmetic.
 */
function output(
  prompt: number,
  completion: number,
  total: number | undefined,
  reasoning: number | undefined,
): { readonly outputTokens: number; readonly reasoningTokens: number | undefined } {
  const rest = total === undefined ? 0 : total - prompt - completion;
  if (rest > 0 && (reasoning === undefined || reasoning === rest)) {
    return { outputTokens: completion + rest, reasoningTokens: rest };
  }
  return {
    outputTokens: completion,
    reasoningTokens: reasoning === undefined ? undefined : Math.min(reasoning, completion),
  };
}

function costOf(usage: JsonObject): number | undefined {
  const cost = usage["cost"];
  if (typeof cost === "number" && Number.isFinite(cost)) {
    // With the account's own key at the upstream provider, OpenRouter's `cost` is only its fee.
    const upstream =
      usage["is_byok"] === true ? details(usage["cost_details"])["upstream_inference_cost"] : 0;
    return Math.round((cost + (typeof upstream === "number" ? upstream : 0)) * NANO);
  }
  const ticks = count(usage["cost_in_usd_ticks"]);
  return ticks === undefined ? undefined : Math.round(ticks / XAI_TICKS_PER_NANO);
}

/** A `usage` object as the hub counts; undefined if it is none or counts nothing. */
export function decodeUsage(value: Json | undefined): Usage | undefined {
  if (!isJsonObject(value)) return undefined;
  const prompt = count(value["prompt_tokens"]);
  const completion = count(value["completion_tokens"]);
  if (prompt === undefined && completion === undefined) return undefined;

  const input = details(value["prompt_tokens_details"]);
  const produced = details(value["completion_tokens_details"]);
  const inputTokens = prompt ?? 0;
  const { outputTokens, reasoningTokens } = output(
    inputTokens,
    completion ?? 0,
    count(value["total_tokens"]),
    count(produced["reasoning_tokens"]),
  );
  // DeepSeek and Moonshot have names of their own for the same number.
  const cached =
    count(input["cached_tokens"]) ??
    count(value["prompt_cache_hit_tokens"]) ??
    count(value["cached_tokens"]);
  const cacheReadTokens = cached === undefined ? undefined : Math.min(cached, inputTokens);
  const written = count(input["cache_write_tokens"]);
  const cacheWriteTokens =
    written === undefined ? undefined : Math.min(written, inputTokens - (cacheReadTokens ?? 0));
  const audioInputTokens = count(input["audio_tokens"]);
  const audioOutputTokens = count(produced["audio_tokens"]);
  const costNanoUsd = costOf(value);

  const usage: Writable<Usage> = {
    inputTokens,
    outputTokens,
    source: "reported",
  };
  if (cacheReadTokens !== undefined) usage.cacheReadTokens = cacheReadTokens;
  if (cacheWriteTokens !== undefined) usage.cacheWriteTokens = cacheWriteTokens;
  if (reasoningTokens !== undefined) usage.reasoningTokens = reasoningTokens;
  if (audioInputTokens !== undefined) usage.audioInputTokens = audioInputTokens;
  if (audioOutputTokens !== undefined) usage.audioOutputTokens = audioOutputTokens;
  if (costNanoUsd !== undefined) usage.costNanoUsd = costNanoUsd;
  return usage;
}

/** The same as OpenAI's `usage` object, with OpenRouter's `cost` where it is known. */
export function encodeUsage(usage: Usage): JsonObject {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: {
      ...(usage.cacheReadTokens === undefined ? {} : { cached_tokens: usage.cacheReadTokens }),
      ...(usage.cacheWriteTokens === undefined
        ? {}
        : { cache_write_tokens: usage.cacheWriteTokens }),
      ...(usage.audioInputTokens === undefined ? {} : { audio_tokens: usage.audioInputTokens }),
    },
    completion_tokens_details: {
      ...(usage.reasoningTokens === undefined ? {} : { reasoning_tokens: usage.reasoningTokens }),
      ...(usage.audioOutputTokens === undefined ? {} : { audio_tokens: usage.audioOutputTokens }),
    },
    ...(usage.costNanoUsd === undefined ? {} : { cost: usage.costNanoUsd / NANO }),
  };
}
