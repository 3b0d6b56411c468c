import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { ChatRequest, ReasoningEffort } from "../../hub/request.ts";
import { nearestEffort } from "../effort.ts";
import type { Drop } from "../writing.ts";
import { encodeThinking, isLeftWithoutThoughts } from "./egress-thinking.ts";
import { hasForeignThoughts, lowerMessages, withoutForeignThoughts } from "./lower-messages.ts";
import { type ModelTraits, versionedTraitsOf } from "./models.ts";

/** Fields to set, or to delete where undefined, of a body that is otherwise passed on as it is. */
export type Edits = Readonly<Record<string, Json | undefined>>;

const NONE: Edits = {};
/** How the dialect calls what the hub's names of dropped fields mean. */
const OWN_NAMES: Readonly<Record<string, string>> = {
  reasoning: "thinking",
  "reasoning.exclude": "thinking.display",
};

/**
 * What must change in a caller's own body for a Claude of another generation than the one it was written for: a client that does not
 * know what stands behind a logical model (Claude Code takes it for one of the newest), or the route after the one that failed.
 * Only what the model is documented to refuse is changed; nothing for models of which nothing is known.
 */
export function lower(request: ChatRequest, model: string, drop: Drop): Edits {
  const traits = versionedTraitsOf(model);
  if (traits === undefined) return withoutForeignThoughts(request, model, drop);
  const { body } = request.source;
  return {
    ...lowerThinking(body["thinking"], request, traits, drop),
    ...lowerEffort(body["output_config"], traits, drop),
    ...lowerSampling(body, traits, drop),
    ...lowerMessages(request, traits, drop),
  };
}

function lowerThinking(
  wish: Json | undefined,
  request: ChatRequest,
  traits: ModelTraits,
  drop: Drop,
): Edits {
  if (!isJsonObject(wish)) return NONE;
  const { type } = wish;
  if (type === "disabled" || type === "between_tools") return lowerOff(type, traits, drop);
  if (type === "adaptive" && traits.thinking !== "adaptive") {
    const { body } = encodeThinking(request, traits, (field) => drop(OWN_NAMES[field] ?? field));
    return { thinking: body["thinking"] };
  }
  if (type !== "enabled") return NONE;
  const isRobbed = request.regrafted !== undefined || hasForeignThoughts(request);
  if (traits.thinking === "budget" && isRobbed && isLeftWithoutThoughts(request)) {
    drop("thinking");
    return { thinking: undefined };
  }
  if (traits.budgets) return NONE;
  if (traits.thinking === "adaptive") {
    return { thinking: { type: "adaptive", display: wish["display"] ?? "summarized" } };
  }
  drop("thinking");
  return { thinking: undefined };
}

function lowerOff(
  word: "disabled" | "between_tools",
  { thinkingOff }: ModelTraits,
  drop: Drop,
): Edits {
  if (word === thinkingOff) return NONE;
  switch (thinkingOff) {
    case "nothing":
      // What is off by itself may be turned off, but not by a word that it does not know.
      return word === "disabled" ? NONE : { thinking: undefined };
    case "disabled":
    case "between_tools":
      return { thinking: { type: thinkingOff } };
    case "impossible":
      drop("thinking");
      return { thinking: undefined };
  }
}

function lowerEffort(config: Json | undefined, { efforts }: ModelTraits, drop: Drop): Edits {
  if (!isJsonObject(config)) return NONE;
  const { effort, ...rest } = config;
  if (!isEffort(effort) || efforts.includes(effort)) return NONE;
  drop("output_config.effort");
  if (efforts.length > 0) {
    return { output_config: { ...rest, effort: nearestEffort(effort, efforts) } };
  }
  return { output_config: Object.keys(rest).length > 0 ? rest : undefined };
}

function isEffort(value: Json | undefined): value is ReasoningEffort {
  return (
    value === "low" ||
    value === "medium" ||
    value === "high" ||
    value === "xhigh" ||
    value === "max"
  );
}

function lowerSampling(body: JsonObject, { sampling }: ModelTraits, drop: Drop): Edits {
  const edits: Record<string, undefined> = {};
  const leaveOut = (field: string): void => {
    edits[field] = undefined;
    drop(field);
  };
  const isGiven = (field: string): boolean => typeof body[field] === "number";
  if (sampling === "one" && isGiven("temperature") && isGiven("top_p")) leaveOut("top_p");
  if (sampling !== "none") return edits;
  // 1 is what they are by themselves, and is taken.
  for (const field of ["temperature", "top_p"]) {
    if (isGiven(field) && body[field] !== 1) leaveOut(field);
  }
  if (isGiven("top_k")) leaveOut("top_k");
  return edits;
}
