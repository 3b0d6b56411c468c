import type { Breaker, CircuitState } from "./breaker.ts";
import type { Catalog, Route } from "./catalog.ts";
import type { Asker } from "./access.ts";
import { contextOf, type Need, type Needs } from "./conditions.ts";

/** Which targets a request would go to, in which order, and why not to the others. */
export type Explanation = {
  /** As it was asked for. */
  readonly model: string;
  /** The model of the configuration that this stands for. */
  readonly standsFor: string;
  readonly recovery: string;
  readonly targets: readonly ExplainedTarget[];
  readonly passedOver: readonly { readonly target: string; readonly reason: string }[];
};

export type ExplainedTarget = {
  /** From 1. */
  readonly order: number;
  /** `provider/model`. */
  readonly target: string;
  /** How many of the requests it gets first, from 0 to 1, among those that share the first place by weight; null for others. */
  readonly share: number | null;
  readonly circuit: CircuitState;
  /** Most tokens of input and output, where that is known. */
  readonly contextTokens: number | null;
};

export type Question = {
  readonly model: string;
  readonly asker: Asker;
  /** What the request asks of a target. */
  readonly needs: readonly Need[];
  /** Tokens of input and output. */
  readonly tokens: number | undefined;
  /** The conversation's name, where a weighted route is to be chosen by it. */
  readonly session: string | undefined;
};

/** Throws ChatError as a request for the model would. Without a breaker nothing is known of circuits. */
export function explain(
  catalog: Catalog,
  breaker: Breaker | undefined,
  { model, asker, needs, tokens, session }: Question,
): Explanation {
  const plan = catalog.explain(model, asker, toNeeds(needs, tokens ?? 0), session);
  const resting: { target: string; reason: string }[] = [];
  const routes = plan.routes.filter((route) => {
    const rest = breaker?.look(route.id);
    if (rest === undefined || rest.state === "half-open") return true;
    const seconds = Math.ceil(rest.waitMs / 1000);
    const reason =
      rest.state === "open"
        ? `its circuit is open for another ${seconds} s`
        : `it was asked too often and rests for another ${seconds} s`;
    resting.push({ target: route.id, reason });
    return false;
  });
  const states = breaker?.states();
  const weights = session === undefined ? sumOfWeights(routes) : 0;
  return {
    model,
    standsFor: plan.model,
    recovery: plan.recovery,
    targets: routes.map((route, index) => ({
      order: index + 1,
      target: route.id,
      share: route.weight === undefined || weights === 0 ? null : route.weight / weights,
      circuit: states?.get(route.id) ?? "closed",
      contextTokens: contextOf(route.ability) ?? null,
    })),
    passedOver: [...resting, ...plan.passedOver.map(({ id, reason }) => ({ target: id, reason }))],
  };
}

function sumOfWeights(routes: readonly Route[]): number {
  return routes.reduce((sum, { weight }) => sum + (weight ?? 0), 0);
}

function toNeeds(needs: readonly Need[], tokens: number): Needs {
  return { features: new Set(needs), tokens: () => tokens, mostTokens: tokens };
}
