/**
 * What follows from a model's name. Facts from https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thinking and
 * https://ai.google.dev/gemini-api/docs/openai (the table of efforts), read in November 2026.
 */
import type { ReasoningEffort } from "../../hub/request.ts";

/** How a model is told how much to think: not at all, by a number of tokens (2.5), by a word (3 and later). */
export type Thinking =
  | { readonly by: "nothing" }
  | {
      readonly by: "budget";
      readonly least: number;
      readonly most: number;
      readonly canStop: boolean;
    }
  | { readonly by: "level"; readonly levels: readonly ReasoningEffort[] };

export type GeminiTraits = {
  readonly thinking: Thinking;
  /** Whether a function call without its signature is refused. */
  readonly signsCalls: boolean;
  /** Whether an answer can be JSON by a schema while tools are offered. */
  readonly jsonWithTools: boolean;
  /** Whether a function's response may hold images and documents. */
  readonly mediaInResults: boolean;
  readonly schemas: "json" | "openapi";
};

const PRO_LEVELS = ["low", "high"] as const;
const LEVELS = ["low", "medium", "high"] as const;
const FLASH_LEVELS = ["minimal", ...LEVELS] as const;

const PRO_BUDGET = { by: "budget", least: 128, most: 32_768, canStop: false } as const;
const FLASH_BUDGET = { by: "budget", least: 1, most: 24_576, canStop: true } as const;
const LITE_BUDGET = { by: "budget", least: 512, most: 24_576, canStop: true } as const;

function thinkingOf(version: number, name: string): Thinking {
  const isPro = name.includes("-pro");
  if (version >= 3) {
    if (isPro && version === 3) return { by: "level", levels: PRO_LEVELS };
    // Flash models from 3.7 on have no `minimal` any more.
    return { by: "level", levels: !isPro && version < 3.7 ? FLASH_LEVELS : LEVELS };
  }
  if (version < 2.5) return { by: "nothing" };
  if (isPro) return PRO_BUDGET;
  return name.includes("-lite") ? LITE_BUDGET : FLASH_BUDGET;
}

/**
 * The traits of a model by its name, with or without `publishers/google/models/` before it. A tuned model, which is a number, is
 * taken for a descendant of 2.5, the last family that can be tuned; an alias such as `gemini-flash-latest` for the newest.
 */
export function traitsOf(model: string): GeminiTraits {
  const name = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  const number = /^gemini-(\d+(?:\.\d+)?)/.exec(name)?.[1];
  const version = number === undefined ? (name.startsWith("gemini-") ? 3.7 : 2.5) : Number(number);
  const isThree = version >= 3;
  return {
    thinking: thinkingOf(version, name),
    signsCalls: isThree,
    jsonWithTools: isThree,
    mediaInResults: isThree,
    schemas: version < 2 ? "openapi" : "json",
  };
}
