/**
 * Tokens of one answer. `inputTokens` and `outputTokens` are totals; the optional counts break them down without overlap:
 * uncached input = inputTokens - cacheReadTokens - cacheWriteTokens, visible output = outputTokens - reasoningTokens.
 */
export type Usage = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Part of the input that came from the provider's prompt cache. */
  readonly cacheReadTokens?: number;
  /** Part of the input that was written into that cache (both lifetimes together). */
  readonly cacheWriteTokens?: number;
  /** Part of `cacheWriteTokens` written to live for an hour. */
  readonly cacheWrite1hTokens?: number;
  /** Part of the output spent on thinking. */
  readonly reasoningTokens?: number;
  readonly audioInputTokens?: number;
  readonly audioOutputTokens?: number;
  /** What the provider says the call cost, in billionths of a US dollar. */
  readonly costNanoUsd?: number;
  /** `estimated` when the provider reported nothing and the gateway counted for itself. */
  readonly source: "reported" | "estimated";
};
