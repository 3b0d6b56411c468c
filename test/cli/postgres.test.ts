/** The commands on a PostgreSQL database. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { migrate } from "../../src/server/store/migrate.ts";
import { openStore } from "../../src/server/store/open.ts";
import { aRow } from "../contract/records.ts";
import { freshPostgres, type TestDatabase } from "../support/postgres.ts";
import type { Finished } from "../support/binary.ts";
import { makeFolder, object, objects, type Folder } from "./run.ts";

let folder: Folder;
let database: TestDatabase;
beforeEach(async () => {
  folder = makeFolder();
  database = await freshPostgres();
}, 60_000);
afterEach(async () => {
  await database.drop();
  folder.remove();
}, 60_000);

const run = (...words: string[]): Promise<Finished> =>
  folder.run(words, { env: { DATABASE_URL: database.url } });
const json = (...words: string[]): Promise<unknown> =>
  folder.json(words, { env: { DATABASE_URL: database.url } });

test("a database that is not migrated is left alone, with what to do", async () => {
  for (const words of [["keygen", "acme"], ["keys", "list"], ["usage", "report"], ["serve"]]) {
    const { code, stdout, stderr } = await run(...words);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("has no tables of xjp");
    expect(stderr).toContain("run `xjp migrate`");
  }
  const doctor = await run("doctor");
  expect(doctor.stdout).toContain("run xjp migrate");
  expect(await database.sql("select from pg_class where relname = 'api_keys'")).toEqual([]);
}, 60_000);

test("keys are made, listed, revoked and rotated, and usage is reported", async () => {
  expect((await run("migrate")).stdout).toContain("applied 0001_keys_and_usage\n");
  const made = object(await json("keygen", "acme", "--rpm", "7", "--models", "a,b"));
  const id = typeof made["id"] === "string" ? made["id"] : "";
  expect(objects(await json("keys", "list"))).toMatchObject([{ id, tenant_id: "acme" }]);
  const store = await openStore(database.url);
  await store.recordUsage([aRow(1, { apiKeyId: id, createdAt: Date.now() - 1_000 })]);
  await store.close();
  const report = await run("usage", "report", "--by", "key", "--format", "csv");
  expect(report.stdout).toContain(id);
  expect((await run("keys", "rotate", id)).code).toBe(0);
  expect((await run("keys", "revoke", id, "--yes")).code).toBe(0);
  const doctor = await run("doctor");
  expect(doctor.stdout).toMatch(/database +postgres:\/\/\S+, version \d+, 1 of 2 keys active/);
}, 60_000);

test("a deployment is copied from a file to a server, and once more without effect", async () => {
  await folder.run(["keygen", "acme"]);
  const store = await openStore(folder.database);
  await store.recordUsage([aRow(1), aRow(2)]);
  await store.close();
  const words = ["migrate", "--from", folder.database, "--to", database.url];
  const first = await folder.run(words);
  expect([first.code, first.stdout]).toEqual([
    0,
    [
      "keys: 1 copied, 0 there already",
      "usage: 2 rows of 1 days copied, 0 days there already",
      "requests: 2 in the source, 2 in the target",
      "",
    ].join("\n"),
  ]);
  expect(first.stderr).toContain("2026-05-15: 2 rows");
  expect(object(await folder.json(words))).toMatchObject({
    keys: { copied: 0, unchanged: 1 },
    rows: 0,
    other_totals: { rows: 0, tokens: 0 },
  });
  const missing = await folder.run(["migrate", "--from", "sqlite:none.db", "--to", database.url]);
  expect([missing.code, missing.stderr.includes("is no database of xjp")]).toEqual([1, true]);
  const half = await folder.run(["migrate", "--from", folder.database]);
  expect([half.code, half.stderr.includes("--from needs --to")]).toEqual([2, true]);
}, 60_000);

test("what rows of an earlier gateway lose on the way is told", async () => {
  await migrate(database.url);
  await database.sql(`insert into usage_logs (api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens,
    output_tokens, total_tokens) values (gen_random_uuid(), 't', 'm', 'p', 'pm', 3, 4, 10), (gen_random_uuid(), 't', 'm', 'p', 'pm', 3, 4, 7)`);
  const words = ["migrate", "--from", database.url, "--to", "sqlite:copy.db"];
  const copied = await folder.run(words);
  expect(copied.code).toBe(0);
  expect(copied.stderr).toContain(
    "total_tokens of 1 rows is not input and output together (3 tokens in all): the totals of days keep it, the copied rows do not",
  );
  const again = await folder.run(words);
  expect([again.code, again.stderr.includes("total_tokens")]).toEqual([0, false]);
}, 60_000);

test("passwords are in no message", async () => {
  const url = new URL(database.url);
  url.port = "1";
  url.password = "hunter2";
  for (const words of [["migrate"], ["doctor"], ["keys", "list"], ["config", "print"]]) {
    const { stdout, stderr } = await folder.run(words, { env: { DATABASE_URL: url.href } });
    expect(`${stdout}${stderr}`).not.toContain("hunter2");
  }
}, 60_000);
