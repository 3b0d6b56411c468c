/**
 * The composition root: configuration -> store -> connectors -> gateway -> doors -> listen -> drain -> close. The only file
 * that knows concrete stores and connectors.
 */
import { createConnector } from "../connectors/index.ts";
import { ChatError } from "../connectors/hub/error.ts";
import type { Config } from "./config/config.ts";
import { createBreaker } from "./gateway/breaker.ts";
import { createCatalog } from "./gateway/catalog.ts";
import { createGateway } from "./gateway/gateway.ts";
import { createLimiter, startOfDay, startOfMonth } from "./gateway/limits.ts";
import { createOffers } from "./gateway/offers.ts";
import { createApp } from "./http/app.ts";
import { createAuthenticator } from "./http/auth.ts";
import { createInFlight } from "./http/in-flight.ts";
import { createModels } from "./http/models.ts";
import { type Log, createLog, redact } from "./observe/log.ts";
import { type Metrics, createMetrics } from "./observe/metrics.ts";
import { type Journal, openJournal } from "./store/journal.ts";
import { openKeyring } from "./store/keyring.ts";
import { migrate } from "./store/migrate.ts";
import { openStore } from "./store/open.ts";
import type { Store } from "./store/store.ts";

/** How often keys made, changed or revoked by other processes are looked for; a revoked key works no longer than this. */
const KEY_POLL_MS = 400;
const JOURNAL_FLUSH_MS = 250;
/** Room for the answers' last bytes to leave the sockets after the last stream has ended. */
const CLOSE_MS = 1000;

export type ServeOptions = {
  readonly version: string;
};

export type RunningServer = {
  /** `http://host:port`, the port as it came to be. */
  readonly url: string;
  readonly log: Log;
  /** Stops accepting, lets answers finish (bounded by `server.drainMs`), closes everything. Answers how many were cut off. */
  stop(): Promise<number>;
};

/** Starts the gateway. Throws StoreError when storage cannot be opened, and Error when the address is taken. */
export async function serve(config: Config, options: ServeOptions): Promise<RunningServer> {
  const clock = Date.now;
  const log = createLog({
    ...config.log,
    clock,
    write: (text) => process.stderr.write(text),
  });
  for (const warning of config.warnings) log.warn("config", { warning });

  if (config.database.startsWith("sqlite:")) await migrate(config.database);
  const store = await openStore(config.database);
  const journal = await openJournal({
    directory: journalDirectory(config.database),
    store,
    flushMs: JOURNAL_FLUSH_MS,
    onError: (error) => log.error("usage journal", { error: messageOf(error) }),
  });
  const keyring = await openKeyring(store, {
    pollMs: KEY_POLL_MS,
    onError: (error) => log.error("key storage", { error: messageOf(error) }),
  });

  const inFlight = createInFlight();
  const breaker = createBreaker({ ...config.breaker, clock });
  const metrics: Metrics = createMetrics({
    activeConnections: () => inFlight.count,
    journalPending: () => journal.pending,
    journalLost: () => journal.lost,
    circuits: () => breaker.states(),
  });
  const limiter = createLimiter({
    ...config.rateLimiting,
    clock,
    onHit: (tenantId, limit) => metrics.limitHit(tenantId, limit),
  });
  const now = clock();
  limiter.restore(
    await store.usageTotals(startOfDay(now)),
    await store.usageTotals(startOfMonth(now)),
  );

  const connectors = new Map(
    config.providers.map((provider) => [provider.name, createConnector(provider)]),
  );
  const catalog = createCatalog(config, Math.random);
  const gateway = createGateway({
    config,
    catalog,
    connectors,
    breaker,
    limiter,
    metrics,
    timeouts: config.timeouts,
    clock,
    random: Math.random,
    record: (row) => journal.keep(row),
    onAttempt: (provider, outcome) => metrics.attempted(provider, outcome),
    onMalformed: (provider) => metrics.malformed(provider),
  });
  const offers = createOffers(connectors, clock, (provider, error) =>
    log.warn("model list", { provider, error: messageOf(error) }),
  );

  let draining = false;
  const app = createApp({
    gateway,
    metrics,
    log,
    inFlight,
    clock,
    maxBodyBytes: config.limits.maxBodyBytes,
    keepAliveMs: config.server.keepAliveMs,
    totalMs: config.timeouts.totalMs,
    cors: config.cors,
    authenticator: createAuthenticator({ keyring, metrics, clock }),
    models: createModels(catalog, offers, config, Math.floor(now / 1000)),
    health: {
      version: options.version,
      draining: () => draining,
      storeFault: () => faultOf(store),
      circuits: () => breaker.states(),
      warnings: config.warnings,
    },
  });

  const server = Bun.serve({
    hostname: config.server.host,
    port: config.server.port,
    // Streams may be silent for longer than any fixed time; keep-alives and the gateway's own timers watch them.
    idleTimeout: 0,
    // The doors keep the limit, and answer in their dialect; Bun would answer 413 without a word.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: app.compile().fetch,
  });
  log.info("listening", { url: server.url.origin, version: options.version });

  return {
    url: server.url.origin,
    log,
    async stop() {
      draining = true;
      log.info("draining", { in_flight: inFlight.count });
      const stopped = server.stop(false);
      await within(config.server.drainMs, inFlight.idle());
      const cut = inFlight.cutAll(
        new ChatError("unavailable", "the gateway is shutting down", {
          origin: "gateway",
          code: "shutting_down",
        }),
      );
      if (cut > 0) await within(CLOSE_MS, inFlight.idle());
      await within(CLOSE_MS, stopped);
      await server.stop(true);
      await close(journal, keyring, store);
      for (const connector of connectors.values()) connector.close();
      log.info("stopped", { cut });
      log.flush();
      return cut;
    },
  };
}

async function close(journal: Journal, keyring: { close(): Promise<void> }, store: Store) {
  await journal.close();
  await keyring.close();
  await store.close();
}

/** Beside the database, so that a volume that keeps one keeps both. */
function journalDirectory(database: string): string {
  const path = database.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "");
  return `${path}.usage`;
}

async function faultOf(store: Store): Promise<string | undefined> {
  try {
    await store.ping();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return redact(error instanceof Error ? error.message : String(error));
}

/** Waits for the promise, but no longer than `ms`. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, limit]);
  clearTimeout(timer);
}
