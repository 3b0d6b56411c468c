/**
 * What numbered migrations are, whichever database they run on: files that only go forward, listed in a ledger table, each with
 * the checksum of the text that ran. How a database locks and runs them is its own affair.
 */
import { StoreError } from "./store.ts";
import { wordsOf } from "../words.ts";

/** One numbered file of `sql/`: `name` is the file's name without `.sql`, e.g. `0001_keys_and_usage`. */
export type MigrationName = { readonly number: number; readonly name: string };

export type Migration = MigrationName & { readonly text: string };

/** One row of the table `xjp_migrations`. */
export type LedgerEntry = MigrationName & {
  readonly checksum: string;
  /** Unix milliseconds. */
  readonly appliedAt: number;
};

/** What migrating asks of a kind of database. */
export type Migrating = {
  /** For messages: `database PATH`. */
  readonly name: string;
  readonly migrations: readonly Migration[];
  /** Writes nothing, creates nothing; empty for a database that is not there. */
  ledger(): Promise<readonly LedgerEntry[]>;
  /** Creates what is missing and applies what is pending, and answers what that was and the ledger after it. */
  apply(to: number | undefined): Promise<Applied>;
};

type Applied = {
  readonly applied: readonly Migration[];
  readonly ledger: readonly LedgerEntry[];
};

export type SqlPiece = {
  /** Where in the file it starts, from 1. */
  readonly line: number;
  readonly sql: string;
};

/** The table's own statement, the same words for every database. */
export const CREATE_LEDGER = `create table if not exists xjp_migrations (
  number integer primary key not null,
  name text not null,
  checksum text not null,
  applied_at text not null
)`;

/** SHA-256 of the text, the same whatever line endings a checkout gave it. */
export function checksum(text: string): string {
  return Bun.CryptoHasher.hash("sha256", text.replaceAll("\r\n", "\n"), "hex");
}

/** Cuts a file into statements: each ends with a semicolon before a blank line or the end. Bodies of triggers have no blank lines. */
export function splitStatements(text: string): readonly SqlPiece[] {
  const pieces: SqlPiece[] = [];
  let line = 1;
  for (const piece of text.replaceAll("\r\n", "\n").split(/(?<=;[ \t]*)\n(?=[ \t]*(?:\n|$))/)) {
    const lines = piece.split("\n");
    // Comments before a statement are not where it fails.
    const first = lines.findIndex((one) => !/^\s*(?:--|$)/.test(one));
    if (first >= 0) pieces.push({ line: line + first, sql: lines.slice(first).join("\n").trim() });
    line += lines.length;
  }
  return pieces;
}

/**
 * True for a file whose first line is `-- outside a transaction`: what PostgreSQL builds without stopping writers, it builds only
 * there. Each of its statements must be one that may run again, since what runs so can be broken off in its middle.
 */
export function isOutsideTransaction(text: string): boolean {
  return /^-- outside a transaction\b/.test(text);
}

/**
 * The migrations still to run, in order, up to `to`. Throws StoreError when the ledger is not a beginning of what this binary
 * knows: an applied file was altered, the database is newer, or `to` would lead back.
 */
export function planMigrations(
  ledger: readonly LedgerEntry[],
  migrations: readonly Migration[],
  options: { readonly database: string; readonly to?: number | undefined },
): readonly Migration[] {
  const { database } = options;
  const version = ledgerVersion(ledger);
  const newest = migrations.at(-1)?.number ?? 0;
  const to = options.to ?? newest;
  if (version > newest) {
    throw new StoreError(
      `${database} is at migration ${version}, this binary knows them up to ${newest}: use the xjp that made it, or a newer one`,
      { needsSetup: true },
    );
  }
  if (to > newest || to < 0 || !Number.isInteger(to)) {
    throw new StoreError(`there is no migration ${to}: this binary knows 1 to ${newest}`, {
      needsSetup: true,
    });
  }
  if (to < version) {
    throw new StoreError(
      `${database} is at migration ${version}: migrations only go forward; to go back to ${to}, restore a copy`,
      { needsSetup: true },
    );
  }
  const entries = new Map(ledger.map((entry) => [entry.number, entry]));
  for (const migration of migrations.filter(({ number }) => number <= version)) {
    const entry = entries.get(migration.number);
    if (entry === undefined) {
      throw new StoreError(
        `${database} is at migration ${version}, but migration ${migration.number} is missing: restore a copy`,
        { needsSetup: true },
      );
    }
    if (entry.checksum !== checksum(migration.text)) {
      throw new StoreError(
        `${database}: migration ${entry.name} was applied with another text than this binary holds: use the xjp that applied it`,
        { needsSetup: true },
      );
    }
  }
  return migrations.filter((migration) => migration.number > version && migration.number <= to);
}

/** Throws StoreError when the ledger lacks migrations of this binary, or is not the beginning that `planMigrations` wants. */
export function assertMigrated(
  ledger: readonly LedgerEntry[],
  migrations: readonly Migration[],
  database: string,
): void {
  if (planMigrations(ledger, migrations, { database }).length === 0) return;
  const version = ledgerVersion(ledger);
  const found = version === 0 ? "has no tables of xjp" : `is at migration ${version}`;
  const newest = migrations.at(-1)?.number ?? 0;
  throw new StoreError(
    `${database}: ${found}, this binary needs migration ${newest}: run \`xjp migrate\``,
    { needsSetup: true },
  );
}

/** A row of the ledger, whichever database it was read from. */
export function toLedgerEntry(row: Readonly<Record<string, unknown>>): LedgerEntry {
  return {
    number: Number(row["number"]),
    name: String(row["name"]),
    checksum: String(row["checksum"]),
    appliedAt: Date.parse(String(row["applied_at"])),
  };
}

/** Number of the newest applied migration; 0 when there is none. */
export function ledgerVersion(ledger: readonly LedgerEntry[]): number {
  return ledger.reduce((newest, entry) => Math.max(newest, entry.number), 0);
}

/** What to throw when a statement of a migration failed: names the file, the line, the statement and the database's words. */
export function migrationFailure(
  migration: Migration,
  piece: SqlPiece,
  thrown: unknown,
  database: string,
  kept = "nothing of it was kept",
): StoreError {
  const statement = piece.sql
    .replace(/^--.*$/gm, "")
    .replace(/\s+/g, " ")
    .trim();
  const shown = statement.length > 60 ? `${statement.slice(0, 60)}…` : statement;
  const said = wordsOf(thrown);
  return new StoreError(
    `${database}: migration ${migration.name}.sql, line ${piece.line}, failed at "${shown}": ${said}; ${kept}`,
    { cause: thrown },
  );
}
