import { isJsonObject, type Json } from "../../hub/json.ts";
import type { Usage } from "../../hub/usage.ts";
import { isJsonArray } from "../walk.ts";

function count(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0
    ? Math.round(value)
    : undefined;
}

/** Tokens of one modality out of a `…TokensDetails` list. */
function ofModality(details: Json | undefined, modality: string): number | undefined {
  if (!isJsonArray(details)) return undefined;
  const entry = details.filter(isJsonObject).find((each) => each["modality"] === modality);
  return entry && count(entry["tokenCount"]);
}

/**
 * `usageMetadata` as the hub counts; undefined if it counts nothing, as in the early chunks of Vertex's streams. Thoughts are
 * beside the candidates' tokens, and what the model's own tools brought in is beside the prompt's.
 */
export function decodeUsage(value: Json | undefined): Usage | undefined {
  if (!isJsonObject(value)) return undefined;
  const prompt = count(value["promptTokenCount"]);
  const candidates = count(value["candidatesTokenCount"]);
  const thoughts = count(value["thoughtsTokenCount"]);
  if (prompt === undefined && candidates === undefined && thoughts === undefined) return undefined;
  const inputTokens = (prompt ?? 0) + (count(value["toolUsePromptTokenCount"]) ?? 0);
  const cached = count(value["cachedContentTokenCount"]);
  const audioInputTokens = ofModality(value["promptTokensDetails"], "AUDIO");
  const audioOutputTokens = ofModality(value["candidatesTokensDetails"], "AUDIO");
  return {
    inputTokens,
    outputTokens: (candidates ?? 0) + (thoughts ?? 0),
    ...(cached === undefined ? {} : { cacheReadTokens: Math.min(cached, inputTokens) }),
    ...(thoughts === undefined ? {} : { reasoningTokens: thoughts }),
    ...(audioInputTokens === undefined ? {} : { audioInputTokens }),
    ...(audioOutputTokens === undefined ? {} : { audioOutputTokens }),
    source: "reported",
  };
}
