import { StoreError } from "./store.ts";

/** One numbered file of `sql/`: `name` is the file's name without `.sql`, e.g. `0001_keys_and_usage`. */
export type MigrationName = { readonly number: number; readonly name: string };

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

/** Applies pending migrations, all or up to `to`. Safe with many starters at once. Throws StoreError. */
export async function migrate(
  database: string,
  options: { readonly dryRun?: boolean; readonly to?: number } = {},
): Promise<MigrationResult> {
  throw new StoreError(`cannot migrate ${database} ${JSON.stringify(options)}`);
}

/** What is applied and what is pending. Writes nothing, creates no file. Throws StoreError. */
export async function migrationStatus(database: string): Promise<MigrationStatus> {
  throw new StoreError(`cannot migrate ${database}`);
}
