/**
 * The composition root: configuration -> store -> connectors -> gateway -> doors -> listen -> drain -> close. With
 * `storage.ts`, `sharing.ts` and `generation.ts`, the only file that knows concrete stores and connectors.
 */
import { ChatError } from "../connectors/hub/error.ts";
import { createMediaRoom } from "../connectors/net/media-room.ts";
import type { Config } from "./config/config.ts";
import { ConfigError, showFault } from "./config/faults.ts";
import { watchConfig } from "./config/reload.ts";
import { createBreaker } from "./gateway/breaker.ts";
import { createIdempotency } from "./gateway/idempotency.ts";
import { createLimiter, type Limiter } from "./gateway/limits.ts";
import { startOfMonth } from "./gateway/limits/rule.ts";
import { startOfDay } from "./store/usage-span.ts";
import { createGeneration, type Generation, type House } from "./generation.ts";
import { createVault, VAULT_LIMITS } from "./gateway/vault.ts";
import { createAuthenticator } from "./http/auth.ts";
import { createInFlight } from "./http/in-flight.ts";
import { createHealth } from "./observe/health.ts";
import { type Log, createLog, messageOf } from "./observe/log.ts";
import { type Metrics, createMetrics } from "./observe/metrics.ts";
import { warnOfUnreachable } from "./reachability.ts";
import { openSharing } from "./sharing.ts";
import { openStorage } from "./storage.ts";
import { createRedisAnswers } from "./store/redis/answers.ts";
import type { Store } from "./store/store.ts";
import { within } from "./within.ts";

/** Room for the answers' last bytes to leave the sockets after the last stream has ended. */
const CLOSE_MS = 1000;

/** What holds of idempotency while its answers cannot be kept. */
const UNKEPT =
  "requests run, and only those that come to this process meanwhile share their answer";

export type ServeOptions = {
  readonly version: string;
  /** Reads the configuration anew. Throws ConfigError with every fault. Without it there is no reload. */
  readonly reload?: () => Promise<Config>;
  /** Told when a reload begins and ends and when the end begins, for a service manager. */
  readonly onState?: (state: ServerState) => void;
};

export type ServerState = "ready" | "reloading" | "stopping";

export type RunningServer = {
  /** `http://host:port`, the port as it came to be. */
  readonly url: string;
  readonly log: Log;
  /** Reads the configuration anew and lives by it, or logs what is wrong with it and goes on as before. */
  reload(): Promise<void>;
  /** Stops accepting, lets answers finish (bounded by `server.drainMs`), closes everything. Answers how many were cut off. */
  stop(): Promise<number>;
};

/** Starts the gateway. Throws StoreError when storage cannot be opened, and Error when the address is taken. */
export async function serve(initial: Config, options: ServeOptions): Promise<RunningServer> {
  const clock = Date.now;
  const startedAt = clock();
  let config = initial;
  const log = createLog({
    get level() {
      return config.log.level;
    },
    get format() {
      return config.log.format;
    },
    clock,
    write: (text) => process.stderr.write(text),
  });
  for (const warning of config.warnings) log.warn("config", { warning });

  const health = createHealth();
  const storage = await openStorage(config, { log, health, clock });
  const { store, keyring, journal } = storage;

  // Not the process id: containers all have the same.
  const holder = crypto.randomUUID();
  const sharing = await openSharing(config, {
    log,
    health,
    clock,
    holder,
    config: () => config,
    recount: () => readTotals(limiter, store, clock()),
  });

  const inFlight = createInFlight();
  const breaker = createBreaker({ config: () => config.breaker, clock });
  const metrics: Metrics = createMetrics({
    activeConnections: () => inFlight.count,
    journalPending: () => journal.pending,
    journalLost: () => journal.lost,
    circuits: () => breaker.states(),
    faults: () => health.faults(),
    sharing: sharing.state,
  });
  const limiter: Limiter = createLimiter({
    config: () => config,
    clock,
    onHit: (tenantId, limit) => metrics.limitHit(tenantId, limit),
    ...(sharing.gauge ? { shared: sharing.gauge } : {}),
  });
  await restoreLimits(limiter, store, clock, log);
  storage.onRecovered(async () => {
    if (!(await restoreLimits(limiter, store, clock, log))) return;
    log.info("limits", { notice: "what keys have used today and this month is known again" });
  });

  const idempotency = createIdempotency({
    answers: sharing.redis ? createRedisAnswers(sharing.redis, clock) : store,
    config: () => config.idempotency,
    holder,
    clock,
    onChange(away, error) {
      if (away) log.error("idempotency", { error: messageOf(error), notice: UNKEPT });
      else log.warn("idempotency", { notice: "answers are kept again" });
    },
  });

  let draining = false;
  const house: House = {
    log,
    metrics,
    inFlight,
    breaker,
    limiter,
    idempotency,
    setPatience: (request, seconds) => server.timeout(request, seconds),
    vault: createVault({ ...VAULT_LIMITS, clock }),
    mediaRoom: createMediaRoom(),
    clock,
    startedAt,
    authenticator: createAuthenticator({
      keyring,
      metrics,
      get graceMs() {
        return config.keys.graceMs;
      },
      clock,
    }),
    begin: (meter) => journal.begin(meter),
    record: (row, meter) => journal.keep(row, meter),
    probed: {
      version: options.version,
      draining: () => draining,
      faults: () => health.faults(),
      circuits: () => breaker.states(),
    },
  };
  let generation: Generation = createGeneration(config, house);

  const server = Bun.serve({
    hostname: config.server.host,
    port: config.server.port,
    // For requests to arrive, in seconds. From then on keep-alives and the gateway's own timers watch over them.
    idleTimeout: Math.ceil(config.server.receiveMs / 1000),
    // The doors keep the limit, and answer in their dialect; Bun would answer 413 without a word.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: generation.fetch,
  });
  log.info("listening", { url: server.url.origin, version: options.version });
  void warnOfUnreachable(generation.connectors.values(), log);

  const apply = (next: Config): void => {
    for (const change of fixedAtStart(config, next)) {
      log.warn("config", { warning: `${change} has changed: restart to have it` });
    }
    const heir = createGeneration(next, house, generation);
    server.reload({ fetch: heir.fetch });
    const before = new Set(generation.connectors.values());
    const added = [...heir.connectors.values()].filter((connector) => !before.has(connector));
    void warnOfUnreachable(added, log);
    generation.retire(heir);
    generation = heir;
    config = next;
    for (const warning of config.warnings) log.warn("config", { warning });
    log.info("configuration reloaded", { file: config.file });
  };
  const reload = createReload(options, log, apply, () => config);
  const watch =
    config.file !== undefined && options.reload
      ? watchConfig(config.file, () => void reload(true))
      : undefined;

  return {
    url: server.url.origin,
    log,
    reload: () => reload(false),
    async stop() {
      watch?.close();
      draining = true;
      options.onState?.("stopping");
      log.info("draining", { in_flight: inFlight.count });
      // The probe fails while requests are still welcome, so that a load balancer looks elsewhere before anybody is refused.
      await Bun.sleep(config.server.drainDelayMs);
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
      await idempotency.close();
      await sharing.close();
      await storage.close();
      generation.retire();
      log.info("stopped", { cut });
      log.flush();
      return cut;
    },
  };
}

/** One reload at a time; a call during one makes another after it. A `quiet` one says nothing if nothing has changed. */
function createReload(
  { reload, onState }: ServeOptions,
  log: Log,
  apply: (next: Config) => void,
  current: () => Config,
): (quiet: boolean) => Promise<void> {
  const once = async (quiet: boolean): Promise<void> => {
    if (!reload) return;
    onState?.("reloading");
    try {
      const next = await reload();
      const { file } = current();
      // Which file counts is settled at the start; falling back to another one would be a surprise.
      if (next.file !== file)
        throw new Error(
          `${file ?? "no file"} was read at the start and ${next.file ?? "none"} is found now`,
        );
      if (!quiet || !Bun.deepEquals(next, current())) apply(next);
    } catch (error) {
      const faults =
        error instanceof ConfigError ? error.faults.map(showFault) : [messageOf(error)];
      for (const fault of faults) log.error("config", { fault });
      log.error("configuration refused; the one in force stays", { faults: faults.length });
    } finally {
      onState?.("ready");
    }
  };
  let last = Promise.resolve();
  return (quiet) => {
    last = last.then(() => once(quiet));
    return last;
  };
}

/** Names of the settings that only a start takes up and that differ. */
function fixedAtStart(before: Config, after: Config): readonly string[] {
  const changed: string[] = [];
  if (before.server.host !== after.server.host) changed.push("server.host");
  if (before.server.port !== after.server.port) changed.push("server.port");
  if (before.server.receiveMs !== after.server.receiveMs) changed.push("server.receive_ms");
  if (before.database !== after.database) changed.push("database");
  if (before.redis !== after.redis) changed.push("redis.url");
  if (before.usage.journalDir !== after.usage.journalDir) changed.push("usage.journal_dir");
  if (before.usage.retentionDays !== after.usage.retentionDays)
    changed.push("usage.retention_days");
  return changed;
}

/** Tells the limiter what was used of this day and month. Rejects when the books cannot be read. */
async function readTotals(limiter: Limiter, store: Store, now: number): Promise<void> {
  limiter.restore(
    await store.usageTotals(startOfDay(now)),
    await store.usageTotals(startOfMonth(now)),
  );
}

/** The same; false when the database cannot be asked. */
async function restoreLimits(
  limiter: Limiter,
  store: Store,
  clock: () => number,
  log: Log,
): Promise<boolean> {
  try {
    await readTotals(limiter, store, clock());
    return true;
  } catch (thrown) {
    log.warn("limits", {
      notice:
        "what keys have used today and this month is counted from zero until the database is back",
      error: messageOf(thrown),
    });
    return false;
  }
}
