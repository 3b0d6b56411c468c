/**
 * What Claude's generations take, by the version in a model's name, whatever stands around it (`claude-opus-4-7`,
 * `anthropic/claude-sonnet-4.5`, `claude-3-5-haiku-20241022`, `claude-sonnet-4@20250514`). An unknown name is taken for the
 * newest generation. https://docs.anthropic.com/en/docs/about-claude/models
 */
export type ModelTraits = {
  /** How thinking is asked for: not at all, with a budget, or with `adaptive` and an effort. */
  readonly thinking: "none" | "budget" | "adaptive";
  /** Whether temperature, top_p and top_k are taken: all, only one of temperature and top_p, or none. */
  readonly sampling: "all" | "one" | "none";
  /** `output_config.format`. */
  readonly structuredOutput: boolean;
  /** `output_config.effort`. */
  readonly effort: boolean;
  /** What is asked for when the caller gives no limit; within what every model of the generation can give. */
  readonly defaultMaxTokens: number;
};

/** The generation as a number: 3.5, 4, 4.7. */
function generationOf(model: string): number {
  // Newer names put the family first (claude-opus-4-7), older ones the version (claude-3-5-haiku); a date has more digits.
  const found = /claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?/i.exec(model);
  if (!found) return Number.POSITIVE_INFINITY;
  return Number(`${found[1]}.${found[2] ?? "0"}`);
}

/** What is known of a model by its name. */
export function traitsOf(model: string): ModelTraits {
  const generation = generationOf(model);
  const isOpus = /opus/i.test(model);
  return {
    thinking: generation < 3.7 ? "none" : generation < 4.6 ? "budget" : "adaptive",
    sampling: generation < 4.1 ? "all" : generation < 4.7 ? "one" : "none",
    structuredOutput: generation >= 4.5 || (isOpus && generation >= 4.1),
    effort: generation >= 4.6 || (isOpus && generation >= 4.5),
    defaultMaxTokens: generation < 3.5 ? 4096 : generation < 4 ? 8192 : 32_000,
  };
}
