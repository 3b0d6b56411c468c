import { existsSync } from "node:fs";
import { type Migrating, planMigrations } from "../migration.ts";
import { applyMigrations, embeddedMigrations, readLedger } from "./migrations.ts";
import { openSqlite, patiently } from "./sqlite.ts";

/** Migrating the SQLite file at `path`. */
export function migratingEmbedded(path: string): Migrating {
  const name = `database ${path}`;
  return {
    name,
    migrations: embeddedMigrations,
    async ledger() {
      if (!existsSync(path)) return [];
      const sqlite = openSqlite(path, "read");
      try {
        return await patiently(sqlite, () => readLedger(sqlite));
      } finally {
        sqlite.close();
      }
    },
    async apply(to) {
      // Asks for the impossible are refused before a file is made for them.
      if (!existsSync(path)) planMigrations([], embeddedMigrations, { database: name, to });
      const sqlite = openSqlite(path, "create");
      try {
        const applied = await applyMigrations(sqlite, embeddedMigrations, to);
        return { applied, ledger: readLedger(sqlite) };
      } finally {
        sqlite.close();
      }
    },
  };
}
