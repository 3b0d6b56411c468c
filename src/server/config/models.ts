import type {
  LeftOutRoute,
  ModelConfig,
  RetryConfig,
  RouteConfig,
  StatedCapabilities,
} from "./config.ts";
import { limitsOf } from "./limit-terms.ts";
import { type Path, showPath } from "./path.ts";
import type { Providers } from "./providers.ts";
import type { FileModel, FileRoute } from "./schema-parts.ts";

/** The models with those of their routes that can be used, and a warning for each one that cannot. */
export type Models = {
  readonly models: readonly ModelConfig[];
  readonly warnings: readonly string[];
  /** Names of the providers that routes lead to, usable or not. */
  readonly routed: ReadonlySet<string>;
};

/** Resolves the models of a file that the checks have let pass. */
export function resolveModels(
  tables: Readonly<Record<string, FileModel>>,
  providers: Providers,
  retry: RetryConfig,
): Models {
  const warnings: string[] = [];
  const routed = new Set<string>();
  const models = Object.entries(tables).map(([name, table]): ModelConfig => {
    const routes: RouteConfig[] = [];
    const leftOut: LeftOutRoute[] = [];
    for (const [path, route] of routesOf(table)) {
      const provider = route.provider.toLowerCase();
      const state = providers.state(provider);
      routed.add(provider);
      if (state.usable) {
        routes.push(toRoute(route, provider, retry));
      } else {
        const where = showPath(["models", name, ...path]);
        warnings.push(`${where} is left out, because of its provider ${provider}: ${state.reason}`);
        const reason = `its provider cannot be used: ${state.reason}`;
        leftOut.push({ provider, providerModelId: route.provider_model_id, reason });
      }
    }
    if (routes.length === 0) {
      const where = showPath(["models", name]);
      warnings.push(`${where} has no usable route: requests for it are answered with 503`);
    }
    for (const { provider, provider_model_id: providerModelId, weight } of table.routes ?? []) {
      if (weight !== 0) continue;
      leftOut.push({
        provider: provider.toLowerCase(),
        providerModelId,
        reason: "its weight is 0",
      });
    }
    return toModel(name, table, routes, leftOut);
  });
  return { models, warnings, routed };
}

/** The routes in the order in which they are tried, with their places in the model's table. */
function routesOf({
  primary,
  routes,
  fallback,
}: FileModel): readonly (readonly [Path, FileRoute])[] {
  const list: (readonly [Path, FileRoute])[] = [];
  if (primary) list.push([["primary"], primary]);
  for (const [index, route] of (routes ?? []).entries()) {
    if (route.weight !== 0) list.push([["routes", index], route]);
  }
  if (Array.isArray(fallback)) {
    for (const [index, route] of fallback.entries()) list.push([["fallback", index], route]);
  } else if (fallback) {
    list.push([["fallback"], fallback]);
  }
  return list;
}

function toModel(
  name: string,
  { recovery, affinity, limits }: FileModel,
  routes: readonly RouteConfig[],
  leftOut: readonly LeftOutRoute[],
): ModelConfig {
  return {
    name,
    routes,
    ...(leftOut.length === 0 ? {} : { leftOut }),
    ...(recovery === undefined ? {} : { recovery }),
    ...(affinity === undefined ? {} : { affinity }),
    ...limitsOf(limits),
  };
}

function toRoute(route: FileRoute, provider: string, retry: RetryConfig): RouteConfig {
  return {
    provider,
    providerModelId: route.provider_model_id,
    ...(route.timeouts_ms === undefined ? {} : { timeoutMs: route.timeouts_ms }),
    retry: {
      maxRetries: route.retry?.max_retries ?? retry.maxRetries,
      backoffMs: route.retry?.backoff_ms ?? retry.backoffMs,
    },
    ...(route.weight === undefined ? {} : { weight: route.weight }),
    ...(route.capabilities === undefined ? {} : { capabilities: stated(route.capabilities) }),
    ...(route.region === undefined ? {} : { region: route.region }),
    ...(route.project === undefined ? {} : { project: route.project }),
  };
}

function stated({
  json_schema,
  context_tokens,
  ...same
}: NonNullable<FileRoute["capabilities"]>): StatedCapabilities {
  return {
    ...same,
    ...(json_schema === undefined ? {} : { jsonSchema: json_schema }),
    ...(context_tokens === undefined ? {} : { contextTokens: context_tokens }),
  };
}
