import { ledgerVersion, planMigrations } from "./migration.ts";
import { createPostgresAnswerMethods } from "./postgres-answers.ts";
import { openPostgres } from "./postgres-connection.ts";
import { toPostgresError } from "./postgres-error.ts";
import { createPostgresKeyMethods } from "./postgres-keys.ts";
import { postgresMigrations, readPostgresLedger } from "./postgres-migrations.ts";
import { createPostgresUsageMethods } from "./postgres-usage.ts";
import { type Store, StoreError } from "./store.ts";

/** The store on a PostgreSQL server, for many gateways. The database must exist and be migrated. Throws StoreError. */
export async function createPostgresStore(url: string): Promise<Store> {
  const postgres = openPostgres(url);
  const { sql, place } = postgres;
  try {
    const database = `database postgres://${place}`;
    const ledger = await readPostgresLedger(sql);
    if (planMigrations(ledger, postgresMigrations, { database }).length > 0) {
      const version = ledgerVersion(ledger);
      const found = version === 0 ? "has no tables of xjp" : `is at migration ${version}`;
      const newest = postgresMigrations.at(-1)?.number ?? 0;
      throw new StoreError(
        `${database}: ${found}, this binary needs migration ${newest}: run \`xjp migrate\``,
        { needsSetup: true },
      );
    }
  } catch (thrown) {
    await sql.end({ timeout: 0 });
    throw toPostgresError(thrown, place);
  }
  return {
    kind: "postgres",
    ...createPostgresKeyMethods(postgres),
    ...createPostgresUsageMethods(postgres),
    ...createPostgresAnswerMethods(postgres),
    async ping() {
      try {
        await sql`select 1 from xjp_migrations limit 1`;
      } catch (thrown) {
        throw toPostgresError(thrown, place);
      }
    },
    async close() {
      await sql.end({ timeout: 1 });
    },
  };
}
