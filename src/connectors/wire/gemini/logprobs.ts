import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { isJsonArray, textOf } from "../walk.ts";

type Entry = { token: string; logprob: number; bytes: number[]; top_logprobs?: Entry[] };

function entryOf(candidate: JsonObject): Entry {
  const token = textOf(candidate["token"]) ?? "";
  const logprob = candidate["logProbability"];
  return {
    token,
    logprob: typeof logprob === "number" ? logprob : 0,
    bytes: [...Buffer.from(token, "utf8")],
  };
}

/** `logprobsResult` as entries of OpenAI's shape, one for each token that was chosen. */
export function decodeLogprobs(value: Json | undefined): readonly JsonObject[] {
  const chosen = isJsonObject(value) ? value["chosenCandidates"] : undefined;
  const tops = isJsonObject(value) ? value["topCandidates"] : undefined;
  if (!isJsonArray(chosen)) return [];
  return chosen.filter(isJsonObject).map((candidate, index) => {
    const top = isJsonArray(tops) ? tops[index] : undefined;
    const candidates = isJsonObject(top) ? top["candidates"] : undefined;
    const entry = entryOf(candidate);
    entry.top_logprobs = isJsonArray(candidates)
      ? candidates.filter(isJsonObject).map(entryOf)
      : [];
    return entry;
  });
}
