import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  applyMigrations,
  embeddedMigrations,
} from "../../../src/server/store/embedded/migrations.ts";
import { openSqlite } from "../../../src/server/store/embedded/sqlite.ts";
import { migrate, migrationStatus } from "../../../src/server/store/migrate.ts";
import type { Migration } from "../../../src/server/store/migration.ts";
import { refusal } from "../../support/rejection.ts";
import { migrateAtOnce } from "./starters.ts";
import { temporaryFolder } from "./temporary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
let url: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, "data", "xjp.db");
  url = `sqlite:${path}`;
});
afterEach(() => folder.remove());

const newest = embeddedMigrations.length;
const names = embeddedMigrations.map(({ number, name }) => ({ number, name }));

function query(sql: string): unknown[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.query(sql).values();
  } finally {
    database.close();
  }
}

function run(sql: string): void {
  const database = new Database(path, { readwrite: true });
  database.run(sql);
  database.close();
}

describe("migrate", () => {
  test("it makes folder and file for this user only, and a second run changes nothing", async () => {
    expect(await migrate(url)).toEqual({ applied: names, version: newest });
    expect(statSync(join(folder.path, "data")).mode & 0o777).toBe(0o700);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const ledger = query("select * from xjp_migrations");
    expect(await migrate(url)).toEqual({ applied: [], version: newest });
    expect(query("select * from xjp_migrations")).toEqual(ledger);
  });

  test("the numbers run from 1 without a gap and stand in the names", () => {
    for (const [index, { number, name }] of embeddedMigrations.entries()) {
      expect(number).toBe(index + 1);
      expect(name).toStartWith(String(number).padStart(4, "0"));
    }
  });

  test("the schema is the one on record", async () => {
    await migrate(url);
    const schema = query("select sql from sqlite_master where sql is not null order by type, name");
    expect(schema.flat().join(";\n\n")).toMatchSnapshot();
  });

  test("requests that were there before the totals are in them", async () => {
    await migrate(url, { to: 1 });
    run(
      `insert into usage_logs (id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens,
        latency_ms, status_code, status, request_id, created_at)
      values ('1', 'k', 't', 'm', 'p', 'pm', 5, 6, 7, 200, 'ok', 'r', '2026-01-01T23:59:59.999Z'),
        ('2', 'k', 't', 'm', 'p', 'pm', 1, 2, 3, 500, 'failed', 'r', '2026-01-01T00:00:00.000Z'),
        ('3', 'k', 't', 'm', 'p', 'pm', 1, 2, 3, 200, 'ok', 'r', '2026-01-02T00:00:00.000Z')`,
    );
    await migrate(url);
    expect(
      query("select day, requests, errors, total_tokens, latency_ms from usage_daily"),
    ).toEqual([
      ["2026-01-01", 2, 1, 14, 10],
      ["2026-01-02", 1, 0, 3, 3],
    ]);
  });

  test("a dry run says what it would do and writes nothing", async () => {
    expect(await migrate(url, { dryRun: true })).toEqual({ applied: names, version: 0 });
    expect(existsSync(join(folder.path, "data"))).toBe(false);
    await migrate(url);
    expect(await migrate(url, { dryRun: true })).toEqual({ applied: [], version: newest });
  });

  test("an impossible goal makes no file", async () => {
    expect(await refusal(migrate(url, { to: newest + 1 }))).toContain(`no migration ${newest + 1}`);
    expect(existsSync(path)).toBe(false);
  });

  test("the goal 0 leaves an empty database", async () => {
    expect(await migrate(url, { to: 0 })).toEqual({ applied: [], version: 0 });
  });

  test("a database newer than the binary, and an altered migration, are refused", async () => {
    await migrate(url);
    run("update xjp_migrations set checksum = 'other' where number = 1");
    expect(await refusal(migrate(url))).toContain(
      "0001_keys_and_usage was applied with another text",
    );
    run(`insert into xjp_migrations values (99, '0099_x', 'x', '2026-01-01T00:00:00.000Z')`);
    expect(await refusal(migrate(url))).toContain("at migration 99");
    expect(await refusal(migrationStatus(url))).toContain(
      "use the xjp that made it, or a newer one",
    );
  });

  test("what is no database is refused and left as it is", async () => {
    const file = join(folder.path, "notes.txt");
    writeFileSync(file, "nothing to see here, move along; ".repeat(40));
    expect(await refusal(migrate(`sqlite:${file}`))).toContain("is not an SQLite database");
    expect(await Bun.file(file).text()).toStartWith("nothing to see here");
  });
});

describe("status", () => {
  test("it tells applied from pending and creates nothing", async () => {
    const pending = embeddedMigrations.map(({ number, name }) => ({
      number,
      name,
      appliedAt: null,
    }));
    expect(await migrationStatus(url)).toEqual({ migrations: pending, version: 0 });
    expect(existsSync(path)).toBe(false);
    const before = Date.now();
    await migrate(url);
    const status = await migrationStatus(url);
    expect(status.version).toBe(newest);
    for (const { appliedAt } of status.migrations) {
      expect(appliedAt).toBeGreaterThanOrEqual(before);
    }
  });
});

describe("a migration that fails", () => {
  const good: Migration = { number: 1, name: "0001_good", text: "create table good (a);" };
  const bad: Migration = {
    number: 2,
    name: "0002_bad",
    text: "-- two steps\ncreate table half (a);\n\n-- wrong\ninsert into nowhere\n  values (1);\n",
  };

  test("leaves nothing of itself, keeps those before it, and says where it failed", async () => {
    const sqlite = openSqlite(path, "create");
    expect(await refusal(applyMigrations(sqlite, [good, bad]))).toContain(
      `database ${path}: migration 0002_bad.sql, line 5, failed at "insert into nowhere values (1);": no such table: nowhere; nothing of it was kept`,
    );
    const mended = { ...bad, text: "create table half (a);" };
    expect(query("select name from sqlite_master where type = 'table' order by name")).toEqual([
      ["good"],
      ["xjp_migrations"],
    ]);
    expect(await applyMigrations(sqlite, [good, mended])).toEqual([mended]);
    sqlite.close();
  });
});

describe("many starters at once", () => {
  test("each migration is applied by exactly one process", async () => {
    for (let round = 0; round < 3; round++) {
      const roundUrl = `sqlite:${join(folder.path, `round-${round}`, "xjp.db")}`;
      // One process may apply the first and another the second.
      expect(await migrateAtOnce(6, roundUrl)).toEqual(
        embeddedMigrations.map(({ number }) => number),
      );
    }
  }, 30_000);
});
