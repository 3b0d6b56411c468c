import { parseDatabase } from "./database-url.ts";
import {
  ledgerVersion,
  type Migrating,
  type Migration,
  type MigrationName,
  planMigrations,
} from "./migration.ts";

export type MigrationResult = {
  /** What was applied, in order; with `dryRun` what would be. */
  readonly applied: readonly MigrationName[];
  /** Number of the newest migration the database has now; 0 when it has none. */
  readonly version: number;
};

export type MigrationStatus = {
  /** Every migration this binary knows, in order; `appliedAt` in Unix milliseconds, null when pending. */
  readonly migrations: readonly (MigrationName & { readonly appliedAt: number | null })[];
  /** Number of the newest migration the database has; 0 when it has none. */
  readonly version: number;
};

export type MigrateOptions = {
  /** Says what would be applied and writes nothing, not even a file. */
  readonly dryRun?: boolean | undefined;
  /** The newest migration to apply; absent applies all. */
  readonly to?: number | undefined;
};

/**
 * Applies pending migrations, creating an SQLite file where there is none. Safe with any number of starters at once. Throws
 * StoreError: for a failed statement, an altered migration, a database newer than this binary, a server that is not there.
 */
export async function migrate(
  database: string,
  options: MigrateOptions = {},
): Promise<MigrationResult> {
  const migrating = await open(database);
  const { migrations } = migrating;
  const plan = { database: migrating.name, to: options.to };
  if (options.dryRun === true) {
    const before = await migrating.ledger();
    const pending = planMigrations(before, migrations, plan);
    return { applied: pending.map(toName), version: ledgerVersion(before) };
  }
  const { applied, ledger: after } = await migrating.apply(options.to);
  return { applied: applied.map(toName), version: ledgerVersion(after) };
}

/** What is applied and what is pending. Writes nothing, creates no file. Throws StoreError, as `migrate` does. */
export async function migrationStatus(database: string): Promise<MigrationStatus> {
  const migrating = await open(database);
  const { migrations } = migrating;
  const ledger = await migrating.ledger();
  planMigrations(ledger, migrations, { database: migrating.name });
  const appliedAt = new Map(ledger.map((entry) => [entry.number, entry.appliedAt]));
  return {
    migrations: migrations.map(({ number, name }) => ({
      number,
      name,
      appliedAt: appliedAt.get(number) ?? null,
    })),
    version: ledgerVersion(ledger),
  };
}

async function open(database: string): Promise<Migrating> {
  const address = parseDatabase(database);
  if (address.kind === "sqlite") {
    const { migratingEmbedded } = await import("./embedded/migrate.ts");
    return migratingEmbedded(address.path);
  }
  const { migratingPostgres } = await import("./postgres/migrate.ts");
  return migratingPostgres(address.url);
}

function toName({ number, name }: Migration): MigrationName {
  return { number, name };
}
