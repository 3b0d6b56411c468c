import type {
  Config,
  ModelConfig,
  ProviderConfig,
  RouteConfig,
  StatedCapabilities,
} from "./config.ts";
import { toFileLimits } from "./limit-terms.ts";

/** A value as TOML and JSON can write it. */
export type Written =
  | string
  | number
  | boolean
  | readonly Written[]
  | { readonly [name: string]: Written };

export type WrittenTable = { readonly [name: string]: Written };

/** What stands in place of a secret. */
export const mask = "***";

/**
 * The resolved configuration with the names of the file, ready to be shown: keys, header values and the database's password
 * are masked. Routes are listed as they are tried.
 */
export function toFileShape(config: Config): WrittenTable {
  const { server, rateLimiting, timeouts, retry, breaker, limits, media } = config;
  return {
    server: written({
      host: server.host,
      port: server.port,
      drain_delay_ms: server.drainDelayMs,
      drain_ms: server.drainMs,
      keep_alive_ms: server.keepAliveMs,
      receive_ms: server.receiveMs,
      slow_reader_ms: server.slowReaderMs,
      admin_token: server.adminToken === undefined ? undefined : mask,
    }),
    database: { url: maskUrl(config.database) },
    redis: written({ url: config.redis === undefined ? undefined : maskRedis(config.redis) }),
    usage: {
      journal_dir: config.usage.journalDir,
      retention_days: config.usage.retentionDays,
    },
    keys: { grace_ms: config.keys.graceMs },
    log: config.log,
    rate_limiting: {
      default_rpm: rateLimiting.defaultRpm,
      burst_size: rateLimiting.burstSize,
      assumed_output_tokens: rateLimiting.assumedOutputTokens,
      instances: rateLimiting.instances,
    },
    timeouts: {
      connect_ms: timeouts.connectMs,
      headers_ms: timeouts.headersMs,
      first_event_ms: timeouts.firstEventMs,
      idle_ms: timeouts.idleMs,
      total_ms: timeouts.totalMs,
    },
    retry: {
      max_retries: retry.maxRetries,
      backoff_ms: retry.backoffMs,
      max_attempts: retry.maxAttempts,
    },
    breaker: {
      failures: breaker.failures,
      failure_rate: breaker.failureRate,
      min_requests: breaker.minRequests,
      window_ms: breaker.windowMs,
      cooldown_ms: breaker.cooldownMs,
      probes: breaker.probes,
      successes: breaker.successes,
    },
    limits: {
      max_body_bytes: limits.maxBodyBytes,
      max_depth: limits.maxDepth,
      max_messages: limits.maxMessages,
      max_parts: limits.maxParts,
      max_tools: limits.maxTools,
      max_tokens: limits.maxTokens,
    },
    media: {
      fetch_urls: media.fetchUrls,
      allow_private: media.allowPrivate,
      allow_http: media.allowHttp,
      max_bytes: media.maxBytes,
      max_total_bytes: media.maxTotalBytes,
      max_held_bytes: media.maxHeldBytes,
      timeout_ms: media.timeoutMs,
    },
    idempotency: {
      keep_ms: config.idempotency.keepMs,
      max_answer_bytes: config.idempotency.maxAnswerBytes,
      max_total_bytes: config.idempotency.maxTotalBytes,
    },
    cors: { origins: config.cors.origins },
    providers: Object.fromEntries(config.providers.map((each) => [each.name, provider(each)])),
    models: Object.fromEntries(config.models.map((each) => [each.name, model(each)])),
    tenants: Object.fromEntries(
      Object.entries(config.tenants).map(([name, { models, aliases, limits: own }]) => [
        name,
        written({ models, aliases, ...(own && toFileLimits(own)) }),
      ]),
    ),
    prices: Object.fromEntries(
      Object.entries(config.prices).map(([name, { input, output, cacheRead, cacheWrite }]) => [
        name,
        written({ input, output, cache_read: cacheRead, cache_write: cacheWrite }),
      ]),
    ),
  };
}

function provider({
  kind,
  profile,
  backend,
  baseUrl,
  google,
  apiKeys,
  headers,
}: ProviderConfig): WrittenTable {
  return written({
    kind,
    profile,
    backend,
    base_url: baseUrl,
    project: google?.project,
    region: google?.region,
    quota_project: google?.quotaProject,
    access_token: google?.accessToken === undefined ? undefined : mask,
    credentials: google?.credentials === undefined ? undefined : mask,
    buckets: google?.buckets,
    safety_settings: google?.safetySettings,
    api_key: apiKeys.length === 1 ? mask : undefined,
    api_keys: apiKeys.length > 1 ? apiKeys.map(() => mask) : undefined,
    headers:
      Object.keys(headers).length === 0
        ? undefined
        : Object.fromEntries(Object.keys(headers).map((name) => [name, mask])),
  });
}

function model({ routes, recovery, affinity, limits }: ModelConfig): WrittenTable {
  const weighted = routes.filter(({ weight }) => weight !== undefined);
  const rest = routes.filter(({ weight }) => weight === undefined);
  const ordered = rest.length === 0 ? undefined : rest.map(route);
  return written({
    recovery,
    affinity,
    limits: limits && written(toFileLimits(limits)),
    ...(weighted.length === 0
      ? { routes: ordered }
      : { routes: weighted.map(route), fallback: ordered }),
  });
}

function route(from: RouteConfig): WrittenTable {
  return written({
    provider: from.provider,
    provider_model_id: from.providerModelId,
    weight: from.weight,
    timeouts_ms: from.timeoutMs,
    retry: { max_retries: from.retry.maxRetries, backoff_ms: from.retry.backoffMs },
    capabilities: from.capabilities && capabilities(from.capabilities),
    region: from.region,
    project: from.project,
  });
}

function capabilities({ jsonSchema, contextTokens, ...same }: StatedCapabilities): WrittenTable {
  return written({ ...same, json_schema: jsonSchema, context_tokens: contextTokens });
}

/** The table without the fields that are not there. */
function written(fields: Readonly<Record<string, Written | undefined>>): WrittenTable {
  const table: Record<string, Written> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) table[name] = value;
  return table;
}

/** A database URL without its password, whether that stands before the host or among the parameters. */
export function maskUrl(database: string): string {
  if (database.startsWith("sqlite:")) return database;
  if (!/^postgres(ql)?:/.test(database) || !URL.canParse(database)) return mask;
  const url = new URL(database);
  if (url.password !== "") url.password = mask;
  for (const name of url.searchParams.keys()) {
    if (/pass|key|secret|token/i.test(name)) url.searchParams.set(name, mask);
  }
  return url.href;
}

function maskRedis(text: string): string {
  const url = new URL(text);
  if (url.password !== "") url.password = mask;
  return url.href;
}
