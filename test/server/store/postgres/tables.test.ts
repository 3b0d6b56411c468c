/** What people, dashboards and database administrators rely on who know the PostgreSQL store's tables. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { openStore } from "../../../../src/server/store/open.ts";
import { aKey, aRow, DAY, HOUR, NOON, uuid } from "../../../contract/records.ts";
import { makeDatabase, newestServer, type TestDatabase } from "../../../support/postgres.ts";

let database: TestDatabase;
beforeEach(async () => {
  database = await makeDatabase(newestServer());
}, 60_000);
afterEach(() => database.drop(), 60_000);

const partitions = async (): Promise<string[]> => {
  const rows = await database.sql(
    `select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'usage_logs'::regclass and relname < 'usage_logs_2026_10' order by 1`,
  );
  return rows.map((row) => JSON.stringify(row["name"]));
};

test("each month has a partition, made when its first row comes, and dropped when it is too old", async () => {
  const store = await openStore(database.url);
  const [march, may] = [Date.UTC(2026, 2, 31, 23, 59, 59, 999), Date.UTC(2026, 4, 1)];
  await store.recordUsage([
    aRow(1, { createdAt: march }),
    aRow(2, { createdAt: march + 1 }),
    aRow(3, { createdAt: may }),
  ]);
  await store.prepareUsage?.(Date.UTC(2026, 5, 30));
  expect(await partitions()).toEqual([
    '"usage_logs_2026_03"',
    '"usage_logs_2026_04"',
    '"usage_logs_2026_05"',
    '"usage_logs_2026_06"',
  ]);
  expect(await database.sql("select id from usage_logs_2026_03")).toEqual([{ id: uuid(1) }]);
  expect(await store.pruneUsage(Date.UTC(2026, 3, 20))).toBe(2);
  expect(await partitions()).not.toContain('"usage_logs_2026_03"');
  // And made again for a row that comes late.
  await store.recordUsage([aRow(4, { createdAt: march })]);
  expect(await partitions()).toContain('"usage_logs_2026_03"');
  await store.close();
});

test("what a hand has put into a month without a partition moves there when there is one", async () => {
  await database.sql(
    `insert into usage_logs (id, api_key_id, tenant_id, logical_model, provider, provider_model_id, created_at)
    select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, '${uuid(1)}', 'acme', 'fast', 'openrouter', 'm',
      timestamptz '2026-02-27 12:00:00+00' + n * interval '1 day' from generate_series(1, 4) n`,
  );
  expect(await database.sql("select from usage_logs_default")).toHaveLength(4);
  const store = await openStore(database.url);
  await store.recordUsage([aRow(9, { createdAt: Date.UTC(2026, 2, 9) })]);
  expect(await database.sql("select from usage_logs_default")).toHaveLength(1);
  expect(await database.sql("select from usage_logs_2026_03")).toHaveLength(4);
  const report = await store.usageReport({ since: 0, until: NOON, by: "tenant" });
  expect(report).toMatchObject([{ requests: 5 }]);
  await store.close();
});

test("gateways that write into a new month at the same time all get there", async () => {
  const stores = await Promise.all(Array.from({ length: 6 }, () => openStore(database.url)));
  await Promise.all(
    stores.map((store, index) =>
      store.recordUsage([aRow(index, { createdAt: NOON - 400 * DAY }), aRow(100)]),
    ),
  );
  expect(await database.sql("select count(*)::integer as n from usage_logs")).toEqual([{ n: 7 }]);
  expect(await database.sql("select sum(requests)::integer as n from usage_daily")).toEqual([
    { n: 7 },
  ]);
  await Promise.all(stores.map((store) => store.pruneUsage(NOON - 300 * DAY)));
  expect(await database.sql("select count(*)::integer as n from usage_logs")).toEqual([{ n: 1 }]);
  await Promise.all(stores.map((store) => store.close()));
});

test("a user who may only read and write rows can serve", async () => {
  const role = `xjp_server_${process.pid}`;
  await database.sql(`create role ${role} login;
    revoke create on schema public from public;
    grant select, insert, update, delete on all tables in schema public to ${role}`);
  const url = new URL(database.url);
  url.username = role;
  const store = await openStore(url.href);
  await store.insertKey(aKey(1));
  await store.revokeKey(uuid(1), NOON);
  await store.recordUsage([aRow(1), aRow(2, { createdAt: NOON - 800 * DAY })]);
  await store.prepareUsage?.(NOON + 40 * DAY);
  expect(await store.pruneUsage(NOON - HOUR)).toBe(1);
  expect(await store.usageTotals(NOON - 12 * HOUR)).toHaveLength(1);
  await store.close();
  await database.sql(`drop owned by ${role}; drop role ${role}`);
});

test("text with a character that PostgreSQL cannot hold, or a name too long for an index, is kept as well as can be", async () => {
  const store = await openStore(database.url);
  const long = Array.from({ length: 9_000 }, (_, index) => String.fromCodePoint(0x4e00 + index));
  await store.recordUsage([
    aRow(1, { errorMessage: "a\0b \ud800", logicalModel: long.join(""), requestId: "r\0" }),
  ]);
  expect(
    await database.sql("select error_message, request_id, length(logical_model) from usage_logs"),
  ).toEqual([{ error_message: "a\ufffdb \ufffd", request_id: "r\ufffd", length: 255 }]);
  await store.close();
});
