import type { JsonObject } from "../../hub/json.ts";
import type { ChatRequest, Message, ReasoningEffort } from "../../hub/request.ts";
import { effortOf, isOff, isWanted, nearestEffort } from "../effort.ts";
import type { Drop } from "../writing.ts";
import { isOwn } from "./foreign.ts";
import type { ModelTraits } from "./models.ts";

/** What is sent about thinking, and what follows from it for the rest of the request. */
export type Thinking = {
  readonly body: JsonObject;
  readonly maxTokens: number;
  /** Whether the model will think, which excludes some other fields. */
  readonly isOn: boolean;
  /** For `output_config`. */
  readonly effort?: ReasoningEffort;
};

/** The least that Anthropic takes. */
const LEAST_BUDGET = 1024;
/** What is left for the answer where the caller sets a budget and no limit. */
const LEAST_ANSWER = 4096;
const MOST_OF_ANSWER = 0.8;
/** Budgets that spend about what an effort means. */
const BUDGETS: Readonly<Record<Exclude<ReasoningEffort, "none">, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 24_576,
  max: 32_000,
};

/** How the caller's wish about thinking is said to a model of these traits. */
export function encodeThinking(request: ChatRequest, traits: ModelTraits, drop: Drop): Thinking {
  const wish = request.reasoning;
  const maxTokens = request.maxOutputTokens ?? traits.defaultMaxTokens;
  const off: Thinking = { body: {}, maxTokens, isOn: false };
  if (traits.thinking === "none") {
    if (wish !== undefined && isWanted(wish) && !isOff(wish)) drop("reasoning");
    return off;
  }
  if (wish !== undefined && isOff(wish)) {
    if (traits.thinkingOff === "impossible") drop("reasoning");
    return { ...off, body: turnedOff(traits) };
  }
  if (wish === undefined || !isWanted(wish)) return off;
  if (wish.summary !== undefined) drop("reasoning.summary");
  const wanted = wish.effort ?? effortFor(wish.budgetTokens, traits);
  const effort =
    wanted === undefined || traits.efforts.length === 0
      ? {}
      : { effort: nearestEffort(wanted, traits.efforts) };
  if (traits.thinking === "adaptive") {
    // Newer models keep their thoughts to themselves unless asked.
    const display = wish.hidden ? "omitted" : "summarized";
    return { body: { thinking: { type: "adaptive", display } }, maxTokens, isOn: true, ...effort };
  }
  if (isForced(request) || isLeftWithoutThoughts(request)) {
    drop("reasoning");
    return off;
  }
  return withBudget(request, maxTokens, drop, effort);
}

function turnedOff({ thinkingOff }: ModelTraits): JsonObject {
  if (thinkingOff === "nothing" || thinkingOff === "impossible") return {};
  return { thinking: { type: thinkingOff } };
}

/** An effort in the place of a budget, where budgets are no longer taken. */
function effortFor(budget: number | undefined, traits: ModelTraits): ReasoningEffort | undefined {
  return budget === undefined || traits.thinking !== "adaptive" ? undefined : effortOf(budget);
}

/**
 * The budget must leave room for an answer within `max_tokens`: what the caller asks for by number leaves what it leaves, an effort
 * leaves a fifth. A limit of ours grows, the caller's does not.
 */
function withBudget(
  { reasoning, maxOutputTokens }: ChatRequest,
  defaultMaxTokens: number,
  drop: Drop,
  effort: { readonly effort?: ReasoningEffort },
): Thinking {
  if (reasoning?.hidden) drop("reasoning.exclude");
  const asked = reasoning?.budgetTokens;
  const maxTokens =
    maxOutputTokens ?? Math.max(defaultMaxTokens, asked === undefined ? 0 : asked + LEAST_ANSWER);
  const budget =
    asked === undefined
      ? Math.min(budgetOf(reasoning?.effort), Math.floor(maxTokens * MOST_OF_ANSWER))
      : Math.min(Math.max(LEAST_BUDGET, asked), maxTokens - 1);
  if (budget < LEAST_BUDGET) {
    drop("reasoning");
    return { body: {}, maxTokens, isOn: false };
  }
  return {
    body: { thinking: { type: "enabled", budget_tokens: budget } },
    maxTokens,
    isOn: true,
    ...effort,
  };
}

function budgetOf(effort: ReasoningEffort | undefined): number {
  return effort === undefined || effort === "none" ? BUDGETS.medium : BUDGETS[effort];
}

/** With a budget, Anthropic refuses a forced call. */
function isForced({ toolChoice }: ChatRequest): boolean {
  if (toolChoice?.type === "allowed") return toolChoice.mode === "required";
  return toolChoice?.type === "required" || toolChoice?.type === "tool";
}

/**
 * With a budget, a turn of tools must go on as it was begun: one that was begun without Anthropic's own thoughts (they are another
 * model's, or were lost on the way) is refused.
 */
export function isLeftWithoutThoughts({ messages }: ChatRequest): boolean {
  if (messages.at(-1)?.role !== "tool") return false;
  const turn = messages.findLast((message) => message.role === "assistant");
  return turn !== undefined && hasCalls(turn) && !hasOwnThoughts(turn);
}

function hasCalls(message: Message): boolean {
  return message.parts.some((part) => part.type === "tool-call");
}

function hasOwnThoughts(message: Message): boolean {
  return message.parts.some(
    (part) =>
      part.type === "reasoning" &&
      isOwn(part) &&
      (part.signature !== undefined || part.data !== undefined),
  );
}
