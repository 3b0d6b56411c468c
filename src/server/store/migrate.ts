import { existsSync } from "node:fs";
import { parseDatabase, postgresUnsupported } from "./database-url.ts";
import { applyMigrations, embeddedMigrations, readLedger } from "./embedded-migrations.ts";
import {
  type LedgerEntry,
  ledgerVersion,
  type Migration,
  type MigrationName,
  planMigrations,
} from "./migration.ts";
import { openSqlite, patiently } from "./sqlite.ts";

export type { MigrationName } from "./migration.ts";

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
 * Applies pending migrations, creating the database where there is none. Safe with any number of starters at once. Throws
 * StoreError: for a failed statement, an altered migration, a database newer than this binary.
 */
export async function migrate(
  database: string,
  options: MigrateOptions = {},
): Promise<MigrationResult> {
  const path = sqlitePath(database);
  const plan = { database: `database ${path}`, to: options.to };
  if (options.dryRun === true) {
    const ledger = await peek(path);
    const pending = planMigrations(ledger, embeddedMigrations, plan);
    return { applied: pending.map(toName), version: ledgerVersion(ledger) };
  }
  // Asks for the impossible are refused before a file is made for them.
  if (!existsSync(path)) planMigrations([], embeddedMigrations, plan);
  const sqlite = openSqlite(path, "create");
  try {
    const applied = await applyMigrations(sqlite, embeddedMigrations, options.to);
    return { applied: applied.map(toName), version: ledgerVersion(readLedger(sqlite)) };
  } finally {
    sqlite.close();
  }
}

/** What is applied and what is pending. Writes nothing, creates no file. Throws StoreError, as `migrate` does. */
export async function migrationStatus(database: string): Promise<MigrationStatus> {
  const path = sqlitePath(database);
  const ledger = await peek(path);
  planMigrations(ledger, embeddedMigrations, { database: `database ${path}` });
  const appliedAt = new Map(ledger.map((entry) => [entry.number, entry.appliedAt]));
  return {
    migrations: embeddedMigrations.map(({ number, name }) => ({
      number,
      name,
      appliedAt: appliedAt.get(number) ?? null,
    })),
    version: ledgerVersion(ledger),
  };
}

function sqlitePath(database: string): string {
  const address = parseDatabase(database);
  if (address.kind === "postgres") throw postgresUnsupported();
  return address.path;
}

async function peek(path: string): Promise<readonly LedgerEntry[]> {
  if (!existsSync(path)) return [];
  const sqlite = openSqlite(path, "read");
  try {
    return await patiently(sqlite, () => readLedger(sqlite));
  } finally {
    sqlite.close();
  }
}

function toName(migration: Migration): MigrationName {
  return { number: migration.number, name: migration.name };
}
