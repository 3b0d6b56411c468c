import type { JsonObject } from "../../hub/json.ts";
import type { ReasoningEffort, ReasoningRequest } from "../../hub/request.ts";
import { effortOf, isOff, isWanted, nearestEffort } from "../effort.ts";
import type { Writing } from "./writing.ts";

/** Google's own reading of OpenAI's efforts: https://ai.google.dev/gemini-api/docs/openai#thinking */
const BUDGETS: Readonly<Record<Exclude<ReasoningEffort, "xhigh" | "max">, number>> = {
  none: 0,
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
};

/** A budget that lets the model decide. */
const DYNAMIC = -1;

/** Never less than was asked for where a level lies between two. */
function levelOf(effort: ReasoningEffort, levels: readonly ReasoningEffort[]): string {
  const isBetween = effort === "medium" && !levels.includes(effort);
  return (isBetween ? "high" : nearestEffort(effort, levels)).toUpperCase();
}

function amount({ traits, drop }: Writing, wish: ReasoningRequest): JsonObject {
  const { thinking } = traits;
  switch (thinking.by) {
    case "nothing":
      if (!isOff(wish)) drop("reasoning");
      return {};
    case "level": {
      if (isOff(wish)) {
        // It cannot be stopped from thinking, only be kept short.
        drop("reasoning");
        return { thinkingLevel: levelOf("minimal", thinking.levels) };
      }
      const effort =
        wish.effort ??
        (wish.budgetTokens === undefined || wish.budgetTokens < 0
          ? undefined
          : effortOf(wish.budgetTokens));
      return effort === undefined ? {} : { thinkingLevel: levelOf(effort, thinking.levels) };
    }
    case "budget": {
      if (isOff(wish)) {
        if (!thinking.canStop) drop("reasoning");
        return { thinkingBudget: thinking.canStop ? 0 : thinking.least };
      }
      const { budgetTokens, effort } = wish;
      if (budgetTokens === DYNAMIC || (wish.adaptive && effort === undefined)) {
        return { thinkingBudget: DYNAMIC };
      }
      const wanted =
        budgetTokens ??
        (effort === undefined
          ? undefined
          : effort === "xhigh" || effort === "max"
            ? thinking.most
            : BUDGETS[effort]);
      if (wanted === undefined) return {};
      return { thinkingBudget: Math.min(Math.max(wanted, thinking.least), thinking.most) };
    }
  }
}

/** `thinkingConfig`: how much to think, and whether to show it. Whoever asks for thoughts wants to see them. */
export function encodeThinking(writing: Writing, wish: ReasoningRequest | undefined): JsonObject {
  if (wish === undefined) return {};
  const isAsked = isWanted(wish) || isOff(wish);
  const config = isAsked ? amount(writing, wish) : {};
  const isShown =
    wish.hidden === true || isOff(wish)
      ? false
      : isWanted(wish) || wish.hidden === false || wish.summary !== undefined;
  const isSaid = writing.traits.thinking.by !== "nothing" && (isShown || wish.hidden === true);
  const thinkingConfig = { ...config, ...(isSaid ? { includeThoughts: isShown } : {}) };
  return Object.keys(thinkingConfig).length === 0 ? {} : { thinkingConfig };
}
