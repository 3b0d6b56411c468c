import type { Connector, Target, Timeouts } from "../../connectors/connector.ts";
import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Catalog } from "./catalog.ts";
import { estimateInput } from "./estimate.ts";
import type { Exchange } from "./exchange.ts";

export type TokenCount = {
  readonly tokens: number;
  /** Who counted; absent when no provider of the model counts, or none could be reached, and the figure is an estimate. */
  readonly target?: Target;
};

/** What counting needs to know of the exchange. */
export type CountExchange = Pick<Exchange, "caller" | "headers" | "requestId"> & {
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
};

export type TokenCounting = {
  /** Input tokens of a request by the count of the first of its model's providers that has one. Throws ChatError for its model. */
  count(request: ChatRequest, exchange: CountExchange): Promise<TokenCount>;
};

export type TokenCountingDeps = {
  readonly catalog: Catalog;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly timeouts: Timeouts;
};

/** Longest wait for a count: the estimate is there at once, and nobody waits long to hear how long a prompt is. */
const COUNT_MS = 10_000;

/** Counting is free at every provider and changes nothing, so it is neither limited nor booked, and an estimate beats an error. */
export function createTokenCounting(deps: TokenCountingDeps): TokenCounting {
  const timeouts: Timeouts = {
    ...deps.timeouts,
    headersMs: Math.min(deps.timeouts.headersMs, COUNT_MS),
    idleMs: Math.min(deps.timeouts.idleMs, COUNT_MS),
  };
  return {
    async count(request, exchange) {
      for (const route of deps.catalog.resolve(request.model, exchange.caller)) {
        const connector = deps.connectors.get(route.provider);
        try {
          const tokens = await connector?.countTokens?.(request, {
            target: route,
            timeouts,
            signal: exchange.signal,
            requestId: exchange.requestId,
            headers: exchange.headers,
            drop: () => undefined,
          });
          if (tokens === undefined) continue;
          return { tokens, target: route };
        } catch (error) {
          if (exchange.signal.aborted) throw error;
          // The next one may count.
        }
      }
      return { tokens: estimateInput(request) };
    },
  };
}
