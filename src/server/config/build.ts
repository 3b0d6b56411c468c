import { resolve } from "node:path";
import type { Config, ProviderConfig } from "./config.ts";
import { defaultDatabase, defaultJournal, type Place, readDatabaseUrl } from "./database-url.ts";
import { knownProviders } from "./known-providers.ts";
import { limitsOf } from "./limit-terms.ts";
import { resolveModels } from "./models.ts";
import { showKey } from "./path.ts";
import { type Providers, variablesSet } from "./providers.ts";
import { expandHome } from "./references.ts";
import type { FileConfig } from "./schema.ts";

export type BuildInput = Place & {
  /** Absolute path of the file, if there is one. */
  readonly file: string | undefined;
  readonly demo: boolean;
  readonly providers: Providers;
};

/** The configuration of a file, with its defaults and overrides in it, that all checks have let pass. */
export function buildConfig(from: FileConfig, input: BuildInput): Config {
  const { file, demo, providers, cwd, env } = input;
  const retry = { maxRetries: from.retry.max_retries, backoffMs: from.retry.backoff_ms };
  const { models, warnings, routed } = resolveModels(from.models, providers, retry);
  const isOpen = models.length === 0;
  const wanted = new Set([
    ...providers.declared,
    ...(isOpen ? providers.inEnvironment : routed),
    ...(demo ? ["demo"] : []),
  ]);
  const usable = usableProviders(wanted, providers);
  const database = databaseOf(from, { cwd, env });
  return {
    file,
    warnings: [
      ...providers.warnings,
      ...warnings,
      ...leftOut(
        [...wanted].filter((name) => !routed.has(name)),
        providers,
        env,
      ),
      ...(isOpen && usable.length === 0 ? [nothingToServe] : []),
    ],
    server: {
      host: from.server.host,
      port: from.server.port,
      drainDelayMs: from.server.drain_delay_ms,
      drainMs: from.server.drain_ms,
      keepAliveMs: from.server.keep_alive_ms,
      receiveMs: from.server.receive_ms,
      slowReaderMs: from.server.slow_reader_ms,
      ...(from.server.admin_token === undefined ? {} : { adminToken: from.server.admin_token }),
    },
    database,
    ...(from.redis.url === undefined ? {} : { redis: from.redis.url }),
    usage: {
      journalDir:
        from.usage.journal_dir === undefined
          ? defaultJournal(database, env)
          : resolve(cwd, expandHome(from.usage.journal_dir, env)),
      retentionDays: from.usage.retention_days,
    },
    keys: { graceMs: from.keys.grace_ms },
    log: from.log,
    providers: usable,
    models,
    tenants: Object.fromEntries(
      Object.entries(from.tenants).map(([name, { models: only, aliases, ...limits }]) => [
        name,
        {
          ...(only === undefined ? {} : { models: only }),
          ...(aliases === undefined ? {} : { aliases }),
          ...limitsOf(limits),
        },
      ]),
    ),
    rateLimiting: {
      defaultRpm: from.rate_limiting.default_rpm,
      burstSize: from.rate_limiting.burst_size,
      assumedOutputTokens: from.rate_limiting.assumed_output_tokens,
      instances: from.rate_limiting.instances,
    },
    timeouts: {
      connectMs: from.timeouts.connect_ms,
      headersMs: from.timeouts.headers_ms,
      firstEventMs: from.timeouts.first_event_ms,
      idleMs: from.timeouts.idle_ms,
      totalMs: from.timeouts.total_ms,
    },
    retry: { ...retry, maxAttempts: from.retry.max_attempts },
    breaker: {
      failures: from.breaker.failures,
      failureRate: from.breaker.failure_rate,
      minRequests: from.breaker.min_requests,
      windowMs: from.breaker.window_ms,
      cooldownMs: from.breaker.cooldown_ms,
      probes: from.breaker.probes,
      successes: from.breaker.successes,
    },
    limits: {
      maxBodyBytes: from.limits.max_body_bytes,
      maxDepth: from.limits.max_depth,
      maxMessages: from.limits.max_messages,
      maxParts: from.limits.max_parts,
      maxTools: from.limits.max_tools,
      maxTokens: from.limits.max_tokens,
    },
    media: {
      fetchUrls: from.media.fetch_urls,
      allowPrivate: from.media.allow_private,
      allowHttp: from.media.allow_http,
      maxBytes: from.media.max_bytes,
      maxTotalBytes: from.media.max_total_bytes,
      maxHeldBytes: from.media.max_held_bytes,
      timeoutMs: from.media.timeout_ms,
    },
    idempotency: {
      keepMs: from.idempotency.keep_ms,
      maxAnswerBytes: from.idempotency.max_answer_bytes,
      maxTotalBytes: from.idempotency.max_total_bytes,
    },
    cors: from.cors,
    prices: Object.fromEntries(
      Object.entries(from.prices).map(([name, { cache_read, cache_write, ...price }]) => [
        name,
        {
          ...price,
          ...(cache_read === undefined ? {} : { cacheRead: cache_read }),
          ...(cache_write === undefined ? {} : { cacheWrite: cache_write }),
        },
      ]),
    ),
  };
}

const nothingToServe =
  "no provider is configured: set OPENROUTER_API_KEY or another provider's key, write a configuration file, or try xjp serve --demo";

function usableProviders(names: Iterable<string>, providers: Providers): readonly ProviderConfig[] {
  return [...names].flatMap((name) => {
    const state = providers.state(name);
    return state.usable ? [state.provider] : [];
  });
}

/** A warning for each provider that somebody configured and that cannot be used; those of routes are told with the route. */
function leftOut(
  names: readonly string[],
  providers: Providers,
  env: Place["env"],
): readonly string[] {
  return names.flatMap((name) => {
    const state = providers.state(name);
    if (state.usable) return [];
    const known = knownProviders.find((each) => each.name === name);
    const variables = known ? variablesSet(known, env) : [];
    const who = providers.declared.includes(name)
      ? `providers.${showKey(name)} is left out`
      : `${variables.join(" and ")} in the environment: provider ${name} is left out`;
    return [`${who}: ${state.reason}`];
  });
}

function databaseOf({ database }: FileConfig, place: Place): string {
  if (database === undefined) return defaultDatabase(place.env);
  const read = readDatabaseUrl(typeof database === "string" ? database : database.url, place);
  if ("problem" in read) throw new Error(`database: ${read.problem}`);
  return read.url;
}
