import { SQLiteError } from "bun:sqlite";
import { dirname } from "node:path";
import { StoreError } from "../store.ts";
import { wordsOf } from "../../words.ts";

/** The symbolic result code of a failed SQLite call, e.g. `SQLITE_BUSY`; undefined for what SQLite did not throw. */
function sqliteCode(thrown: unknown): string | undefined {
  return thrown instanceof SQLiteError ? thrown.code : undefined;
}

/** True when another connection holds the lock: waiting helps. */
export function isBusy(thrown: unknown): boolean {
  return sqliteCode(thrown)?.startsWith("SQLITE_BUSY") ?? false;
}

/** Whatever a call on the database at `path` threw, as a StoreError that names the file and what to do. */
export function toStoreError(thrown: unknown, path: string): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const code = sqliteCode(thrown);
  const said = wordsOf(thrown);
  // Range and type errors: no time of the calendar, a value that no column can hold.
  const rejected =
    thrown instanceof RangeError ||
    thrown instanceof TypeError ||
    /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/.test(code ?? "");
  return new StoreError(`database ${path}: ${explain(code, said, path)}`, {
    cause: thrown,
    rejected,
  });
}

function explain(code: string | undefined, said: string, path: string): string {
  if (code === undefined) return said;
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
    return "locked by another process for too long: end whatever holds a transaction open in it";
  }
  if (code.startsWith("SQLITE_CANTOPEN")) {
    return `cannot be opened: check that it exists and that this user may read and write it and its folder ${dirname(path)}`;
  }
  if (code.startsWith("SQLITE_NOTADB")) {
    return "is not an SQLite database: name another file in DATABASE_URL or --database";
  }
  if (code.startsWith("SQLITE_CORRUPT")) {
    return `is damaged (${said}): restore a copy, or save what can be read with sqlite3's .recover`;
  }
  if (code.startsWith("SQLITE_FULL")) return "the disk is full: make room";
  if (code.startsWith("SQLITE_READONLY")) {
    return `may not be written: give this user write access to the file and its folder ${dirname(path)}`;
  }
  if (code.startsWith("SQLITE_IOERR")) return `the disk failed (${code}): ${said}`;
  if (code.startsWith("SQLITE_CONSTRAINT")) return `refused the data: ${said}`;
  return `${said} (${code})`;
}
