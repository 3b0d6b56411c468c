import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Usage } from "../../connectors/hub/usage.ts";
import type { Config } from "../config/config.ts";
import type { KeyRecord } from "../store/store.ts";
import type { Plan } from "./catalog.ts";
import { estimateInput } from "./estimate.ts";
import type { Entrant } from "./limits.ts";
import { costOf } from "./pricing.ts";

type OwnEntrant = Entrant & {
  readonly request: ChatRequest;
  readonly plan: Plan;
  readonly config: Pick<Config, "prices" | "rateLimiting">;
  input: number | undefined;
};

/**
 * Who asks, and the most that the request can take, for limits to reserve: its input by the gateway's own count, and the longest
 * answer that it allows, or an assumed one where it says nothing. Money is that of the dearest target with a configured price.
 */
export function entrantOf(
  request: ChatRequest,
  key: KeyRecord,
  plan: Plan,
  config: Pick<Config, "prices" | "rateLimiting">,
): Entrant {
  const entrant: OwnEntrant = {
    key,
    model: plan.model,
    request,
    plan,
    config,
    input: undefined,
    tokens,
    costNanoUsd,
  };
  return entrant;
}

function tokens(this: OwnEntrant): number {
  return inputTokens(this) + outputTokens(this);
}

function costNanoUsd(this: OwnEntrant): number {
  const { prices } = this.config;
  const plain: Usage = {
    inputTokens: inputTokens(this),
    outputTokens: outputTokens(this),
    source: "estimated",
  };
  // Writing to a provider's cache costs more than reading the input once.
  const cached: Usage = { ...plain, cacheWriteTokens: plain.inputTokens };
  let most = 0;
  for (const { provider, model } of this.plan.routes) {
    const cost = (usage: Usage): number => costOf(usage, prices, this.model, provider, model);
    most = Math.max(most, cost(plain), cost(cached));
  }
  return most;
}

function inputTokens(entrant: OwnEntrant): number {
  return (entrant.input ??= estimateInput(entrant.request));
}

function outputTokens({ request, config }: OwnEntrant): number {
  const each = request.maxOutputTokens ?? config.rateLimiting.assumedOutputTokens;
  return each * (request.candidates ?? 1);
}
