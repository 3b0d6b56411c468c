import type postgres from "postgres";
import keysAndUsage from "../../../../sql/postgres/0001_keys_and_usage.sql" with { type: "text" };
import usageByDay from "../../../../sql/postgres/0002_usage_by_day.sql" with { type: "text" };
import limitsAndAnswers from "../../../../sql/postgres/0003_limits_and_answers.sql" with { type: "text" };
import {
  checksum,
  CREATE_LEDGER,
  isOutsideTransaction,
  type LedgerEntry,
  type Migration,
  migrationFailure,
  planMigrations,
  splitStatements,
  toLedgerEntry,
} from "../migration.ts";
import { StoreError } from "../store.ts";
import type { Postgres } from "./connection.ts";

/** Every migration of the PostgreSQL store, in order. The texts are part of the binary. */
export const postgresMigrations: readonly Migration[] = [
  { number: 1, name: "0001_keys_and_usage", text: keysAndUsage },
  { number: 2, name: "0002_usage_by_day", text: usageByDay },
  { number: 3, name: "0003_limits_and_answers", text: limitsAndAnswers },
];

/** The lock that one starter holds while it migrates; another number of this class is in 0001. */
const LOCK = [7022, 0] as const;
const LOCK_RETRY_MS = 100;
/** The oldest server whose words the migrations use, as its `server_version_num` and as people call it. */
const OLDEST = { number: 130_000, version: "13" };

type Runner = postgres.Sql | postgres.TransactionSql;

/** What the database says was applied, in order; nothing for a database without a ledger. Throws PostgreSQL's own errors. */
export async function readPostgresLedger(sql: Runner): Promise<readonly LedgerEntry[]> {
  const [table] = await sql`select to_regclass('xjp_migrations') as name`;
  if (table?.["name"] === null) return [];
  const rows = await sql`
    select number, name, checksum, applied_at from xjp_migrations order by number`;
  return rows.map(toLedgerEntry);
}

/**
 * Applies what is pending, one transaction each, under a lock that lets one starter at a time. A migration enters the ledger before
 * it runs. One that is marked to run outside a transaction enters it last: its statements may run again. Throws StoreError.
 */
export async function applyPostgresMigrations(
  postgres: Postgres,
  migrations: readonly Migration[],
  to?: number,
): Promise<readonly Migration[]> {
  const { sql } = postgres;
  const plan = { database: `database postgres://${postgres.place}`, to };
  await checkServer(sql, plan.database);
  const applied: Migration[] = [];
  for (;;) {
    // Looked at first without the lock: most starts have nothing to do.
    const next = planMigrations(await readPostgresLedger(sql), migrations, plan)[0];
    if (next === undefined) return applied;
    const ran = isOutsideTransaction(next.text)
      ? await runOutside(postgres, migrations, plan)
      : await runInside(sql, migrations, plan);
    if (ran !== undefined) applied.push(ran);
  }
}

type Plan = { readonly database: string; readonly to: number | undefined };

function runInside(
  pool: postgres.Sql,
  migrations: readonly Migration[],
  plan: Plan,
): Promise<Migration | undefined> {
  return pool.begin(async (sql) => {
    await sql`set local statement_timeout = 0`;
    await sql`set local idle_in_transaction_session_timeout = 0`;
    await sql`select pg_advisory_xact_lock(${LOCK[0]}, ${LOCK[1]})`;
    await sql.unsafe(CREATE_LEDGER);
    const next = planMigrations(await readPostgresLedger(sql), migrations, plan)[0];
    // Another starter has been quicker; or what comes next is of the other kind.
    if (next === undefined || isOutsideTransaction(next.text)) return undefined;
    await enter(sql, next);
    await runPieces(sql, next, plan.database, "nothing of it was kept");
    return next;
  });
}

async function runOutside(
  { sql, address }: Postgres,
  migrations: readonly Migration[],
  plan: Plan,
): Promise<Migration | undefined> {
  if (address.isPooled) {
    throw new StoreError(
      `${plan.database}: the next migration needs a connection of its own: run \`xjp migrate\` with the server's own address, without pgbouncer=true`,
    );
  }
  await sql`set statement_timeout = 0`;
  // Tried again and again: one that waited for the lock in a statement would hold up the very index that the other builds.
  while (!(await tryLock(sql))) await Bun.sleep(LOCK_RETRY_MS);
  try {
    await sql.unsafe(CREATE_LEDGER);
    const next = planMigrations(await readPostgresLedger(sql), migrations, plan)[0];
    if (next === undefined || !isOutsideTransaction(next.text)) return undefined;
    for (const piece of splitStatements(next.text)) await dropInvalid(sql, piece.sql);
    await runPieces(sql, next, plan.database, "what came before it is kept; run it again");
    await enter(sql, next);
    return next;
  } finally {
    await sql`select pg_advisory_unlock(${LOCK[0]}, ${LOCK[1]})`;
  }
}

async function tryLock(sql: postgres.Sql): Promise<boolean> {
  const [row] = await sql`select pg_try_advisory_lock(${LOCK[0]}, ${LOCK[1]}) as locked`;
  return row?.["locked"] === true;
}

/** A concurrent build that was broken off leaves an index that is of no use and that `if not exists` takes for a good one. */
async function dropInvalid(sql: postgres.Sql, statement: string): Promise<void> {
  const name = /^create (?:unique )?index concurrently if not exists (\w+)/i.exec(statement)?.[1];
  if (name === undefined) return;
  const broken =
    await sql`select from pg_index where indexrelid = to_regclass(${name}) and not indisvalid`;
  if (broken.length > 0) await sql`drop index concurrently ${sql(name)}`;
}

async function runPieces(
  sql: Runner,
  migration: Migration,
  database: string,
  kept: string,
): Promise<void> {
  for (const piece of splitStatements(migration.text)) {
    try {
      await sql.unsafe(piece.sql);
    } catch (thrown) {
      throw migrationFailure(migration, piece, thrown, database, kept);
    }
  }
}

async function enter(sql: Runner, { number, name, text }: Migration): Promise<void> {
  await sql`insert into xjp_migrations (number, name, checksum, applied_at)
    values (${number}, ${name}, ${checksum(text)}, ${new Date().toISOString()})`;
}

async function checkServer(sql: postgres.Sql, database: string): Promise<void> {
  const [found] = await sql`select current_setting('server_version_num')::integer as number,
    current_setting('server_version') as version, current_setting('server_encoding') as encoding`;
  if (Number(found?.["number"]) < OLDEST.number) {
    throw new StoreError(
      `${database}: is PostgreSQL ${String(found?.["version"])}: xjp needs ${OLDEST.version} or newer`,
    );
  }
  if (found?.["encoding"] !== "UTF8") {
    throw new StoreError(
      `${database}: is encoded in ${String(found?.["encoding"])}: make one with createdb --encoding=UTF8 --template=template0`,
    );
  }
}
