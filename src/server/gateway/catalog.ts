import type { Capabilities } from "../../connectors/capabilities.ts";
import type { Target } from "../../connectors/connector.ts";
import { ChatError } from "../../connectors/hub/error.ts";
import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Config, ModelConfig, Recovery, RetryConfig, RouteConfig } from "../config/config.ts";
import { LONGEST_NAME } from "../config/names.ts";
import { nearest } from "../config/nearest.ts";
import type { KeyRecord } from "../store/store.ts";
import { type Asker, aliasesOf, aliasOf, refusalOf } from "./access.ts";
import { conversationOf, draw } from "./affinity.ts";
import { order, byWeight } from "./weights.ts";
import { type Ability, fit, hasLimits, isStatedUnable, type Needs, needsOf } from "./conditions.ts";

/** A target with what the configuration says about trying it. */
export type Route = Target & {
  /** Names the target in metrics and circuits: `provider/model`. */
  readonly id: string;
  /** Total of one attempt, in milliseconds. */
  readonly timeoutMs: number;
  readonly retry: RetryConfig;
  readonly ability: Ability;
  readonly weight?: number;
};

/** Which targets a request may go to. */
export type Plan = {
  /** The model of the configuration that the caller's name stands for. */
  readonly model: string;
  /** In the order in which to try them. */
  readonly routes: readonly Route[];
  readonly recovery: Recovery;
};

/** A plan with the routes that were left out of it, and why. */
export type ExplainedPlan = Plan & {
  readonly passedOver: readonly { readonly id: string; readonly reason: string }[];
};

export type Catalog = {
  /**
   * Where a request goes. Throws ChatError `not-found`, `forbidden`, `unavailable`, or `invalid-request` if the operator says
   * of all targets that they cannot do what it asks, or the books have no room for the model's name.
   */
  plan(request: ChatRequest, key: KeyRecord, headers: Headers): Plan;
  /** The same with the reasons. `conversation` draws among weighted routes; without it they stand by their weight. */
  explain(model: string, asker: Asker, needs?: Needs, conversation?: string): ExplainedPlan;
  /** Targets of a model, in no order that holds. Throws as `plan`. */
  resolve(model: string, key: Asker): readonly Route[];
  /** Names under which this key may ask: logical models and its tenant's aliases. */
  list(key: Asker): readonly string[];
  /** Whether this key may ask for a model, there or not. */
  allows(model: string, key: Asker): boolean;
  /** Providers whose every model is addressed as `PROVIDER/MODEL`. */
  readonly open: readonly string[];
};

export type CatalogConfig = Pick<Config, "models" | "providers" | "timeouts"> & {
  readonly retry: RetryConfig;
  readonly tenants?: Config["tenants"];
};

/** A model of the configuration, ready to be asked for. */
type Entry = {
  readonly name: string;
  readonly config: ModelConfig | undefined;
  /** Weighted ones first. */
  readonly routes: readonly Route[];
  readonly isWeighted: boolean;
  /** Whether what a request asks can change where it goes. */
  readonly isChoosy: boolean;
};

/**
 * Logical models to targets. With models in the configuration only those are served (and `demo/…`, if the demo provider is
 * on); without any, `PROVIDER/MODEL` reaches every model of every provider. `random` gives [0, 1).
 */
export function createCatalog(
  config: CatalogConfig,
  random: () => number,
  capabilities: (target: Target) => Capabilities,
): Catalog {
  const open = config.providers
    .filter((provider) => config.models.length === 0 || provider.kind === "demo")
    .map((provider) => provider.name);
  const tenants = new Map(Object.entries(config.tenants ?? {}));

  const toRoute = (route: RouteConfig): Route => {
    const target: Target = {
      provider: route.provider,
      model: route.providerModelId,
      ...(route.region === undefined ? {} : { region: route.region }),
      ...(route.project === undefined ? {} : { project: route.project }),
    };
    return {
      ...target,
      id: `${route.provider}/${route.providerModelId}`,
      timeoutMs: route.timeoutMs ?? config.timeouts.totalMs,
      retry: route.retry,
      ability: { known: capabilities(target), stated: route.capabilities ?? {} },
      ...(route.weight === undefined ? {} : { weight: route.weight }),
    };
  };
  const entries = new Map(
    config.models.map((model): [string, Entry] => {
      const routes = model.routes.map(toRoute);
      const weighted = routes.filter((route) => route.weight !== undefined && route.weight > 0);
      const ordered = routes.filter((route) => route.weight === undefined);
      return [
        model.name,
        {
          name: model.name,
          config: model,
          routes: [...weighted, ...ordered],
          isWeighted: weighted.length > 1,
          isChoosy: isChoosy(routes),
        },
      ];
    }),
  );
  const addressedEntries = new Map<string, Entry>();

  const addressed = (model: string): Entry | undefined => {
    const known = addressedEntries.get(model);
    if (known) return known;
    const slash = model.indexOf("/");
    if (slash < 1 || slash === model.length - 1) return undefined;
    const provider = model.slice(0, slash).toLowerCase();
    if (!open.includes(provider)) return undefined;
    const providerModelId = model.slice(slash + 1);
    const route = toRoute({ provider, providerModelId, retry: config.retry });
    const entry: Entry = {
      name: model,
      config: undefined,
      routes: [route],
      isWeighted: false,
      isChoosy: false,
    };
    // Callers choose these names, so their number is bounded.
    if (addressedEntries.size < 10_000) addressedEntries.set(model, entry);
    return entry;
  };

  const find = (asked: string, asker: Asker): Entry => {
    if (asked.length > LONGEST_NAME) throw tooLong(asked);
    const tenant = tenants.get(asker.tenantId);
    const name = aliasOf(asked, tenant) ?? asked;
    const entry = entries.get(name) ?? addressed(name);
    if (!entry) throw unknownModel(asked, [...entries.keys(), ...aliasesOf(tenant)], open);
    const refusal = refusalOf(asked, name, asker, tenant);
    if (refusal !== undefined) {
      throw new ChatError("forbidden", `${refusal} may not use the model \`${asked}\``, {
        code: "model_not_allowed",
        param: "model",
      });
    }
    if (entry.routes.length === 0) {
      throw new ChatError("unavailable", `the model \`${asked}\` has no usable route`, {
        origin: "gateway",
        code: "no_route",
      });
    }
    return entry;
  };

  const allows = (name: string, key: Asker): boolean => {
    const tenant = tenants.get(key.tenantId);
    return refusalOf(name, aliasOf(name, tenant) ?? name, key, tenant) === undefined;
  };
  const isSticky = (entry: Entry): boolean => entry.isWeighted && entry.config?.affinity !== false;

  return {
    open,
    plan(request, key, headers) {
      const entry = find(request.model, key);
      const { routes } = entry;
      const conversation = isSticky(entry)
        ? conversationOf(request, headers, key.tenantId)
        : undefined;
      const ordered = entry.isWeighted
        ? order(routes, (route) =>
            conversation === undefined ? random() : draw(conversation, route.id),
          )
        : routes;
      return {
        model: entry.name,
        routes: entry.isChoosy ? fit(ordered, needsOf(request), entry.name).able : ordered,
        recovery: entry.config?.recovery ?? "error",
      };
    },
    explain(model, asker, needs, conversation) {
      const entry = find(model, asker);
      const ordered =
        entry.isWeighted && conversation !== undefined && isSticky(entry)
          ? order(entry.routes, (route) => draw(`${asker.tenantId}\n${conversation}`, route.id))
          : byWeight(entry.routes);
      const { able: routes, unable } = needs
        ? fit(ordered, needs, entry.name)
        : { able: ordered, unable: [] };
      return {
        model: entry.name,
        routes,
        recovery: entry.config?.recovery ?? "error",
        passedOver: [
          ...unable.map(({ route, misfit }) => ({ id: route.id, reason: misfit.reason })),
          ...(entry.config?.leftOut ?? []).map(({ provider, providerModelId, reason }) => ({
            id: `${provider}/${providerModelId}`,
            reason,
          })),
        ],
      };
    },
    resolve: (model, key) => find(model, key).routes,
    list(key) {
      const names = new Set([...entries.keys(), ...aliasesOf(tenants.get(key.tenantId))]);
      return [...names].filter((name) => allows(name, key));
    },
    allows,
  };
}

/** Whether what a request asks can change which of the routes it takes, or whether it takes any. */
function isChoosy(routes: readonly Route[]): boolean {
  return routes.some(({ ability }) =>
    routes.length > 1 ? hasLimits(ability) : isStatedUnable(ability),
  );
}

function tooLong({ length }: string): ChatError {
  return new ChatError(
    "invalid-request",
    `\`model\` has ${length} characters; the name of a model has at most ${LONGEST_NAME}`,
    { code: "model_name_too_long", param: "model" },
  );
}

function unknownModel(model: string, names: readonly string[], open: readonly string[]): ChatError {
  const close = nearest(model, names) ?? nearestAddress(model, open);
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

/** The same model at the provider that was most likely meant. */
function nearestAddress(model: string, open: readonly string[]): string | undefined {
  const slash = model.indexOf("/");
  if (slash < 1 || slash === model.length - 1) return undefined;
  const provider = nearest(model.slice(0, slash), open);
  return provider === undefined ? undefined : provider + model.slice(slash);
}
