import keysAndUsage from "../../../../sql/embedded/0001_keys_and_usage.sql" with { type: "text" };
import usageByDay from "../../../../sql/embedded/0002_usage_by_day.sql" with { type: "text" };
import limitsAndAnswers from "../../../../sql/embedded/0003_limits_and_answers.sql" with { type: "text" };
import {
  checksum,
  CREATE_LEDGER,
  type LedgerEntry,
  type Migration,
  migrationFailure,
  planMigrations,
  splitStatements,
  toLedgerEntry,
} from "../migration.ts";
import { isBusy } from "./sqlite-error.ts";
import { patiently, type Sqlite } from "./sqlite.ts";

/**
 * Every migration of the embedded store, in order. The texts are part of the binary.
 *
 * 2026-11-25: what a hand's `insert or replace` throws out stays in the totals of 0002, since SQLite fires no trigger for it unless
 * that hand's connection has `recursive_triggers` on. A trigger before every insert could note it, but makes the gateway's own rows
 * dearer by 9 % (12.4 us to 13.5 us) for what nobody need write: README names the ways that are counted.
 */
export const embeddedMigrations: readonly Migration[] = [
  { number: 1, name: "0001_keys_and_usage", text: keysAndUsage },
  { number: 2, name: "0002_usage_by_day", text: usageByDay },
  { number: 3, name: "0003_limits_and_answers", text: limitsAndAnswers },
];

/** Somebody else's migration over millions of rows may hold the lock for a while. */
const PATIENCE_MS = 120_000;

/** What the database says was applied, in order; nothing for a database without a ledger. Throws SQLite's own errors. */
export function readLedger(sqlite: Sqlite): readonly LedgerEntry[] {
  const exists = sqlite.prepare("select 1 from sqlite_master where name = 'xjp_migrations'").get();
  if (exists === null) return [];
  const rows = sqlite
    .prepare("select number, name, checksum, applied_at from xjp_migrations order by number")
    .all();
  return rows.map(toLedgerEntry);
}

/**
 * Applies what is pending, one transaction each. A migration enters the ledger before it runs, under the write lock, so two
 * starters cannot both run it: the second waits, then finds it there. Throws StoreError.
 */
export async function applyMigrations(
  sqlite: Sqlite,
  migrations: readonly Migration[],
  to?: number,
): Promise<readonly Migration[]> {
  const applied: Migration[] = [];
  for (;;) {
    const next = await patiently(sqlite, () => applyNext(sqlite, migrations, to), PATIENCE_MS);
    if (next === undefined) return applied;
    applied.push(next);
  }
}

function applyNext(
  sqlite: Sqlite,
  migrations: readonly Migration[],
  to: number | undefined,
): Migration | undefined {
  const database = `database ${sqlite.path}`;
  // Looked at first without the lock: most starts have nothing to do.
  if (planMigrations(readLedger(sqlite), migrations, { database, to }).length === 0)
    return undefined;
  return sqlite.transaction(() => {
    sqlite.database.run(CREATE_LEDGER);
    const next = planMigrations(readLedger(sqlite), migrations, { database, to })[0];
    if (next === undefined) return undefined;
    sqlite
      .prepare(
        "insert into xjp_migrations (number, name, checksum, applied_at) values (?, ?, ?, ?)",
      )
      .run(next.number, next.name, checksum(next.text), new Date().toISOString());
    for (const piece of splitStatements(next.text)) {
      try {
        sqlite.database.run(piece.sql);
      } catch (thrown) {
        if (isBusy(thrown)) throw thrown;
        throw migrationFailure(next, piece, thrown, database);
      }
    }
    return next;
  });
}
