/**
 * One connection to an SQLite file, with the settings that every connection of xjp has. The only place that opens one.
 *
 * WAL: readers never wait, one writer at a time. `synchronous = normal`: a commit survives the death of the process; the last
 * ones may be lost when the machine loses power, the file stays sound.
 */
import { Database, type SQLQueryBindings, type Statement } from "bun:sqlite";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { StoreError } from "../store.ts";
import { isBusy, toStoreError } from "./sqlite-error.ts";
import { wordsOf } from "../../words.ts";

export type SqliteRow = Readonly<Record<string, string | number | null>>;
export type SqliteStatement = Statement<SqliteRow, SQLQueryBindings[]>;

export type Sqlite = {
  readonly path: string;
  readonly database: Database;
  /** Prepares once; `close` finalizes it. */
  prepare(sql: string): SqliteStatement;
  /** Runs `work` in one write transaction, which its throwing undoes. */
  transaction<T>(work: () => T): T;
  /** Runs `work`, which only reads, on the database as it is at its first query. */
  snapshot<T>(work: () => T): T;
  readonly isClosed: boolean;
  close(): void;
};

/**
 * Pages of the WAL (16 MB) before they are moved into the file. Rows are written at the ends of a table and of its indexes, whose
 * last pages are in the WAL again and again; the longer it is, the fewer of them are moved.
 */
const CHECKPOINT_PAGES = 4_000;
const PATIENCE_MS = 5_000;
/** How long SQLite itself waits, blocking this thread, before a call is `patiently` tried again. */
const BLOCKING_WAIT_MS = 20;

/**
 * Opens the file: `read` changes nothing in it, `write` expects it to exist, `create` makes it (mode 0600) and its folder (mode
 * 0700) where missing. Waits while others hold it, up to five seconds. Throws StoreError.
 */
export function openSqlite(path: string, access: "read" | "write" | "create"): Sqlite {
  let database: Database | undefined;
  try {
    if (access === "create") createFile(path);
    database =
      access === "read"
        ? new Database(path, { readonly: true, strict: true })
        : new Database(path, { readwrite: true, create: false, strict: true });
    // While opening, blocking is right: there is nothing else to do.
    database.run(`pragma busy_timeout = ${PATIENCE_MS}`);
    if (access !== "read") enterWal(database);
    database.run(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    database.run("pragma synchronous = normal");
    database.run("pragma foreign_keys = on");
    // From here on an event loop may be waiting: short blocking waits, and `patiently` around them.
    database.run(`pragma busy_timeout = ${BLOCKING_WAIT_MS}`);
    return wrap(path, database);
  } catch (thrown) {
    database?.close();
    throw explainOpening(thrown, path);
  }
}

/**
 * Does `work` again, without blocking the event loop, while another connection holds the write lock. Throws StoreError; the
 * lock's own when it lasted longer than `patienceMs`.
 */
export async function patiently<T>(
  sqlite: Sqlite,
  work: () => T,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    if (sqlite.isClosed) throw new StoreError(`database ${sqlite.path}: is closed`);
    try {
      return work();
    } catch (thrown) {
      if (!isBusy(thrown) || performance.now() > deadline) throw toStoreError(thrown, sqlite.path);
    }
    await Bun.sleep(BLOCKING_WAIT_MS);
  }
}

function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    // Only ever a new file: closing a descriptor of a database that is open here would drop SQLite's own locks on it.
    closeSync(openSync(path, "wx", 0o600));
  } catch (thrown) {
    if (errnoCode(thrown) !== "EEXIST") throw thrown;
  }
}

/** The first switch to WAL needs the file alone, and SQLite does not wait for that by itself. */
function enterWal(database: Database): void {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      database.run("pragma journal_mode = wal");
      return;
    } catch (thrown) {
      if (!isBusy(thrown) || performance.now() > deadline) throw thrown;
    }
    Bun.sleepSync(5);
  }
}

function wrap(path: string, database: Database): Sqlite {
  const statements: SqliteStatement[] = [];
  const prepare = (sql: string): SqliteStatement => {
    const statement = database.prepare<SqliteRow, SQLQueryBindings[]>(sql);
    statements.push(statement);
    return statement;
  };
  const begin = prepare("begin immediate");
  const look = prepare("begin");
  const commit = prepare("commit");
  const rollback = prepare("rollback");
  let isClosed = false;
  const within = <T>(opening: SqliteStatement, work: () => T): T => {
    opening.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (thrown) {
      // A full disk has already undone the transaction by itself.
      if (database.inTransaction) rollback.run();
      throw thrown;
    }
  };
  return {
    path,
    database,
    prepare,
    transaction: (work) => within(begin, work),
    snapshot: (work) => within(look, work),
    get isClosed() {
      return isClosed;
    },
    close() {
      isClosed = true;
      // An unfinalized statement would keep the connection, and with it the WAL file, until it is garbage-collected.
      for (const statement of statements) statement.finalize();
      database.close();
    },
  };
}

function errnoCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string"
    ? thrown.code
    : undefined;
}

function explainOpening(thrown: unknown, path: string): StoreError {
  const code = errnoCode(thrown);
  if (code === undefined || code.startsWith("SQLITE_")) return toStoreError(thrown, path);
  const advice =
    code === "EACCES" || code === "EPERM" || code === "EROFS"
      ? "give this user write access, or name another file in DATABASE_URL or --database"
      : code === "ENOSPC"
        ? "the disk is full: make room"
        : "name another file in DATABASE_URL or --database";
  const said = wordsOf(thrown);
  return new StoreError(`database ${path}: cannot be created (${said}): ${advice}`, {
    cause: thrown,
  });
}
