import type { Migrating } from "../migration.ts";
import { openPostgres, type Postgres } from "./connection.ts";
import { readPostgresAddress } from "./address.ts";
import { applyPostgresMigrations, postgresMigrations, readPostgresLedger } from "./migrations.ts";

/** Migrating the database at a `postgres://` URL, which must exist. */
export function migratingPostgres(url: string): Migrating {
  const once = async <Result>(work: (postgres: Postgres) => Promise<Result>): Promise<Result> => {
    const postgres = openPostgres(url, 1);
    try {
      return await postgres.run(() => work(postgres));
    } finally {
      await postgres.sql.end({ timeout: 1 });
    }
  };
  return {
    name: `database postgres://${readPostgresAddress(url).place}`,
    migrations: postgresMigrations,
    ledger: () => once(({ sql }) => readPostgresLedger(sql)),
    apply: (to) =>
      once(async (postgres) => ({
        applied: await applyPostgresMigrations(postgres, postgresMigrations, to),
        ledger: await readPostgresLedger(postgres.sql),
      })),
  };
}
