/**
 * A lock that the kernel drops when its process dies, however it dies: an exclusive transaction on an empty SQLite file, which is
 * a file lock underneath. No process id is asked, so ids used again, and containers where every process is number 1, do not
 * matter. It holds among processes of one machine; a folder shared over a network needs a file system with working locks.
 */
import { Database } from "bun:sqlite";
import { isBusy, toStoreError } from "../embedded/sqlite-error.ts";

export type ProcessLock = {
  /** Lets the next one have it. The file stays. */
  release(): void;
};

/** Takes the lock, waiting up to `waitMs` and blocking this thread meanwhile; undefined while somebody else has it. Throws StoreError. */
export function tryLock(path: string, waitMs = 0): ProcessLock | undefined {
  let database: Database | undefined;
  try {
    database = new Database(path, { create: true, readwrite: true });
    database.run(`pragma busy_timeout = ${waitMs}`);
    // Otherwise a journal file appears beside it.
    database.run("pragma journal_mode = memory");
    database.run("begin exclusive");
    const held = database;
    return { release: () => held.close() };
  } catch (thrown) {
    database?.close();
    if (isBusy(thrown)) return undefined;
    throw toStoreError(thrown, path);
  }
}
