import { assertMigrated } from "./migration.ts";
import { createPostgresAnswerMethods } from "./postgres/answers.ts";
import { openPostgres } from "./postgres/connection.ts";
import { createPostgresKeyMethods } from "./postgres/keys.ts";
import { postgresMigrations, readPostgresLedger } from "./postgres/migrations.ts";
import { createPostgresUsageMethods } from "./postgres/usage.ts";
import type { Store } from "./store.ts";

/** The store on a PostgreSQL server, for many gateways. The database must exist and be migrated. Throws StoreError. */
export async function createPostgresStore(url: string): Promise<Store> {
  const postgres = openPostgres(url);
  const { sql, place, run } = postgres;
  const checkSchema = async (): Promise<void> => {
    const ledger = await readPostgresLedger(sql);
    assertMigrated(ledger, postgresMigrations, `database postgres://${place}`);
  };
  try {
    await run(checkSchema);
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
  return {
    kind: "postgres",
    ...createPostgresKeyMethods(postgres),
    ...createPostgresUsageMethods(postgres),
    ...createPostgresAnswerMethods(postgres),
    ping: () =>
      run(async () => {
        const [row] = await sql`select count(*)::integer as known from xjp_migrations
          where number between 1 and ${postgresMigrations.length}`;
        // One that a newer xjp has migrated meanwhile goes on: it has all that this one needs.
        if (row?.["known"] !== postgresMigrations.length) await checkSchema();
      }),
    async close() {
      await sql.end({ timeout: 1 });
    },
  };
}
