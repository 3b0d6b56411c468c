import type { Connector, ModelInfo } from "../../connectors/connector.ts";

/** What providers say they offer, asked for when somebody wants to know and remembered for a while. */
export type Offers = {
  /** Empty when the provider has no list or does not answer. Never rejects. */
  of(provider: string): Promise<readonly ModelInfo[]>;
  /** Whether it is certain that the provider has no such model. */
  lack(provider: string, model: string): boolean;
};

const FRESH_MS = 300_000;
const STALE_RETRY_MS = 10_000;
const WAIT_MS = 10_000;

type Memory = { readonly until: number; readonly models: Promise<readonly ModelInfo[]> };

/** A list is asked for once, however many wait for it; `onError` is told when a provider gives none. */
export function createOffers(
  connectors: ReadonlyMap<string, Connector>,
  clock: () => number,
  onError: (provider: string, error: unknown) => void,
): Offers {
  const memories = new Map<string, Memory>();
  return {
    of(provider) {
      const known = memories.get(provider);
      if (known && known.until > clock()) return known.models;
      const ask = connectors.get(provider)?.models?.(AbortSignal.timeout(WAIT_MS));
      if (!ask) return Promise.resolve([]);
      const models = ask.catch(async (error: unknown) => {
        onError(provider, error);
        // An old list is better than none; the provider is asked again soon.
        const old = known ? known.models : Promise.resolve([]);
        memories.set(provider, { until: clock() + STALE_RETRY_MS, models: old });
        return await old;
      });
      memories.set(provider, { until: clock() + FRESH_MS, models });
      return models;
    },
    lack: (provider, model) => connectors.get(provider)?.has?.(model) === false,
  };
}
