/** Small pieces of this dialect that both halves write or read alike. */
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { CacheHint } from "../../hub/request.ts";

/** How the hub calls Anthropic's signed and encrypted thoughts; OpenRouter's word for the same. */
export const ANTHROPIC_FORMAT = "anthropic-claude-v1";

/** `cache_control` of a block, a tool or a whole request. */
function decodeCache(value: Json | undefined): CacheHint | undefined {
  if (!isJsonObject(value)) return undefined;
  const ttl = value["ttl"];
  return ttl === "5m" || ttl === "1h" ? { ttl } : {};
}

/** The same as fields to spread into a block. */
export function encodeCache(cache: CacheHint | undefined): JsonObject {
  if (cache === undefined) return {};
  return {
    cache_control: { type: "ephemeral", ...(cache.ttl === undefined ? {} : { ttl: cache.ttl }) },
  };
}

/** A block with the mark that the caller put on it. */
export function withCache<Part extends object>(part: Part, block: JsonObject): Part {
  const cache = decodeCache(block["cache_control"]);
  return cache === undefined ? part : { ...part, cache };
}

/** Whether a block is a thought, readable or not. */
export function isThought(block: Json): block is JsonObject {
  if (!isJsonObject(block)) return false;
  return block["type"] === "thinking" || block["type"] === "redacted_thinking";
}
