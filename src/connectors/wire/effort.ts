/** Wishes about thinking, in the one scale that all dialects are measured by. */
import type { ReasoningEffort, ReasoningRequest } from "../hub/request.ts";

const SCALE: readonly ReasoningEffort[] = [
  "none",
  "minimal",
  "low",
  "medium",
  "high",
  "xhigh",
  "max",
];
/** Those that a host knows of which nothing else is said. */
export const DEFAULT_EFFORTS = SCALE.slice(0, -1);

/** Whether a word of the caller's is an effort. */
export function isEffort(word: string): word is ReasoningEffort {
  return SCALE.some((effort) => effort === word);
}

/** A budget of thinking tokens as the effort that spends about as much. */
export function effortOf(budgetTokens: number): ReasoningEffort {
  if (budgetTokens <= 0) return "none";
  if (budgetTokens <= 2048) return "low";
  return budgetTokens <= 8192 ? "medium" : "high";
}

/** The nearest effort that a host knows. Some thinking is never mapped to none at all while there is another choice. */
export function nearestEffort(
  wanted: ReasoningEffort,
  known: readonly ReasoningEffort[],
): ReasoningEffort {
  if (known.includes(wanted)) return wanted;
  const rank = SCALE.indexOf(wanted);
  const some = known.filter((effort) => effort !== "none");
  const distance = (effort: ReasoningEffort): number => Math.abs(SCALE.indexOf(effort) - rank);
  const choices = (some.length > 0 ? some : known).toSorted(
    (left, right) => distance(left) - distance(right) || SCALE.indexOf(left) - SCALE.indexOf(right),
  );
  return choices[0] ?? wanted;
}

/** Whether no thinking is wanted. */
export function isOff(wish: ReasoningRequest): boolean {
  return wish.enabled === false || wish.effort === "none" || wish.budgetTokens === 0;
}

/** Whether any thinking was asked for, beyond how it is shown. */
export function isWanted(wish: ReasoningRequest): boolean {
  return (
    wish.enabled === true ||
    wish.adaptive === true ||
    wish.effort !== undefined ||
    wish.budgetTokens !== undefined
  );
}
