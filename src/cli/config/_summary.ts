import type {
  Config,
  ModelConfig,
  ProviderConfig,
  RouteConfig,
} from "../../server/config/config.ts";
import { maskUrl } from "../../server/config/file-shape.ts";
import { hostAndPort } from "../_address.ts";
import { details } from "../_table.ts";
import type { Paint } from "../_terminal.ts";

/** What a good configuration amounts to, for people. */
export function summarize(config: Config, paint: Paint): string {
  const { models, providers, warnings, file } = config;
  const routes = models.reduce((sum, model) => sum + model.routes.length, 0);
  const dim = (name: string): string => paint("dim", name);
  const block = (title: string, pairs: readonly (readonly [string, string])[]): readonly string[] =>
    pairs.length === 0 ? [] : ["", paint("bold", title), details(pairs, dim)];
  return [
    `${paint("green", "ok")} ${file ?? "no configuration file: environment, flags and defaults"}`,
    ...block("Summary", [
      ["models", models.length === 0 ? openModels(providers) : String(models.length)],
      ["routes", String(routes)],
      ["providers", String(providers.length)],
      ["database", maskUrl(config.database)],
      ["listens on", hostAndPort(config.server)],
      ["warnings", String(warnings.length)],
    ]),
    ...block(
      "Models",
      models.map((model) => [model.name, routesOf(model)]),
    ),
    ...block(
      "Providers",
      providers.map((provider) => [provider.name, describe(provider)]),
    ),
    ...(warnings.length === 0 ? [] : ["", paint("bold", "Warnings")]),
    ...warnings.map((warning) => `  ${warning}`),
  ].join("\n");
}

/** The same for programs. */
export function summaryJson(config: Config): unknown {
  return {
    ok: true,
    file: config.file ?? null,
    database: maskUrl(config.database),
    models: config.models.map(({ name, routes }) => ({
      name,
      routes: routes.map(({ provider, providerModelId, weight }) => ({
        provider,
        model: providerModelId,
        weight: weight ?? null,
      })),
    })),
    providers: config.providers.map(({ name, kind, profile, baseUrl, apiKeys }) => ({
      name,
      kind,
      profile: profile ?? null,
      baseUrl: baseUrl ?? null,
      keys: apiKeys.length,
    })),
    warnings: config.warnings,
  };
}

function openModels(providers: readonly ProviderConfig[]): string {
  if (providers.length === 0) return "none";
  return `none named; addressed as ${providers.map(({ name }) => `${name}/MODEL`).join(", ")}`;
}

/** `a (weight 3) or b (weight 1), then c`: weighted routes share the first place. */
function routesOf({ routes }: ModelConfig): string {
  if (routes.length === 0) return "no usable route";
  const weighted = routes
    .filter(({ weight }) => weight !== undefined)
    .map((route) => `${target(route)} (weight ${route.weight})`);
  const ordered = routes.filter(({ weight }) => weight === undefined).map(target);
  return [...(weighted.length > 0 ? [weighted.join(" or ")] : []), ...ordered].join(", then ");
}

function target({ provider, providerModelId }: RouteConfig): string {
  return `${provider}/${providerModelId}`;
}

function describe(provider: ProviderConfig): string {
  const { kind, profile, baseUrl } = provider;
  return [profile === undefined ? kind : `${kind} (${profile})`, baseUrl, wayIn(provider)]
    .filter((part) => part !== undefined)
    .join(", ");
}

function wayIn({ kind, apiKeys, google }: ProviderConfig): string {
  if (apiKeys.length > 0) return `${apiKeys.length} key${apiKeys.length === 1 ? "" : "s"}`;
  if (google?.accessToken !== undefined) return "an access token";
  if (google?.credentials !== undefined) return "a credentials file";
  return kind === "vertex" ? "credentials of this machine" : "no key";
}
