import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Usage } from "../../connectors/hub/usage.ts";
import type { Config } from "../config/config.ts";
import type { Plan } from "./catalog.ts";
import { estimateInput } from "./estimate.ts";
import { costOf } from "./pricing.ts";

export type Most = {
  readonly tokens: () => number;
  /** Nano-dollars. */
  readonly costNanoUsd: () => number;
};

/**
 * The most that a request can take, for limits to reserve: its input by the gateway's own count, and the longest answer that it
 * allows, or an assumed one where it says nothing. Money is that of the dearest target with a configured price.
 */
export function mostOf(
  request: ChatRequest,
  plan: Plan,
  config: Pick<Config, "prices" | "rateLimiting">,
): Most {
  let input: number | undefined;
  const inputTokens = (): number => (input ??= estimateInput(request));
  const outputTokens = (): number =>
    (request.maxOutputTokens ?? config.rateLimiting.assumedOutputTokens) *
    (request.candidates ?? 1);
  return {
    tokens: () => inputTokens() + outputTokens(),
    costNanoUsd() {
      const { prices } = config;
      const plain: Usage = {
        inputTokens: inputTokens(),
        outputTokens: outputTokens(),
        source: "estimated",
      };
      // Writing to a provider's cache costs more than reading the input once.
      const cached: Usage = { ...plain, cacheWriteTokens: plain.inputTokens };
      let most = 0;
      for (const { provider, model } of plan.routes) {
        const cost = (usage: Usage): number => costOf(usage, prices, plan.model, provider, model);
        most = Math.max(most, cost(plain), cost(cached));
      }
      return most;
    },
  };
}
