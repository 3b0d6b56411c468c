/** Connections to a PostgreSQL server, with the settings that every connection of xjp has. The only place that opens them. */
import postgres from "postgres";

export type Postgres = {
  readonly sql: postgres.Sql;
  /** `host:port/database`, for messages: no login in it. */
  readonly place: string;
};

/** Connections of one process, unless `pool_max` in the URL says otherwise; a server of default settings has a hundred in all. */
const POOL_MAX = 10;
const CONNECT_SECONDS = 5;
const IDLE_SECONDS = 60;
const LONGEST_BACKOFF_SECONDS = 1;
/** No statement of ours takes this long, not even a report over millions of rows; migrations set their own limit. */
const STATEMENT_MS = 60_000;

/** Parameters of the URL that are ours and not the server's. */
const OWN = ["pool_max", "pgbouncer"] as const;

/**
 * Prepares a pool; connects on first use. `pgbouncer=true` in the URL leaves prepared statements and session settings out, as a
 * pooler between transactions demands; `sslmode` is as in libpq. Throws Error for a URL that cannot be read.
 */
export function openPostgres(url: string, max?: number): Postgres {
  const parsed = new URL(url);
  const own = Object.fromEntries(OWN.map((name) => [name, parsed.searchParams.get(name)]));
  for (const name of OWN) parsed.searchParams.delete(name);
  const pooled = own["pgbouncer"] === "true";
  const place = `${parsed.hostname}:${parsed.port || "5432"}${parsed.pathname}`;
  const sql = postgres(parsed.href, {
    max: max ?? (Number(own["pool_max"]) || POOL_MAX),
    connect_timeout: CONNECT_SECONDS,
    idle_timeout: IDLE_SECONDS,
    // The library's own waits grow to twenty seconds, and a database that is back is not noticed meanwhile.
    backoff: (attempts: number) => Math.min(0.05 * 2 ** attempts, LONGEST_BACKOFF_SECONDS),
    prepare: !pooled,
    // Their texts can hold values of ours.
    onnotice: () => undefined,
    connection: {
      application_name: "xjp",
      ...(pooled ? {} : { statement_timeout: STATEMENT_MS, TimeZone: "UTC" }),
    },
  });
  return { sql, place };
}
