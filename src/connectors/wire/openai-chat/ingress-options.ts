import { isJsonObject, type Json } from "../../hub/json.ts";
import type { ReasoningRequest, Sampling } from "../../hub/request.ts";
import { isEffort } from "../effort.ts";
import {
  asArray,
  asBoolean,
  asInteger,
  asNumber,
  asObject,
  asRecord,
  asString,
  asStrings,
  fault,
  isJsonArray,
  note,
  type Reading,
  type Writable,
} from "../walk.ts";

/** A reasoning wish under construction; several fields of a body may add to it. */
export type ReasoningDraft = Writable<ReasoningRequest>;

/** `reasoning_effort`, or OpenRouter's `reasoning.effort`. An effort that nobody here knows is noted as a lost hint. */
function decodeEffort(reading: Reading, field: string, value: Json, draft: ReasoningDraft): void {
  const effort = asString(reading, field, value);
  if (isEffort(effort)) draft.effort = effort;
  else note(reading, field, true);
}

/** OpenRouter's `reasoning` object. */
function decodeReasoningObject(reading: Reading, value: Json, draft: ReasoningDraft): void {
  const wish = asObject(reading, "reasoning", value);
  reading.trail.push("reasoning");
  for (const field in wish) {
    const entry = wish[field];
    if (entry === null || entry === undefined) continue;
    if (field === "effort") {
      decodeEffort(reading, field, entry, draft);
    } else if (field === "max_tokens") {
      draft.budgetTokens = asInteger(reading, field, entry);
    } else if (field === "exclude") {
      draft.hidden = asBoolean(reading, field, entry);
    } else if (field === "enabled") {
      draft.enabled = asBoolean(reading, field, entry);
    } else if (
      field === "summary" &&
      (entry === "auto" || entry === "concise" || entry === "detailed")
    ) {
      draft.summary = entry;
    } else {
      note(reading, `reasoning.${field}`, true);
    }
  }
  reading.trail.pop();
}

/** `thinking`, as DeepSeek, Moonshot and GLM have it after Anthropic's example. */
function decodeThinkingObject(reading: Reading, value: Json, draft: ReasoningDraft): void {
  const wish = asObject(reading, "thinking", value);
  reading.trail.push("thinking");
  const type = asString(reading, "type", wish["type"]);
  if (type === "disabled") draft.enabled = false;
  else if (type === "enabled") draft.enabled = true;
  else if (type === "adaptive") draft.adaptive = true;
  else note(reading, "thinking", true);
  const budget = wish["budget_tokens"] ?? undefined;
  if (budget !== undefined) draft.budgetTokens = asInteger(reading, "budget_tokens", budget);
  reading.trail.pop();
}

/** Fields of the body about sampling; false for any other. */
export function readSampling(
  reading: Reading,
  field: string,
  value: Json,
  sampling: Writable<Sampling>,
): boolean {
  switch (field) {
    case "temperature":
      sampling.temperature = asNumber(reading, field, value);
      return true;
    case "top_p":
      sampling.topP = asNumber(reading, field, value);
      return true;
    case "top_k":
      sampling.topK = asInteger(reading, field, value);
      return true;
    case "min_p":
      sampling.minP = asNumber(reading, field, value);
      return true;
    case "frequency_penalty":
      sampling.frequencyPenalty = asNumber(reading, field, value);
      return true;
    case "presence_penalty":
      sampling.presencePenalty = asNumber(reading, field, value);
      return true;
    case "repetition_penalty":
      sampling.repetitionPenalty = asNumber(reading, field, value);
      return true;
    case "seed":
      sampling.seed = asInteger(reading, field, value);
      return true;
    case "logit_bias":
      sampling.logitBias = asRecord(reading, field, value, asNumber);
      return true;
    case "logprobs":
      sampling.logprobs = asBoolean(reading, field, value);
      return true;
    case "top_logprobs":
      sampling.topLogprobs = asInteger(reading, field, value);
      return true;
    default:
      return false;
  }
}

/** Fields of the body about thinking, in the words of all hosts; false for any other. */
export function readReasoning(
  reading: Reading,
  field: string,
  value: Json,
  draft: ReasoningDraft,
): boolean {
  switch (field) {
    case "reasoning_effort":
      decodeEffort(reading, field, value, draft);
      return true;
    case "reasoning":
      decodeReasoningObject(reading, value, draft);
      return true;
    case "include_reasoning":
      draft.hidden = !asBoolean(reading, field, value);
      return true;
    case "thinking":
      decodeThinkingObject(reading, value, draft);
      return true;
    case "enable_thinking":
      draft.enabled = asBoolean(reading, field, value);
      return true;
    case "thinking_budget":
      draft.budgetTokens = asInteger(reading, field, value);
      return true;
    default:
      return false;
  }
}

/** `stop`: one sequence or several. */
export function decodeStop(reading: Reading, value: Json): readonly string[] {
  if (typeof value === "string") return [value];
  if (!isJsonArray(value)) throw fault(reading, "stop", value, "a string or an array of strings");
  return asStrings(reading, "stop", value);
}

/** Whether `stream_options` ask for a usage block; its other options are notes on transport. */
export function decodeStreamOptions(reading: Reading, value: Json): boolean {
  const options = asObject(reading, "stream_options", value);
  reading.trail.push("stream_options");
  let asked = false;
  for (const field in options) {
    const entry = options[field];
    if (entry === null || entry === undefined) continue;
    if (field === "include_usage") asked = asBoolean(reading, field, entry);
    else note(reading, `stream_options.${field}`, true);
  }
  reading.trail.pop();
  return asked;
}

/** Whether OpenRouter's older `usage: {include: true}` asks for a usage block. */
export function asksForUsage(value: Json): boolean {
  return isJsonObject(value) && value["include"] === true;
}

/** Whether `modalities` ask for anything beyond text. */
export function isMoreThanText(reading: Reading, value: Json): boolean {
  return asArray(reading, "modalities", value).some((modality) => modality !== "text");
}
