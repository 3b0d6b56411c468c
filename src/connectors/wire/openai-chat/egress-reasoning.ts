import type { JsonObject } from "../../hub/json.ts";
import type { ReasoningEffort, ReasoningRequest } from "../../hub/request.ts";
import type { Writing } from "./egress-part.ts";

const SCALE: readonly ReasoningEffort[] = [
  "none",
  "minimal",
  "low",
  "medium",
  "high",
  "xhigh",
  "max",
];
const DEFAULT_EFFORTS = SCALE.slice(0, -1);

/** A budget of thinking tokens as the effort that spends about as much. */
function effortOf(budgetTokens: number): ReasoningEffort {
  if (budgetTokens <= 0) return "none";
  if (budgetTokens <= 2048) return "low";
  return budgetTokens <= 8192 ? "medium" : "high";
}

/** The nearest effort that a host knows. Some thinking is never mapped to none at all while there is another choice. */
function nearest(wanted: ReasoningEffort, known: readonly ReasoningEffort[]): ReasoningEffort {
  if (known.includes(wanted)) return wanted;
  const rank = SCALE.indexOf(wanted);
  const some = known.filter((effort) => effort !== "none");
  const distance = (effort: ReasoningEffort): number => Math.abs(SCALE.indexOf(effort) - rank);
  const choices = (some.length > 0 ? some : known).toSorted(
    (left, right) => distance(left) - distance(right) || SCALE.indexOf(left) - SCALE.indexOf(right),
  );
  return choices[0] ?? wanted;
}

function isOff(wish: ReasoningRequest): boolean {
  return wish.enabled === false || wish.effort === "none" || wish.budgetTokens === 0;
}

/** Whether any thinking was asked for, beyond how it is shown. */
function isWanted(wish: ReasoningRequest): boolean {
  return (
    wish.enabled === true ||
    wish.adaptive === true ||
    wish.effort !== undefined ||
    wish.budgetTokens !== undefined
  );
}

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
  if (isOff(wish)) return { reasoning_effort: nearest("none", known) };
  if (wish.effort !== undefined) return { reasoning_effort: nearest(wish.effort, known) };
  if (wish.budgetTokens !== undefined) {
    return { reasoning_effort: nearest(effortOf(wish.budgetTokens), known) };
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
