/** What people and dashboards see who read and write the embedded store's tables themselves. */
import { Database, type SQLQueryBindings } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { toText } from "../../../../src/server/store/embedded/sqlite-value.ts";
import { openStore } from "../../../../src/server/store/open.ts";
import type { Store } from "../../../../src/server/store/store.ts";
import { aKey, aRow, DAY, NOON, uuid } from "../../../contract/records.ts";
import { freshDatabase, temporaryFolder } from "../temporary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let store: Store;
let database: Database;
beforeEach(async () => {
  folder = temporaryFolder();
  const { path, url } = await freshDatabase(folder.path);
  store = await openStore(url);
  database = new Database(path, { readwrite: true });
});
afterEach(async () => {
  database.close();
  await store.close();
  folder.remove();
});

const rows = (sql: string): unknown[] => database.query<unknown, SQLQueryBindings[]>(sql).all();

test("the columns of the earlier gateway are there under their names", async () => {
  await store.insertKey(aKey(1, { rpm: 60, rpd: 1_000, description: "first" }));
  await store.recordUsage([
    aRow(1, { cacheReadTokens: 3, reasoningTokens: 2, costNanoUsd: 1_250_000_000 }),
  ]);
  expect(
    rows(`select id, key_hash, tenant_id, description, rate_limit_rpm, rate_limit_rpd, is_active, created_at, expires_at,
      last_used_at from api_keys where is_active = true`),
  ).toEqual([
    {
      id: uuid(1),
      key_hash: aKey(1).keyHash,
      tenant_id: "acme",
      description: "first",
      rate_limit_rpm: 60,
      rate_limit_rpd: 1_000,
      is_active: 1,
      created_at: "2026-05-15T12:00:00.001Z",
      expires_at: null,
      last_used_at: null,
    },
  ]);
  expect(
    rows(`select id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens, total_tokens,
      cached, reasoning, cost, latency_ms, time_to_first_token_ms, status_code, error_message, request_id, created_at from usage_logs`),
  ).toEqual([
    {
      id: uuid(1),
      api_key_id: uuid(1),
      tenant_id: "acme",
      logical_model: "fast",
      provider: "openrouter",
      provider_model_id: "maker/model-1",
      input_tokens: 10,
      output_tokens: 5,
      total_tokens: 15,
      cached: 3,
      reasoning: 2,
      cost: 1.25,
      latency_ms: 100,
      time_to_first_token_ms: null,
      status_code: 200,
      error_message: null,
      request_id: "request-1",
      created_at: "2026-05-15T12:00:00.000Z",
    },
  ]);
});

test("usage_summary adds up a key's requests by day, model and provider", async () => {
  await store.recordUsage([
    aRow(1, { latencyMs: 100 }),
    aRow(2, { latencyMs: 300, status: "failed", statusCode: 502 }),
    aRow(3, { createdAt: NOON + DAY }),
    aRow(4, { createdAt: NOON + DAY, provider: "vertex", status: "cut" }),
    aRow(5, { createdAt: NOON + 2 * DAY, status: "lost" }),
  ]);
  expect(rows("select * from usage_summary order by day, provider")).toEqual([
    summary({ day: "2026-05-15", request_count: 2, avg_latency_ms: 200, error_count: 1 }),
    summary({ day: "2026-05-16", request_count: 1 }),
    summary({ day: "2026-05-16", request_count: 1, provider: "vertex", error_count: 1 }),
    summary({ day: "2026-05-17", request_count: 1, error_count: 1 }),
  ]);
});

test("SQLite's own date functions take every time as it stands", () => {
  const times = [0, 1, 999, NOON, Date.UTC(1999, 11, 31, 23, 59, 59, 999), Date.UTC(9999, 11, 31)];
  for (let millisecond = 0; millisecond < 1_000; millisecond++) times.push(NOON + millisecond);
  const canonical = database.query<{ text: string }, [string]>(
    "select strftime('%Y-%m-%dT%H:%M:%fZ', ?) as text",
  );
  for (const time of times) {
    const text = toText(time);
    expect(canonical.get(text)?.text).toBe(text);
  }
});

test("a time typed in another form is refused, and one that SQLite makes is taken", async () => {
  await store.insertKey(aKey(1));
  for (const wrong of ["'2026-12-31'", "'2026-12-31 10:00:00'", "datetime('now')", "'soon'"]) {
    expect(() => database.run(`update api_keys set expires_at = ${wrong}`)).toThrow(
      "expires_at_is_iso_8601_utc",
    );
  }
  database.run("update api_keys set expires_at = strftime('%Y-%m-%dT%H:%M:%fZ', '2026-12-31')");
  expect((await store.findKeys(uuid(1)))[0]?.expiresAt).toBe(Date.UTC(2026, 11, 31));
});

test("models other than a JSON array are refused", async () => {
  await store.insertKey(aKey(1));
  for (const wrong of ["fast", '{"a":1}', '"fast"']) {
    expect(() => database.run("update api_keys set models = ?", [wrong])).toThrow(
      "models_is_a_json_array",
    );
  }
  database.run(`update api_keys set models = '["fast"]'`);
  expect((await store.findKeys(uuid(1)))[0]?.models).toEqual(["fast"]);
});

test("an edit with its own conflict clause is told to running gateways as well", async () => {
  await store.insertKey(aKey(1));
  const { version } = await store.keyChanges(0);
  database.run("update or ignore api_keys set description = 'new'");
  database.run(
    `insert or ignore into api_keys (id, key_hash, tenant_id, created_at) values ('${uuid(2)}', 'h', 't', '2026-01-01T00:00:00.000Z')`,
  );
  const { changed } = await store.keyChanges(version);
  expect(changed.map((key) => key.id)).toEqual([uuid(1), uuid(2)]);
});

test("the feed of changes keeps one row a key", async () => {
  await store.insertKey(aKey(1));
  for (let round = 0; round < 50; round++)
    database.run(`update api_keys set rate_limit_rpm = ${round}`);
  expect(rows("select count(*) as count from key_changes")).toEqual([{ count: 1 }]);
});

function summary(fields: Readonly<Record<string, string | number>>): object {
  const requests = Number(fields["request_count"]);
  return {
    api_key_id: uuid(1),
    tenant_id: "acme",
    logical_model: "fast",
    provider: "openrouter",
    total_input_tokens: 10 * requests,
    total_output_tokens: 5 * requests,
    total_tokens: 15 * requests,
    avg_latency_ms: 100,
    error_count: 0,
    ...fields,
  };
}

test("the totals that the store adds up are those that the trigger would have made of the rows", async () => {
  const statuses = ["ok", "failed", "cut", "cancelled", "lost"] as const;
  const many = Array.from({ length: 137 }, (_, number) =>
    aRow(number, {
      tenantId: number % 3 === 0 ? "acme" : "emca",
      apiKeyId: uuid(number % 2),
      logicalModel: number % 5 === 0 ? "slow" : "fast",
      provider: number % 7 === 0 ? "" : "openrouter",
      status: statuses[number % 5] ?? "ok",
      inputTokens: number,
      outputTokens: number * 2,
      cacheReadTokens: number % 4,
      cacheWriteTokens: number % 6,
      reasoningTokens: number % 8,
      estimated: number % 9 === 0,
      costNanoUsd: number * 1_001,
      latencyMs: number + 0.4 + (number % 2) / 5,
      createdAt: NOON + Math.floor(number / 40) * DAY + number / 3,
    }),
  );
  await store.recordUsage(many.slice(0, 100));
  await store.recordUsage(many.slice(50));
  const added = rows("select * from usage_daily order by 1, 2, 3, 4, 5");
  expect(added.length).toBeGreaterThan(20);
  database.run("create table kept as select * from usage_logs");
  database.run("delete from usage_logs");
  database.run("delete from usage_daily");
  const columns = `id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens, cached,
    cache_write_tokens, reasoning, estimated, cost_nano_usd, latency_ms, time_to_first_token_ms, status_code, status,
    error_message, request_id, stream, attempts, created_at`;
  database.run(`insert into usage_logs (${columns}) select ${columns} from kept`);
  expect(rows("select * from usage_daily order by 1, 2, 3, 4, 5")).toEqual(added);
  expect(rows("select * from usage_adding_up")).toEqual([]);
});

test("a row that a hand writes again is counted as it is now, by each of the ways that SQLite tells of", async () => {
  await store.recordUsage([aRow(1), aRow(2)]);
  const columns = `id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens, latency_ms,
    status_code, status, request_id, created_at`;
  const again = `into usage_logs (${columns}) values ('${uuid(1)}', '${uuid(1)}', 'acme', 'slow', 'openrouter', 'maker/model-1', 100, 1, 7,
    200, 'ok', 'request-1', '2026-05-15T12:00:00.000Z')`;
  const both = [
    { logical_model: "fast", requests: 1, total_tokens: 15, latency_ms: 100 },
    { logical_model: "slow", requests: 1, total_tokens: 101, latency_ms: 7 },
  ];
  const totals =
    "select logical_model, requests, total_tokens, latency_ms from usage_daily order by 1";
  database.run(`insert or ignore ${again}`);
  expect(rows(totals)).toEqual([
    { logical_model: "fast", requests: 2, total_tokens: 30, latency_ms: 200 },
  ]);
  database.run(`insert ${again} on conflict (id) do update set logical_model = excluded.logical_model,
    input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, latency_ms = excluded.latency_ms`);
  expect(rows(totals)).toEqual(both);
  database.run(`delete from usage_logs where id = '${uuid(1)}'`);
  expect(rows(totals)).toEqual(both.slice(0, 1));
  database.run(`insert ${again}`);
  expect(rows(totals)).toEqual(both);
});
