import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { Usage } from "../../hub/usage.ts";

const NANO = 1e9;

function count(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0
    ? Math.round(value)
    : undefined;
}

/** A count told again; a 0 takes nothing back. */
function later(known: number | undefined, told: number | undefined): number | undefined {
  return told === undefined || (told === 0 && known !== undefined) ? known : told;
}

/**
 * Reads `usage` and lays it over what is known: a stream tells input first and output last. Anthropic's `input_tokens` leave
 * the cache out, the hub's have it in. A later 0 for the input is no news (Clewdr sends it).
 */
export type UsageReader = {
  read(value: Json | undefined): void;
  /** Undefined while nothing has been told. */
  readonly usage: Usage | undefined;
};

/** Reads the counts of one answer. */
export function createUsageReader(): UsageReader {
  let fresh = 0;
  let cacheRead: number | undefined;
  let cacheWrite: number | undefined;
  let cacheWrite1h: number | undefined;
  let output: number | undefined;
  let thinking: number | undefined;
  let cost: number | undefined;
  let told = false;
  return {
    read(value) {
      if (!isJsonObject(value)) return;
      const input = count(value["input_tokens"]);
      const produced = count(value["output_tokens"]);
      if (input === undefined && produced === undefined) return;
      told = true;
      fresh = later(fresh, input) ?? 0;
      cacheRead = later(cacheRead, count(value["cache_read_input_tokens"]));
      cacheWrite = later(cacheWrite, count(value["cache_creation_input_tokens"]));
      const creation = value["cache_creation"];
      if (isJsonObject(creation)) {
        cacheWrite1h = later(cacheWrite1h, count(creation["ephemeral_1h_input_tokens"]));
      }
      output = produced ?? output;
      const details = value["output_tokens_details"];
      if (isJsonObject(details)) thinking = count(details["thinking_tokens"]) ?? thinking;
      // OpenRouter's, in US dollars.
      const dollars = value["cost"];
      if (typeof dollars === "number" && dollars >= 0) cost = Math.round(dollars * NANO);
    },
    get usage(): Usage | undefined {
      if (!told) return undefined;
      const outputTokens = output ?? 0;
      return {
        inputTokens: fresh + (cacheRead ?? 0) + (cacheWrite ?? 0),
        outputTokens,
        ...(cacheRead === undefined ? {} : { cacheReadTokens: cacheRead }),
        ...(cacheWrite === undefined ? {} : { cacheWriteTokens: cacheWrite }),
        ...(cacheWrite1h === undefined
          ? {}
          : { cacheWrite1hTokens: Math.min(cacheWrite1h, cacheWrite ?? cacheWrite1h) }),
        ...(thinking === undefined ? {} : { reasoningTokens: Math.min(thinking, outputTokens) }),
        ...(cost === undefined ? {} : { costNanoUsd: cost }),
        source: "reported",
      };
    },
  };
}

/** The hub's count as Anthropic's `usage`. */
export function encodeUsage(usage: Usage): JsonObject {
  const read = usage.cacheReadTokens ?? 0;
  const written = usage.cacheWriteTokens ?? 0;
  const hour = usage.cacheWrite1hTokens;
  return {
    input_tokens: Math.max(0, usage.inputTokens - read - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    ...(hour === undefined
      ? {}
      : {
          cache_creation: {
            ephemeral_5m_input_tokens: Math.max(0, written - hour),
            ephemeral_1h_input_tokens: hour,
          },
        }),
    output_tokens: usage.outputTokens,
    ...(usage.reasoningTokens === undefined
      ? {}
      : { output_tokens_details: { thinking_tokens: usage.reasoningTokens } }),
  };
}
