import { createTokenCounting } from "../../../src/server/gateway/count-tokens.ts";
import type { Connector } from "../../../src/connectors/connector.ts";
import { createBreaker } from "../../../src/server/gateway/breaker.ts";
import { createCatalog } from "../../../src/server/gateway/catalog.ts";
import { createGateway } from "../../../src/server/gateway/gateway.ts";
import { createIdempotency } from "../../../src/server/gateway/idempotency.ts";
import { createLimiter } from "../../../src/server/gateway/limits.ts";
import { createOffers } from "../../../src/server/gateway/offers.ts";
import { createAdmin } from "../../../src/server/http/admin.ts";
import { createApp } from "../../../src/server/http/app.ts";
import { createAuthenticator } from "../../../src/server/http/auth.ts";
import { createInFlight } from "../../../src/server/http/in-flight.ts";
import { createModels } from "../../../src/server/http/models.ts";
import { createLog } from "../../../src/server/observe/log.ts";
import { createMetrics } from "../../../src/server/observe/metrics.ts";
import { hashKey } from "../../../src/server/store/key.ts";
import { type KeyRecord, StoreError, type UsageRow } from "../../../src/server/store/store.ts";
import { createMemoryAnswers } from "../../support/memory-answers.ts";
import { capable } from "../../support/capable.ts";
import { BREAKER, fixedClock, keyRecord } from "../gateway/_setup.ts";
import { createVault, VAULT_LIMITS } from "../../../src/server/gateway/vault.ts";

export const KEY = `XJP_${"k".repeat(43)}`;

export type AppOptions = {
  readonly connector: Connector;
  readonly key?: Partial<KeyRecord>;
  readonly maxBodyBytes?: number;
  readonly keepAliveMs?: number;
  readonly origins?: readonly string[];
  /** Opens the admin API. */
  readonly adminToken?: string;
  readonly draining?: boolean;
  readonly faults?: Readonly<Record<string, string>>;
  /** Key storage cannot be asked; the one key is known. */
  readonly keysDown?: boolean;
  /** How long keys work without it, in milliseconds. */
  readonly graceMs?: number;
  /** Keys that appear only when the store is asked again. */
  readonly late?: readonly string[];
};

/** The whole HTTP face over one scripted provider, without a port, a database or a clock that moves. */
export function testApp(options: AppOptions) {
  const clock = fixedClock();
  const rows: UsageRow[] = [];
  /** The rows that requests would have left at the moment when they went out. */
  const begun: UsageRow[] = [];
  const lines: string[] = [];
  let seeks = 0;
  const inFlight = createInFlight();
  const log = createLog({
    level: "info",
    format: "json",
    clock,
    write: (text) => lines.push(...text.trimEnd().split("\n")),
  });
  const breaker = createBreaker({ config: () => BREAKER, clock });
  const metrics = createMetrics({
    activeConnections: () => inFlight.count,
    journalPending: () => 0,
    journalLost: () => 0,
    sharing: () => undefined,
    circuits: () => breaker.states(),
  });
  const name = options.connector.name;
  const config = {
    models: [
      {
        name: "fast",
        routes: [{ provider: name, providerModelId: "m", retry: { maxRetries: 0, backoffMs: 0 } }],
      },
    ],
    providers: [{ name, kind: "openai-compatible" as const, apiKeys: [], headers: {} }],
    retry: { maxRetries: 0, backoffMs: 0 },
    timeouts: { connectMs: 1, headersMs: 1, firstEventMs: 1, idleMs: 1, totalMs: 60_000 },
    limits: {
      maxBodyBytes: 0,
      maxDepth: 0,
      maxMessages: 5,
      maxParts: 8,
      maxTools: 3,
      maxTokens: 1000,
    },
    prices: {},
    tenants: {},
    rateLimiting: { defaultRpm: 0, burstSize: 0, assumedOutputTokens: 0, instances: 1 },
  };
  const connectors = new Map([[name, options.connector]]);
  const catalog = createCatalog(config, () => 0.5, capable);
  const gateway = createGateway({
    vault: createVault({ ...VAULT_LIMITS, clock }),
    config,
    catalog,
    connectors,
    breaker,
    metrics,
    timeouts: config.timeouts,
    clock,
    random: () => 0.5,
    limiter: createLimiter({
      config: () => config,
      clock,
      onHit: (tenant, limit) => metrics.limitHit(tenant, limit),
    }),
    begin: async (meter) => {
      begun.push(meter.draft());
    },
    record: (row) => {
      rows.push(row);
    },
    maxAttempts: 8,
    onAttempt: (provider, outcome, timer) => metrics.attempted(provider, outcome, timer),
    onMalformed: (provider) => metrics.malformed(provider),
  });
  const keys = new Map([[hashKey(KEY), keyRecord(options.key)]]);
  const keyring = {
    find: (hash: string) => keys.get(hash),
    seek: (hash: string) => {
      seeks += 1;
      if (options.keysDown) return Promise.reject(new StoreError("the store is down"));
      for (const key of options.late ?? []) keys.set(hashKey(key), keyRecord());
      return Promise.resolve(keys.get(hash));
    },
    refresh: () => Promise.resolve(true),
    touch: () => undefined,
    size: 1,
    heardAt: clock(),
    fault: undefined,
    cacheFault: undefined,
    close: () => Promise.resolve(),
  };
  const authenticator = createAuthenticator({
    keyring,
    metrics,
    clock,
    graceMs: options.graceMs ?? 0,
  });
  const app = createApp({
    gateway,
    metrics,
    log,
    inFlight,
    idempotency: createIdempotency({
      answers: createMemoryAnswers(),
      config: () => ({ keepMs: 60_000, maxAnswerBytes: 10_000, maxTotalBytes: 100_000 }),
      holder: "this",
      clock,
      onChange: () => undefined,
    }),
    maxAnswerBytes: 10_000,
    clock,
    maxBodyBytes: options.maxBodyBytes ?? 10_000,
    maxDepth: 20,
    onArrived: () => undefined,
    keepAliveMs: options.keepAliveMs ?? 15_000,
    slowReaderMs: 60_000,
    hangUp: () => undefined,
    totalMs: config.timeouts.totalMs,
    cors: { origins: options.origins ?? [] },
    authenticator,
    admin: createAdmin({ token: options.adminToken, catalog, breaker, authenticator }),
    counting: createTokenCounting({ catalog, connectors, timeouts: config.timeouts }),
    models: createModels(
      catalog,
      createOffers(connectors, clock, () => undefined),
      config,
      1,
    ),
    probed: {
      version: "0.0.0",
      draining: () => options.draining ?? false,
      faults: () => Promise.resolve(options.faults ?? {}),
      circuits: () => breaker.states(),
      warnings: [],
    },
  });
  const handleUrl = (url: string, init: RequestInit & { key?: string | null } = {}) => {
    const { key = KEY, ...rest } = init;
    const headers = new Headers(rest.headers);
    if (key !== null) headers.set("authorization", `Bearer ${key}`);
    return app.fetch(new Request(url, { ...rest, headers }));
  };
  return {
    breaker,
    rows,
    begun,
    clock,
    seeks: () => seeks,
    logged: () => {
      log.flush();
      return lines.map((line): unknown => JSON.parse(line));
    },
    metrics: () => metrics.render(),
    handleUrl,
    handle: (path: string, init: RequestInit & { key?: string | null } = {}) =>
      handleUrl(`http://localhost${path}`, init),
  };
}

/** A chat request's body. */
export function chatBody(changes: Readonly<Record<string, unknown>> = {}): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "fast",
      messages: [{ role: "user", content: "What is the tallest mountain?" }],
      ...changes,
    }),
  };
}
