/** Writes the TOML of a gateway whose providers are fakes on loopback. */

export type ProviderText = {
  readonly kind: "openrouter" | "openai-compatible" | "anthropic" | "gemini" | "clewdr";
  /** The provider's base URL. */
  readonly url: string;
  /** A row of the known hosts, for kind `openai-compatible`. */
  readonly profile?: string;
  /** A face of Clewdr's. */
  readonly backend?: string;
};

export type RouteText = {
  readonly provider: string;
  /** The provider's own name for the model. */
  readonly model: string;
  /** Further tries on this route; none unless said. */
  readonly retries?: number;
  /** Total of one attempt, in milliseconds. */
  readonly totalMs?: number;
};

export type ConfigText = {
  readonly providers: Readonly<Record<string, ProviderText>>;
  /** Logical models and their routes in order. */
  readonly models: Readonly<Record<string, readonly RouteText[]>>;
  /** More TOML, standing first. */
  readonly more?: string;
};

/** What a fake provider is given as its key. */
export const PROVIDER_KEY = "sk-fake-provider-key";

/** TOML: circuits that never open, so that a provider may fail as often as a test likes. */
export const PATIENT = "[breaker]\nfailures = 1000000\nmin_requests = 1000000";

/** The file's text. */
export function configText(config: ConfigText): string {
  const lines = [config.more ?? ""];
  for (const [name, provider] of Object.entries(config.providers)) {
    lines.push(
      `[providers.${quote(name)}]`,
      `kind = ${quote(provider.kind)}`,
      `base_url = ${quote(provider.url)}`,
      `api_key = ${quote(PROVIDER_KEY)}`,
      ...(provider.profile === undefined ? [] : [`profile = ${quote(provider.profile)}`]),
      ...(provider.backend === undefined ? [] : [`backend = ${quote(provider.backend)}`]),
    );
  }
  for (const [name, routes] of Object.entries(config.models)) {
    for (const [index, route] of routes.entries()) {
      const table = `models.${quote(name)}.${index === 0 ? "primary" : "fallback"}`;
      // Fallbacks are an array of tables; the retry table then belongs to the last of them.
      lines.push(
        index === 0 ? `[${table}]` : `[[${table}]]`,
        `provider = ${quote(route.provider)}`,
        `provider_model_id = ${quote(route.model)}`,
        ...(route.totalMs === undefined ? [] : [`timeouts_ms = ${route.totalMs}`]),
        `[${table}.retry]`,
        `max_retries = ${route.retries ?? 0}`,
        "backoff_ms = 1",
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

// A JSON string is a TOML basic string as long as it holds no U+007F, which no name here does.
function quote(text: string): string {
  return JSON.stringify(text);
}
