/** Connections to a PostgreSQL server, with the settings that every connection of xjp has. The only place that opens them. */
import postgres from "postgres";
import { type PostgresAddress, readPostgresAddress } from "./address.ts";
import { toPostgresError } from "./error.ts";

export type Postgres = {
  readonly sql: postgres.Sql;
  /** `host:port/database`, for messages: no login in it. */
  readonly place: string;
  readonly address: PostgresAddress;
  /** Does work on the database. Whatever it throws is thrown as a StoreError. */
  readonly run: <Result>(work: () => Promise<Result>) => Promise<Result>;
};

const IDLE_SECONDS = 60;
const LONGEST_BACKOFF_SECONDS = 1;

/** Prepares a pool of `max` connections; connects on first use. Throws StoreError for an address that cannot be read. */
export function openPostgres(url: string, max?: number): Postgres {
  const address = readPostgresAddress(url);
  const { place, isPooled } = address;
  const sql = postgres({
    host: address.host,
    port: address.port,
    ...(address.socket === undefined ? {} : { path: address.socket }),
    ...(address.user === undefined ? {} : { user: address.user }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.database === undefined ? {} : { database: address.database }),
    ssl: address.tls,
    max: max ?? address.poolMax,
    connect_timeout: address.connectMs / 1_000,
    idle_timeout: IDLE_SECONDS,
    // The library's own waits grow to twenty seconds, and a database that is back is not noticed meanwhile.
    backoff: (attempts: number) => Math.min(0.05 * 2 ** attempts, LONGEST_BACKOFF_SECONDS),
    // A statement that is prepared stays on a connection of the server, which a pooler gives to others.
    prepare: !isPooled,
    // Their texts can hold values of ours.
    onnotice: () => undefined,
    connection: {
      application_name: address.applicationName,
      // Poolers refuse the settings of a session.
      ...(isPooled ? {} : { statement_timeout: address.statementMs, TimeZone: "UTC" }),
    },
  });
  return {
    sql,
    place,
    address,
    async run(work) {
      try {
        return await work();
      } catch (thrown) {
        throw toPostgresError(thrown, place);
      }
    },
  };
}
