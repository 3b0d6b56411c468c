/** What this gateway shares with others: the counters of limits, in Redis if it is given, else in PostgreSQL if that is the database. */
import type { Config } from "./config/config.ts";
import { databasePlace } from "./config/database-url.ts";
import type { Gauge } from "./gateway/limits/gauge.ts";
import type { Rule } from "./gateway/limits/rule.ts";
import { createSharedGauge } from "./gateway/limits/shared-gauge.ts";
import { createTeller } from "./gateway/limits/teller.ts";
import type { Health } from "./observe/health.ts";
import { type Log, messageOf } from "./observe/log.ts";
import type { Leases } from "./store/leases.ts";
import { openRedis, type RedisConnection } from "./store/redis/connection.ts";
import { createRedisLeases } from "./store/redis/leases.ts";

export type Sharing = {
  /** Makes gauges that count together with those of others; undefined where there are no others. */
  readonly gauge: ((rule: Rule, now: number) => Gauge) | undefined;
  /** How many share, this one included, and whether the others cannot be heard of; undefined where there are none. */
  readonly state: () => { readonly isAlone: boolean; readonly instances: number } | undefined;
  readonly redis: RedisConnection | undefined;
  close(): Promise<void>;
};

export type SharingOptions = {
  readonly log: Log;
  readonly health: Health;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** Names this process and no other. */
  readonly holder: string;
  /** The configuration in force. */
  readonly config: () => Config;
  /** Has the limiter read the books again. Rejects if they cannot be read. */
  readonly recount: () => Promise<void>;
};

/** Unused leases go back this often; an instance is taken for dead after ten times as long. */
const TURN_MS = 500;

/** Opens it and waits until the others are heard of, or cannot be: then this gateway starts alone and joins them later. */
export async function openSharing(
  { redis: url, database }: Config,
  { log, health, clock, config, holder, recount }: SharingOptions,
): Promise<Sharing> {
  const redis = url === undefined ? undefined : openRedis(url);
  const leases = redis
    ? createRedisLeases(redis, holder)
    : await openDatabase(database, holder, clock);
  if (!leases) {
    return { gauge: undefined, state: () => undefined, redis, close: () => Promise.resolve() };
  }
  const where = redis ? `redis ${redis.place}` : `database ${databasePlace(database)}`;
  let fault: string | undefined;
  const teller = createTeller({
    leases,
    instances: () => config().rateLimiting.instances,
    recount,
    clock,
    onChange(away, error) {
      fault = away
        ? `${where}: ${messageOf(error)}; each gateway keeps to its part of the limits`
        : undefined;
      if (away) log.error("shared limits", { error: fault });
      else log.warn("shared limits", { notice: `${where} answers again` });
    },
  });
  health.watch("limits", () => fault);
  await teller.turn();
  const timer = setInterval(() => void teller.turn(), TURN_MS);
  return {
    gauge: (rule, now) => createSharedGauge(rule, now, teller),
    state: () => ({ isAlone: teller.isAway, instances: teller.instances }),
    redis,
    async close() {
      clearInterval(timer);
      await teller.close();
      redis?.close();
    },
  };
}

async function openDatabase(
  database: string,
  holder: string,
  clock: () => number,
): Promise<Leases | undefined> {
  if (database.startsWith("sqlite:")) return undefined;
  // Loaded only where it is used: most gateways never talk to a server.
  const { createPostgresLeases } = await import("./store/postgres/leases.ts");
  return createPostgresLeases(database, holder, clock);
}
