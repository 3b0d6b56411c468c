import type { Target } from "../../connectors/connector.ts";
import { ChatError } from "../../connectors/hub/error.ts";
import type { Config, RetryConfig, RouteConfig } from "../config/config.ts";
import { nearest } from "../config/nearest.ts";
import type { KeyRecord } from "../store/store.ts";

/** A target with what the configuration says about trying it. */
export type Route = Target & {
  /** Names the target in metrics and circuits: `provider/model`. */
  readonly id: string;
  /** Total of one attempt, in milliseconds. */
  readonly timeoutMs: number;
  readonly retry: RetryConfig;
};

export type Catalog = {
  /** Targets in the order in which to try them. Throws ChatError `not-found`, `forbidden` or `unavailable`. */
  resolve(model: string, key: KeyRecord): readonly Route[];
  /** Logical models of the configuration that the key may use. */
  list(key: KeyRecord): readonly string[];
  /** Providers whose every model is addressed as `PROVIDER/MODEL`. */
  readonly open: readonly string[];
};

/**
 * Logical models to targets. With models in the configuration only those are served (and `demo/…`, if the demo provider is
 * on); without any, `PROVIDER/MODEL` reaches every model of every provider. `random` gives [0, 1).
 */
export function createCatalog(
  config: Pick<Config, "models" | "providers" | "retry" | "timeouts">,
  random: () => number,
): Catalog {
  const open = config.providers
    .filter((provider) => config.models.length === 0 || provider.kind === "demo")
    .map((provider) => provider.name);
  const models = new Map(config.models.map((model) => [model.name, model.routes]));
  const routes = new Map<string, Route>();

  const toRoute = (route: RouteConfig): Route => ({
    id: `${route.provider}/${route.providerModelId}`,
    provider: route.provider,
    model: route.providerModelId,
    timeoutMs: route.timeoutMs ?? config.timeouts.totalMs,
    retry: route.retry,
    ...(route.region === undefined ? {} : { region: route.region }),
    ...(route.project === undefined ? {} : { project: route.project }),
  });
  const configured = new Map<RouteConfig, Route>();
  for (const model of config.models) {
    for (const route of model.routes) configured.set(route, toRoute(route));
  }

  const addressed = (model: string): Route | undefined => {
    const slash = model.indexOf("/");
    if (slash < 1 || slash === model.length - 1) return undefined;
    const provider = model.slice(0, slash).toLowerCase();
    if (!open.includes(provider)) return undefined;
    let route = routes.get(model);
    if (!route) {
      route = toRoute({ provider, providerModelId: model.slice(slash + 1), retry: config.retry });
      // Callers choose these names, so their number is bounded.
      if (routes.size < 10_000) routes.set(model, route);
    }
    return route;
  };

  return {
    open,
    resolve(model, key) {
      const list = models.get(model);
      const single = list ? undefined : addressed(model);
      if (!list && !single) throw unknownModel(model, [...models.keys()], open);
      if (!mayUse(key, model)) {
        throw new ChatError("forbidden", `this key may not use the model \`${model}\``, {
          code: "model_not_allowed",
          param: "model",
        });
      }
      if (single) return [single];
      if (!list || list.length === 0) {
        throw new ChatError("unavailable", `the model \`${model}\` has no usable route`, {
          origin: "gateway",
          code: "no_route",
        });
      }
      return order(list, random).map((route) => configured.get(route) ?? toRoute(route));
    },
    list(key) {
      return [...models.keys()].filter((model) => mayUse(key, model));
    },
  };
}

/** Whether a key's scope covers a model; a trailing `*` in the scope stands for any rest. */
export function mayUse(key: KeyRecord, model: string): boolean {
  if (key.models === null) return true;
  return key.models.some((allowed) =>
    allowed.endsWith("*") ? model.startsWith(allowed.slice(0, -1)) : model === allowed,
  );
}

/** Weighted routes in a random order that favours the heavy ones, then those without a weight as they stand. */
function order(routes: readonly RouteConfig[], random: () => number): readonly RouteConfig[] {
  if (!routes.some((route) => route.weight !== undefined)) return routes;
  // Efraimidis and Spirakis: sorting by random^(1/weight) draws without replacement in proportion to the weights.
  const weighted = routes
    .filter((route) => route.weight !== undefined && route.weight > 0)
    .map((route) => ({ route, rank: random() ** (1 / (route.weight ?? 1)) }))
    .toSorted((a, b) => b.rank - a.rank)
    .map(({ route }) => route);
  return [...weighted, ...routes.filter((route) => route.weight === undefined)];
}

function unknownModel(model: string, names: readonly string[], open: readonly string[]): ChatError {
  const close = nearest(model, names);
  const hint = close
    ? `did you mean \`${close}\`?`
    : open.length > 0
      ? `models are addressed as ${open.map((name) => `\`${name}/MODEL\``).join(", ")}`
      : "GET /v1/models lists what there is";
  return new ChatError("not-found", `the model \`${model}\` does not exist; ${hint}`, {
    code: "model_not_found",
    param: "model",
  });
}
