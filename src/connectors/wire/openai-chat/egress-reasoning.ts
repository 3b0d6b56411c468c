import type { JsonObject } from "../../hub/json.ts";
import type { ReasoningRequest } from "../../hub/request.ts";
import { DEFAULT_EFFORTS, effortOf, isOff, isWanted, nearestEffort } from "../effort.ts";
import type { Writing } from "./egress-part.ts";

function asOpenRouter(wish: ReasoningRequest): JsonObject {
  const amount: JsonObject =
    // It takes one of the two, not both.
    wish.budgetTokens !== undefined
      ? { max_tokens: wish.budgetTokens }
      : wish.effort === undefined
        ? {}
        : { effort: wish.effort };
  const enabled = wish.enabled ?? (wish.adaptive === true ? true : undefined);
  return {
    reasoning: {
      ...amount,
      ...(enabled === undefined ? {} : { enabled }),
      ...(wish.hidden === undefined ? {} : { exclude: wish.hidden }),
      ...(wish.summary === undefined ? {} : { summary: wish.summary }),
    },
  };
}

function asEffort(writing: Writing, wish: ReasoningRequest): JsonObject {
  const known = writing.quirks.efforts ?? DEFAULT_EFFORTS;
  if (isOff(wish)) return { reasoning_effort: nearestEffort("none", known) };
  if (wish.effort !== undefined) return { reasoning_effort: nearestEffort(wish.effort, known) };
  if (wish.budgetTokens !== undefined) {
    return { reasoning_effort: nearestEffort(effortOf(wish.budgetTokens), known) };
  }
  // Thinking without an amount is what a reasoning model does anyway.
  return {};
}

/** The caller's wish about reasoning in the words of this host; what it has no words for is left out and named. */
export function encodeReasoningRequest(
  writing: Writing,
  wish: ReasoningRequest | undefined,
): JsonObject {
  if (wish === undefined) return {};
  const style = writing.quirks.reasoningRequest ?? "effort";
  if (style === "openrouter") return asOpenRouter(wish);
  if (wish.hidden) writing.drop("reasoning.exclude");
  if (wish.summary !== undefined) writing.drop("reasoning.summary");
  if (!isWanted(wish) && !isOff(wish)) return {};
  switch (style) {
    case "effort":
      return asEffort(writing, wish);
    case "thinking":
      return { thinking: { type: isOff(wish) ? "disabled" : "enabled" } };
    case "enable_thinking":
      return {
        enable_thinking: !isOff(wish),
        ...(wish.budgetTokens === undefined || isOff(wish)
          ? {}
          : { thinking_budget: wish.budgetTokens }),
      };
    case "none":
      writing.drop("reasoning");
      return {};
  }
}
