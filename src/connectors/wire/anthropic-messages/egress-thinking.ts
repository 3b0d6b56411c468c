import type { JsonObject } from "../../hub/json.ts";
import type { ChatRequest, Message, ReasoningEffort } from "../../hub/request.ts";
import { isOff, isWanted, nearestEffort } from "../effort.ts";
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
const EFFORTS: readonly ReasoningEffort[] = ["low", "medium", "high", "xhigh", "max"];
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
  if (wish === undefined) return off;
  if (traits.thinking === "none") {
    if (isWanted(wish) && !isOff(wish)) drop("reasoning");
    return off;
  }
  if (wish.summary !== undefined) drop("reasoning.summary");
  if (isOff(wish)) return { ...off, body: { thinking: { type: "disabled" } } };
  if (!isWanted(wish)) return off;
  if (!mayThink(request)) {
    drop("reasoning");
    return off;
  }
  const effort =
    wish.effort === undefined || !traits.effort
      ? {}
      : { effort: nearestEffort(wish.effort, EFFORTS) };
  if (traits.thinking === "adaptive") {
    if (wish.budgetTokens !== undefined) drop("reasoning.max_tokens");
    // Newer models keep their thoughts to themselves unless asked.
    const display = wish.hidden ? "omitted" : "summarized";
    return { body: { thinking: { type: "adaptive", display } }, maxTokens, isOn: true, ...effort };
  }
  return withBudget(request, maxTokens, drop, effort);
}

/** The budget must leave room for an answer within `max_tokens`; a limit of ours grows, the caller's does not. */
function withBudget(
  { reasoning, maxOutputTokens }: ChatRequest,
  maxTokens: number,
  drop: Drop,
  effort: { readonly effort?: ReasoningEffort },
): Thinking {
  const asked = reasoning?.budgetTokens ?? budgetOf(reasoning?.effort);
  const budget = Math.max(LEAST_BUDGET, asked);
  if (reasoning?.hidden) drop("reasoning.exclude");
  if (maxOutputTokens === undefined) {
    return {
      body: { thinking: { type: "enabled", budget_tokens: budget } },
      maxTokens: Math.max(maxTokens, budget + LEAST_BUDGET),
      isOn: true,
      ...effort,
    };
  }
  const fitting = Math.min(budget, maxOutputTokens - 1);
  if (fitting < LEAST_BUDGET) {
    drop("reasoning");
    return { body: {}, maxTokens, isOn: false };
  }
  return {
    body: { thinking: { type: "enabled", budget_tokens: fitting } },
    maxTokens,
    isOn: true,
    ...effort,
  };
}

function budgetOf(effort: ReasoningEffort | undefined): number {
  return effort === undefined || effort === "none" ? BUDGETS.medium : BUDGETS[effort];
}

/**
 * Anthropic refuses thinking with a forced tool, and in the middle of a turn of tools that was begun without its own thoughts
 * (those of another provider's model, or lost on the way).
 */
function mayThink({ toolChoice, messages }: ChatRequest): boolean {
  if (toolChoice?.type === "required" || toolChoice?.type === "tool") return false;
  if (toolChoice?.type === "allowed" && toolChoice.mode === "required") return false;
  if (messages.at(-1)?.role !== "tool") return true;
  const turn = messages.findLast((message) => message.role === "assistant");
  return turn === undefined || !hasCalls(turn) || hasOwnThoughts(turn);
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
