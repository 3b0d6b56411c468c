/** Migrating PostgreSQL: empty databases, starters at once, indexes that are built beside writers, the earlier gateway's database. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { embeddedMigrations } from "../../../../src/server/store/embedded/migrations.ts";
import { migrate, migrationStatus } from "../../../../src/server/store/migrate.ts";
import type { Migration } from "../../../../src/server/store/migration.ts";
import { openStore } from "../../../../src/server/store/open.ts";
import { openPostgres, type Postgres } from "../../../../src/server/store/postgres/connection.ts";
import {
  applyPostgresMigrations,
  postgresMigrations,
} from "../../../../src/server/store/postgres/migrations.ts";
import { refusal } from "../../../support/rejection.ts";
import { makeDatabase, type TestDatabase, testServers } from "../../../support/postgres.ts";
import { makeEarlierGateway } from "../earlier-gateway.ts";
import { migrateAtOnce } from "../starters.ts";

const names = postgresMigrations.map(({ number, name }) => ({ number, name }));
const newest = postgresMigrations.length;
const VALID = "select indisvalid as valid from pg_index where indrelid = 't'::regclass";

test("both kinds of database have migrations of the same numbers and names", () => {
  expect(names).toEqual(embeddedMigrations.map(({ number, name }) => ({ number, name })));
});

for (const server of testServers()) {
  describe(server.name, () => {
    let database: TestDatabase;
    let url: string;
    beforeEach(async () => {
      database = await makeDatabase(server, "empty");
      ({ url } = database);
    }, 60_000);
    afterEach(() => database.drop(), 60_000);

    test("a dry run and a look write nothing; a second run changes nothing", async () => {
      expect(await migrate(url, { dryRun: true })).toEqual({ applied: names, version: 0 });
      expect((await migrationStatus(url)).version).toBe(0);
      expect(await database.sql("select from pg_class where relname like 'xjp%'")).toEqual([]);
      expect(await migrate(url, { to: 1 })).toEqual({ applied: names.slice(0, 1), version: 1 });
      expect(await migrate(url)).toEqual({ applied: names.slice(1), version: newest });
      expect(await migrate(url)).toEqual({ applied: [], version: newest });
      expect(await refusal(migrate(url, { to: 1 }))).toContain("migrations only go forward");
    });

    test("a store is not opened on a database that is not migrated", async () => {
      expect(await refusal(openStore(url))).toMatch(
        /^database postgres:\/\/127.0.0.1:\d+\/\w+: has no tables of xjp, this binary needs migration \d+: run `xjp migrate`$/,
      );
    });

    test("many starters at once apply each migration once", async () => {
      expect(await migrateAtOnce(4, url)).toEqual(postgresMigrations.map(({ number }) => number));
    }, 60_000);

    describe("made-up migrations", () => {
      let postgres: Postgres;
      beforeEach(() => {
        postgres = openPostgres(url, 1);
      });
      afterEach(() => postgres.sql.end());

      const table: Migration = {
        number: 1,
        name: "0001_table",
        text: "create table t (a integer);\n\ninsert into t values (1), (1);\n",
      };
      const index: Migration = {
        number: 2,
        name: "0002_index",
        text: [
          "-- outside a transaction",
          "",
          "create unique index concurrently if not exists t_a on t (a);",
          "",
          "create index concurrently if not exists t_b on t (a);",
        ].join("\n"),
      };

      test("a failed one leaves nothing and says where it failed", async () => {
        const bad = { number: 2, name: "0002_bad", text: "drop table t;\n\nselect 1/0;\n" };
        expect(await refusal(applyPostgresMigrations(postgres, [table, bad]))).toContain(
          `migration 0002_bad.sql, line 3, failed at "select 1/0;": division by zero; nothing of it was kept`,
        );
        expect(await database.sql("select count(*)::integer as n from t")).toEqual([{ n: 2 }]);
        expect(await database.sql("select number from xjp_migrations")).toEqual([{ number: 1 }]);
      });

      test("an index is built beside writers; a build that broke off is begun again", async () => {
        expect(await refusal(applyPostgresMigrations(postgres, [table, index]))).toContain(
          "what came before it is kept; run it again",
        );
        // PostgreSQL leaves it there, of no use, and `if not exists` would take it for built.
        expect(await database.sql(VALID)).toEqual([{ valid: false }]);
        expect(await database.sql("select number from xjp_migrations")).toEqual([{ number: 1 }]);
        await database.sql("delete from t");
        const applied = await applyPostgresMigrations(postgres, [table, index]);
        expect(applied.map(({ number }) => number)).toEqual([2]);
        expect(await database.sql(VALID)).toEqual([{ valid: true }, { valid: true }]);
      });

      test("two starters build an index once", async () => {
        const other = openPostgres(url, 1);
        await applyPostgresMigrations(postgres, [table]);
        await database.sql("delete from t");
        const applied = await Promise.all([
          applyPostgresMigrations(postgres, [table, index]),
          applyPostgresMigrations(other, [table, index]),
        ]);
        await other.sql.end();
        expect(applied.flat()).toHaveLength(1);
        expect(await database.sql(VALID)).toEqual([{ valid: true }, { valid: true }]);
      });

      test("a pooler in between is refused for what needs a connection of its own", async () => {
        const pooled = openPostgres(`${url}?pgbouncer=true`, 1);
        const said = await refusal(applyPostgresMigrations(pooled, [table, index]));
        await pooled.sql.end();
        expect(said).toContain("without pgbouncer=true");
      });
    });

    test("the earlier gateway's database is taken over with every row of it", async () => {
      await makeEarlierGateway(database, 20_000);
      const keys = await database.sql("select * from api_keys order by id");
      const logs = await database.sql("select * from usage_logs order by id");
      const byDay = "order by day, api_key_id, logical_model, provider";
      const summary = await database.sql(`select * from usage_summary ${byDay}`);
      const sqlx = await database.sql("select * from _sqlx_migrations");
      expect([keys.length, logs.length]).toEqual([3, 20_000]);

      expect(await migrate(url)).toEqual({ applied: names, version: newest });

      const now = (rows: object[], from: string) =>
        database.sql(`select ${Object.keys(rows[0] ?? {}).join(", ")} from ${from}`);
      expect(numbers(await now(keys, "api_keys order by id"))).toEqual(numbers(keys));
      expect(numbers(await now(logs, "usage_logs order by id"))).toEqual(numbers(logs));
      expect(numbers(await now(summary, `usage_summary ${byDay}`))).toEqual(numbers(summary));
      expect(await database.sql("select * from _sqlx_migrations")).toEqual(sqlx);
      // Each month is a partition of its own.
      expect(await database.sql("select from usage_logs_default")).toEqual([]);
    }, 60_000);

    test("after that the earlier gateway's own statements go on working", async () => {
      await makeEarlierGateway(database, 100);
      await migrate(url);
      await database.sql(
        `insert into api_keys (key_hash, tenant_id, description) values ('${"a".repeat(64)}', 'late', 'made by the earlier one')`,
      );
      await database.sql(
        `insert into usage_logs (api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens,
          total_tokens, latency_ms, status_code, request_id)
        select id, tenant_id, 'm', 'OpenRouter', 'x/m', 5, 6, 11, 70, 200, 'late-1' from api_keys where tenant_id = 'late'`,
      );
      const store = await openStore(url);
      expect(await store.listKeys({ tenantId: "late" })).toMatchObject([{ rpm: 60, rpd: 1_000 }]);
      const report = await store.usageReport({
        since: 0,
        until: Number.POSITIVE_INFINITY,
        by: "tenant",
      });
      await store.close();
      const late = report.find((row) => row.group === "late");
      expect(late).toMatchObject({ requests: 1, totalTokens: 11 });
      expect(report.reduce((sum, row) => sum + row.requests, 0)).toBe(101);
    });

    test("a fresh database and one that was taken over are alike", async () => {
      const other = await makeDatabase(server, "empty");
      await makeEarlierGateway(other, 10);
      await migrate(other.url);
      await migrate(url);
      // The earlier gateway made two more, which do no harm.
      const more = ["idx_api_keys_key_hash", "idx_api_keys_is_active"];
      expect(await describeSchema(database)).toEqual(await describeSchema(other, more));
      await other.drop();
    }, 60_000);
  });
}

/** Rows with numbers for what the client gives as text: integers of eight bytes and decimals. */
function numbers(rows: readonly Record<string, unknown>[]): unknown[] {
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        typeof value === "string" && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value,
      ]),
    ),
  );
}

async function describeSchema(database: TestDatabase, without: string[] = []): Promise<unknown> {
  const own = String.raw`!~ '^(usage_logs_\d|_sqlx)'`;
  const indexes = await database.sql(
    `select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename ${own} order by 1`,
  );
  return {
    columns: await database.sql(
      `select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
      where table_schema = 'public' and table_name ${own} order by 1, 2`,
    ),
    constraints: await database.sql(
      `select conrelid::regclass::text as table, conname, pg_get_constraintdef(oid) as is from pg_constraint
      where conrelid in ('api_keys'::regclass, 'usage_logs'::regclass, 'usage_daily'::regclass) and contype <> 'n' order by 1, 2`,
    ),
    indexes: indexes.filter((index) => !without.includes(String(index["indexname"]))),
  };
}
