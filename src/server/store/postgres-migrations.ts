import type postgres from "postgres";
import keysAndUsage from "../../../sql/postgres/0001_keys_and_usage.sql" with { type: "text" };
import usageByDay from "../../../sql/postgres/0002_usage_by_day.sql" with { type: "text" };
import {
  checksum,
  CREATE_LEDGER,
  type LedgerEntry,
  type Migration,
  migrationFailure,
  planMigrations,
  type SqlPiece,
  splitStatements,
} from "./migration.ts";
import type { Postgres } from "./postgres-connection.ts";

/** Every migration of the PostgreSQL store, in order. The texts are part of the binary. */
export const postgresMigrations: readonly Migration[] = [
  { number: 1, name: "0001_keys_and_usage", text: keysAndUsage },
  { number: 2, name: "0002_usage_by_day", text: usageByDay },
];

/** The lock that one starter holds while it migrates; the other numbers of this class are in the SQL. */
const LOCK = [7022, 0] as const;
/** Marks a statement that PostgreSQL runs only by itself. */
const CONCURRENTLY = /^(?:create|drop)\s+(?:unique\s+)?index\s+concurrently\b/i;

type Runner = postgres.Sql | postgres.TransactionSql;

/** What the database says was applied, in order; nothing for a database without a ledger. Throws PostgreSQL's own errors. */
export async function readPostgresLedger(sql: Runner): Promise<readonly LedgerEntry[]> {
  const [table] = await sql`select to_regclass('xjp_migrations') as name`;
  if (table?.["name"] === null) return [];
  const rows = await sql`
    select number, name, checksum, applied_at from xjp_migrations order by number`;
  return rows.map((row) => ({
    number: Number(row["number"]),
    name: String(row["name"]),
    checksum: String(row["checksum"]),
    appliedAt: Date.parse(String(row["applied_at"])),
  }));
}

/**
 * Applies what is pending, one transaction each. A migration enters the ledger before it runs, under a lock of the whole
 * database, so two starters cannot both run it: the second waits, then finds it there. Indexes that are built concurrently
 * follow after the transaction; they must be `if not exists`, and a start that finds the migration applied tries them again.
 * Throws StoreError.
 */
export async function applyPostgresMigrations(
  { sql, place }: Postgres,
  migrations: readonly Migration[],
  to?: number,
): Promise<readonly Migration[]> {
  const database = `database postgres://${place}`;
  const plan = { database, to };
  const applied: Migration[] = [];
  for (;;) {
    // Looked at first without the lock: most starts have nothing to do.
    const pending = planMigrations(await readPostgresLedger(sql), migrations, plan);
    if (pending.length === 0) return applied;
    const next = await sql.begin(async (transaction) => {
      await transaction`set local statement_timeout = 0`;
      await transaction`select pg_advisory_xact_lock(${LOCK[0]}, ${LOCK[1]})`;
      await transaction.unsafe(CREATE_LEDGER);
      const [first] = planMigrations(await readPostgresLedger(transaction), migrations, plan);
      if (first === undefined) return undefined;
      await transaction`
        insert into xjp_migrations (number, name, checksum, applied_at)
        values (${first.number}, ${first.name}, ${checksum(first.text)}, ${new Date().toISOString()})`;
      for (const piece of splitStatements(first.text)) {
        if (!CONCURRENTLY.test(piece.sql)) await runPiece(transaction, first, piece, database);
      }
      return first;
    });
    if (next === undefined) continue;
    await buildConcurrently(sql, next, database);
    applied.push(next);
  }
}

async function buildConcurrently(
  sql: postgres.Sql,
  migration: Migration,
  database: string,
): Promise<void> {
  for (const piece of splitStatements(migration.text)) {
    if (CONCURRENTLY.test(piece.sql)) await runPiece(sql, migration, piece, database);
  }
}

async function runPiece(
  sql: Runner,
  migration: Migration,
  piece: SqlPiece,
  database: string,
): Promise<void> {
  try {
    await sql.unsafe(piece.sql);
  } catch (thrown) {
    throw migrationFailure(migration, piece, thrown, database);
  }
}
