import { existsSync, rmSync, statSync } from "node:fs";
import { createAnswerMethods } from "./embedded/answers.ts";
import { createKeyMethods } from "./embedded/keys.ts";
import { embeddedMigrations, readLedger } from "./embedded/migrations.ts";
import { toStoreError } from "./embedded/sqlite-error.ts";
import { openSqlite, type Sqlite } from "./embedded/sqlite.ts";
import { createUsageMethods } from "./embedded/usage.ts";
import { assertMigrated } from "./migration.ts";
import { type Store, StoreError } from "./store.ts";

/**
 * The store in one SQLite file, for one machine. The file must exist and be migrated. Calls do their work at once on the calling
 * thread and wait only, without blocking it, while another process writes. Throws StoreError.
 */
export function createEmbeddedStore(path: string): Store {
  if (!existsSync(path)) {
    throw new StoreError(`database ${path}: does not exist: run \`xjp migrate\` to create it`, {
      needsSetup: true,
    });
  }
  const sqlite = openSqlite(path, "write");
  try {
    checkSchema(sqlite);
    const known = sqlite.prepare(
      "select count(*) as known from xjp_migrations where number between 1 and ?",
    );
    const file = identify(path);
    const changes = identify(`${path}-wal`);
    const whereabouts = () => {
      const found = identify(path);
      return found === file ? "here" : found === undefined ? "gone" : "replaced";
    };
    return {
      kind: "sqlite",
      ...createKeyMethods(sqlite),
      ...createUsageMethods(sqlite),
      ...createAnswerMethods(sqlite),
      async ping() {
        try {
          const row = known.get(embeddedMigrations.length);
          // One that a newer xjp has migrated meanwhile goes on: it has all that this one needs.
          if (row?.["known"] !== embeddedMigrations.length) checkSchema(sqlite);
        } catch (thrown) {
          throw toStoreError(thrown, path);
        }
      },
      whereabouts,
      async close() {
        const isReplaced = whereabouts() === "replaced";
        sqlite.close();
        // SQLite leaves its log of changes to a file that was moved away, and would take it for that of the new one.
        if (isReplaced && changes !== undefined && identify(`${path}-wal`) === changes) {
          rmSync(`${path}-wal`, { force: true });
          rmSync(`${path}-shm`, { force: true });
        }
      },
    };
  } catch (thrown) {
    sqlite.close();
    throw toStoreError(thrown, path);
  }
}

/** What tells a file from another one that takes its name; undefined when there is none. */
function identify(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

function checkSchema(sqlite: Sqlite): void {
  assertMigrated(readLedger(sqlite), embeddedMigrations, `database ${sqlite.path}`);
}
