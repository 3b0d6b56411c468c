import type { ReasoningEffort } from "../../hub/request.ts";

/**
 * What a model behind this dialect takes, by the family and the version in its name, whatever stands around them
 * (`claude-opus-4-7`, `anthropic/claude-sonnet-4.5`, `claude-3-5-haiku-20241022`, `claude-sonnet-4@20250514`).
 * https://platform.claude.com/docs/en/about-claude/models/overview and each model's "What's new"
 */
export type ModelTraits = {
  /** How thinking is asked for: not at all, with a budget, or with `adaptive` and an effort. */
  readonly thinking: "none" | "budget" | "adaptive";
  /** Whether `enabled` with a budget is taken, be it beside `adaptive`. */
  readonly budgets: boolean;
  /** What must be said so that it does not think: nothing, one of two words, or there is no such word. */
  readonly thinkingOff: "nothing" | "disabled" | "between_tools" | "impossible";
  /** The values of `output_config.effort`, none where the field is refused. */
  readonly efforts: readonly ReasoningEffort[];
  /** Whether temperature, top_p and top_k are taken: all, only one of temperature and top_p, or none. */
  readonly sampling: "all" | "one" | "none";
  /** `output_config.format`. */
  readonly structuredOutput: boolean;
  /** Whether a call can be forced (`tool_choice` of `any` and `tool`). */
  readonly forcedTools: boolean;
  /** Whether `role: "system"` may stand in mid-conversation. */
  readonly systemMessages: boolean;
  /** What is asked for when the caller gives no limit; within what every model of the generation can give. */
  readonly defaultMaxTokens: number;
  readonly contextTokens?: number;
};

/** 3.5 is 305, 4.10 is 410. */
const version = (major: number, minor = 0): number => major * 100 + minor;

const V3_5 = version(3, 5);
const V3_7 = version(3, 7);
const V4 = version(4);
const V4_1 = version(4, 1);
const V4_5 = version(4, 5);
const V4_6 = version(4, 6);
const V4_7 = version(4, 7);
const V4_8 = version(4, 8);
const V5 = version(5);
const V5_1 = version(5, 1);
const V5_5 = version(5, 5);

const NAMED = /claude-(?:[a-z]+-)*?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?(?!\d)/i;
const FAMILY = /opus|sonnet|haiku|fable|mythos/i;

/** Hosts that speak the dialect for models of their own take its older forms. */
const FOREIGN: ModelTraits = {
  thinking: "budget",
  budgets: true,
  thinkingOff: "disabled",
  efforts: [],
  sampling: "all",
  structuredOutput: false,
  forcedTools: true,
  systemMessages: false,
  defaultMaxTokens: 16_384,
};

/** What is known of a model by its name. A Claude without a version is taken for one of the newest. */
export function traitsOf(model: string): ModelTraits {
  if (!/claude/i.test(model)) return FOREIGN;
  const found = NAMED.exec(model);
  const generation = found
    ? version(Number(found[1]), Number(found[2] ?? 0))
    : Number.POSITIVE_INFINITY;
  const family = FAMILY.exec(model)?.[0].toLowerCase() ?? "";
  const isOpus = family === "opus";
  return {
    thinking: generation < V3_7 ? "none" : generation < V4_6 ? "budget" : "adaptive",
    budgets: generation >= V3_7 && generation < V4_7,
    thinkingOff: thinkingOffOf(family, generation),
    efforts: effortsOf(isOpus, generation),
    sampling: generation < V4_1 ? "all" : generation < V4_7 ? "one" : "none",
    structuredOutput: generation >= V4_5 || (isOpus && generation >= V4_1),
    forcedTools: !refusesForcedTools(family, generation),
    systemMessages: (isOpus && generation >= V4_8) || generation >= V5_1,
    defaultMaxTokens: generation < V3_5 ? 4096 : generation < V3_7 ? 8192 : 32_000,
    ...contextOf(family, generation),
  };
}

/** The same for a Claude whose version the name tells; undefined for all others. */
export function versionedTraitsOf(model: string): ModelTraits | undefined {
  return NAMED.test(model) ? traitsOf(model) : undefined;
}

function thinkingOffOf(family: string, generation: number): ModelTraits["thinkingOff"] {
  if (family === "fable" || family === "mythos") return "impossible";
  // Until then nothing thinks unless it is told to.
  if (generation < V5) return "nothing";
  if (generation < V5_5 || family === "haiku") return "disabled";
  return family === "sonnet" ? "between_tools" : "impossible";
}

function effortsOf(isOpus: boolean, generation: number): readonly ReasoningEffort[] {
  if (generation >= V4_7) return ["low", "medium", "high", "xhigh", "max"];
  if (generation >= V4_6) return ["low", "medium", "high", "max"];
  return isOpus && generation >= V4_5 ? ["low", "medium", "high"] : [];
}

function refusesForcedTools(family: string, generation: number): boolean {
  if (!Number.isFinite(generation)) return false;
  if (family === "fable" || family === "mythos") return generation >= V5_1;
  return (family === "opus" || family === "sonnet") && generation >= V5_5;
}

/** Of Sonnet between 4 and 4.6 a beta header decides, so that nothing certain is known. */
function contextOf(family: string, generation: number): { readonly contextTokens?: number } {
  if (generation >= V4_6) return { contextTokens: 1_000_000 };
  return family === "sonnet" && generation >= V4 ? {} : { contextTokens: 200_000 };
}
