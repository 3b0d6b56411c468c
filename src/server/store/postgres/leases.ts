/** The shared counters in PostgreSQL: one statement for each lease, with what the functions of migration 0003 do. */
import { BEAT_MS, type Counter, INSTANCE_MS, type Leases } from "../leases.ts";
import { openPostgres } from "./connection.ts";
import { StoreError } from "../store.ts";
import { within } from "../../within.ts";

/** Leases must not wait for reports; two, so that a gift is not in the way of an ask. */
const CONNECTIONS = 2;
/** What nobody has used for its time is deleted this often, by each instance. */
const CLEAN_MS = 60_000;

/** `holder` names this instance and no other. Connects on first use. */
export function createPostgresLeases(url: string, holder: string, clock: () => number): Leases {
  const { sql: first, place, run } = openPostgres(url, CONNECTIONS);
  let sql = first;
  let cleanedAt = clock();
  /** Gives up connections on which nothing is heard any more, and whoever waits on them. */
  const abandon = async (beat: Promise<unknown>): Promise<never> => {
    const dead = sql;
    ({ sql } = openPostgres(url, CONNECTIONS));
    beat.catch(() => undefined);
    void dead.end({ timeout: 0 });
    await Promise.resolve();
    throw new StoreError(`database postgres://${place}: does not answer within ${BEAT_MS} ms`);
  };
  return {
    take: (asks) =>
      run(async () => {
        const words = asks
          .map(({ counter, least, demand, want }) => ({
            ...toJson(counter),
            capacity: counter.capacity,
            least,
            demand,
            want,
          }))
          .toSorted(byId);
        const rows = await sql`
          select id, granted, remaining, wait_ms from xjp_take_limits(${holder}, ${sql.json(words)})`;
        const told = new Map(rows.map((row) => [String(row["id"]), row]));
        return asks.map(({ counter }) => {
          const row = told.get(counter.id);
          const waitMs = Number(row?.["wait_ms"]);
          return {
            granted: Number(row?.["granted"]),
            remaining: Number(row?.["remaining"]),
            waitMs: waitMs < 0 ? Number.POSITIVE_INFINITY : waitMs,
          };
        });
      }),
    give: (gifts) =>
      run(async () => {
        if (gifts.length === 0) return;
        const words = gifts
          .map(({ counter, amount }) => ({ ...toJson(counter), amount }))
          .toSorted(byId);
        await sql`select xjp_give_limits(${holder}, ${sql.json(words)})`;
      }),
    beat: () =>
      run(async () => {
        const beat = sql`
          with known as (
            select from limit_instances where id = ${holder} and expires_at > clock_timestamp()
          ), others as (
            select count(*) as count from limit_instances where id <> ${holder} and expires_at > clock_timestamp()
          )
          insert into limit_instances (id, expires_at)
          values (${holder}, clock_timestamp() + ${INSTANCE_MS} * interval '1 millisecond')
          on conflict (id) do update set expires_at = excluded.expires_at
          returning (select count(*) from known) as known, (select count from others) as others`;
        const [row] = (await within(BEAT_MS, beat)) ?? (await abandon(beat));
        if (clock() - cleanedAt > CLEAN_MS) {
          cleanedAt = clock();
          await sql`delete from limit_counters where expires_at < clock_timestamp()`;
          await sql`delete from limit_instances where expires_at < clock_timestamp() - interval '1 hour'`;
        }
        const instances = Number(row?.["others"]) + 1;
        // A database forgets nothing.
        return { known: Number(row?.["known"]) > 0, instances, memory: "" };
      }),
    hold: (holdings) =>
      run(async () => {
        const words = holdings.map(({ counter, amount }) => ({ id: counter.id, amount }));
        await sql`
          with held as (
            select * from jsonb_to_recordset(${sql.json(words)}) as h (id text, amount integer)
          ), gone as (
            delete from limit_places p using held h where p.counter_id = h.id and p.holder = ${holder} and h.amount <= 0
          )
          insert into limit_places (counter_id, holder, amount) select id, ${holder}, amount from held where amount > 0
          on conflict (counter_id, holder) do update set amount = excluded.amount`;
      }),
    raise: (levels) =>
      run(async () => {
        const words = levels
          .map(({ counter, amount }) => ({ ...toJson(counter), amount }))
          .toSorted(byId);
        await sql`
          insert into limit_counters as c (id, level, at, expires_at)
          select id, amount, clock_timestamp(), clock_timestamp() + keep_ms * interval '1 millisecond'
          from jsonb_to_recordset(${sql.json(words)}) as l (id text, amount double precision, keep_ms double precision)
          on conflict (id) do update set level = greatest(c.level, excluded.level)`;
      }),
    leave: () =>
      run(async () => {
        await sql`delete from limit_instances where id = ${holder}`;
      }),
    async close() {
      await sql.end({ timeout: 1 });
    },
  };
}

function toJson(counter: Counter) {
  return {
    id: counter.id,
    kind: counter.kind,
    rate: counter.ratePerMs,
    keep_ms: Math.ceil(counter.keepMs),
    base: counter.base,
  };
}

function byId(one: { readonly id: string }, other: { readonly id: string }): number {
  return one.id < other.id ? -1 : 1;
}
