import type { Usage } from "../../connectors/hub/usage.ts";
import type { PriceConfig } from "../config/config.ts";

/** Nano-dollars in a dollar, per million tokens: a price of $1 a million is 1,000 nano-dollars a token. */
const NANO_PER_TOKEN_AT_ONE_DOLLAR = 1000;

/**
 * What an answer cost, in whole billionths of a US dollar: the provider's own figure if it states one, else the configured
 * price of the logical model, of `provider/model` or of the provider's model, else 0.
 */
export function costOf(
  usage: Usage,
  prices: Readonly<Record<string, PriceConfig>>,
  logicalModel: string,
  provider: string,
  providerModel: string,
): number {
  if (usage.costNanoUsd !== undefined) return usage.costNanoUsd;
  if (isEmpty(prices)) return 0;
  const price =
    own(prices, logicalModel) ??
    own(prices, `${provider}/${providerModel}`) ??
    own(prices, providerModel);
  if (!price) return 0;
  const cacheRead = usage.cacheReadTokens ?? 0;
  const cacheWrite = usage.cacheWriteTokens ?? 0;
  const plain = Math.max(0, usage.inputTokens - cacheRead - cacheWrite);
  const dollarsPerMillion =
    plain * price.input +
    cacheRead * (price.cacheRead ?? price.input) +
    cacheWrite * (price.cacheWrite ?? price.input) +
    usage.outputTokens * price.output;
  return Math.round(dollarsPerMillion * NANO_PER_TOKEN_AT_ONE_DOLLAR);
}

function isEmpty(record: Readonly<Record<string, unknown>>): boolean {
  for (const _ in record) return false;
  return true;
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
