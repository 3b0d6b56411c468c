/** Gateways that share one PostgreSQL database. */
import { afterAll, beforeAll, expect, test } from "bun:test";

import postgres from "postgres";

import { migrate } from "../../src/server/store/migrate.ts";
import { configText } from "../support/config-text.ts";
import { startFakeUpstream, type FakeUpstream } from "../support/fake-upstream.ts";
import { startGateway, type Gateway } from "../support/gateway.ts";
import { freshPostgres, startOwnServer, type TestDatabase } from "../support/postgres.ts";
import { post } from "../support/raw-client.ts";
import { jsonReply } from "../support/reply.ts";
import { chatBody } from "../support/rig.ts";
import { PROVIDER_MODEL, reply } from "../support/samples.ts";
import { waitFor } from "../support/wait-for.ts";

let upstream: FakeUpstream;
let database: TestDatabase;
let gateways: readonly Gateway[];
beforeAll(async () => {
  upstream = startFakeUpstream();
  upstream.lane("first").answer(() => jsonReply(reply("word", { input: 7, output: 1 })));
  database = await freshPostgres();
  gateways = await startTwo(database.url);
}, 60_000);
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await database.drop();
  await upstream.stop();
}, 60_000);

async function startTwo(url: string): Promise<readonly Gateway[]> {
  await migrate(url);
  const options = {
    env: { DATABASE_URL: url },
    config: configText({
      providers: { first: { kind: "openai-compatible", url: upstream.lane("first").url } },
      models: { chat: [{ provider: "first", model: PROVIDER_MODEL }] },
    }),
  };
  return Promise.all([startGateway(options), startGateway(options)]);
}

const first = (): Gateway => gateways[0] ?? expect.unreachable();

function answers(key: string, of = gateways): Promise<readonly number[]> {
  return Promise.all(
    of.map(async (gateway) => (await post(gateway.url, key, chatBody(), {})).status),
  );
}

/** How long it takes until every gateway refuses the key, in milliseconds. */
async function untilRefused(key: string, of = gateways): Promise<number> {
  const started = performance.now();
  await waitFor("every gateway to refuse the key", async () =>
    (await answers(key, of)).every((status) => status === 401 || status === 403),
  );
  return performance.now() - started;
}

test("a key made on one is good on all, and revoked on all within a second", async () => {
  const { key, id } = await first().makeKey();
  expect(await answers(key)).toEqual([200, 200]);
  expect((await first().run(["keys", "revoke", id, "--yes"])).code).toBe(0);
  expect(await untilRefused(key)).toBeLessThan(1_000);
}, 30_000);

test("an edit by hand reaches all within a second, also after their connections were cut", async () => {
  const { key, id } = await first().makeKey();
  expect(await answers(key)).toEqual([200, 200]);
  await database.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  await database.sql(`update api_keys set is_active = false where id = '${id}'`);
  expect(await untilRefused(key)).toBeLessThan(1_000);
}, 30_000);

test("the usage of all is in one report", async () => {
  const { key, id } = await first().makeKey("shared");
  for (let round = 0; round < 3; round++) expect(await answers(key)).toEqual([200, 200]);
  await waitFor("all usage to be stored", async () => {
    const { stdout } = await first().run(["usage", "report", "--by", "key", "--format", "csv"]);
    return stdout.split("\n").some((line) => line.includes(id) && /(?:^|,)6(?:,|$)/.test(line));
  });
  for (const gateway of gateways) expect(gateway.log()).not.toContain('"level":"error"');
}, 30_000);

test("a server that crashed and is back is found again by all, and nothing of the usage is missing", async () => {
  const url = await startOwnServer();
  const own = await startTwo(url);
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  const made = await own[0]?.makeKey();
  const { key = "", id = "" } = made ?? {};
  expect(await answers(key, own)).toEqual([200, 200]);
  const [backend] = await sql`select pid from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid() limit 1`;
  // One that dies takes all down: PostgreSQL closes every connection and recovers.
  process.kill(Number(backend?.["pid"]), "SIGKILL");
  expect(await answers(key, own)).toEqual([200, 200]);
  await waitFor("all usage to be stored", async () => {
    try {
      const [stored] = await sql`select sum(requests)::integer as requests from usage_daily`;
      return stored?.["requests"] === 4;
    } catch {
      return false;
    }
  });
  await sql`update api_keys set is_active = false where id = ${id}`;
  expect(await untilRefused(key, own)).toBeLessThan(1_000);
  await sql.end();
  await Promise.all(own.map((gateway) => gateway.stop()));
}, 60_000);
