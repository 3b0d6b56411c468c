/** The wire to PostgreSQL is cut or goes silent: requests go on, and the books are whole when it is mended. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { createKey } from "../../src/server/store/key.ts";
import { migrate } from "../../src/server/store/migrate.ts";
import { type CutProxy, startCutProxy } from "../support/cut-proxy.ts";
import { type FakeUpstream } from "../support/fake-upstream.ts";
import { makeDirectory, startGateway, type Gateway, type IssuedKey } from "../support/gateway.ts";
import { freshPostgres, type TestDatabase } from "../support/postgres.ts";
import { waitFor } from "../support/wait-for.ts";
import { ask, configOf, startWordUpstream } from "./_outage.ts";

let upstream: FakeUpstream;
let database: TestDatabase;
let wire: CutProxy;
let directory: string;
let url: string;
beforeAll(() => {
  upstream = startWordUpstream();
});
afterAll(() => upstream.stop());
beforeEach(async () => {
  database = await freshPostgres();
  await migrate(database.url);
  const through = new URL(database.url);
  wire = await startCutProxy(Number(through.port));
  through.port = String(wire.port);
  url = through.href;
  directory = makeDirectory();
});
afterEach(async () => {
  await wire.close();
  await database.drop();
  rmSync(directory, { recursive: true, force: true });
});

function start(): Promise<Gateway> {
  return startGateway({
    directory,
    env: { DATABASE_URL: url },
    config: configOf(upstream),
  });
}

/** What `/readyz` says is amiss, which it must say soon. */
async function faultsOf(gateway: Gateway): Promise<JsonObject> {
  const asked = performance.now();
  const body: unknown = await (await fetch(`${gateway.url}/readyz`)).json();
  expect(performance.now() - asked).toBeLessThan(900);
  if (!isJsonObject(body) || !isJsonObject(body["faults"])) throw new Error("no faults are told");
  return body["faults"];
}

const isWell = async (gateway: Gateway): Promise<boolean> =>
  Object.keys(await faultsOf(gateway)).length === 0;

/** The ids of the requests on the books, each as often as it is there. */
async function booked(): Promise<readonly string[]> {
  const rows = await database.sql("select request_id from usage_logs order by request_id");
  return rows.map((row) => String(row["request_id"]));
}

/** A gateway that has answered the request `before` of a key. */
async function served(): Promise<{ readonly gateway: Gateway; readonly issued: IssuedKey }> {
  const gateway = await start();
  const issued = await gateway.makeKey();
  await waitFor("an answer", async () => (await ask(gateway, issued.key, "before")) === 200);
  await waitFor("the books", async () => (await booked()).length === 1);
  return { gateway, issued };
}

/** Asks on a wire that is away and after its return; all of it must come to the books, once. */
async function outlive(gateway: Gateway, { key, id }: IssuedKey): Promise<void> {
  await waitFor("the loss to be seen", async () => !(await isWell(gateway)), 10_000);
  const during = Array.from({ length: 30 }, (_, number) => `during-${number}`);
  const begun = performance.now();
  for (const each of during) expect(await ask(gateway, key, each)).toBe(200);
  expect(await ask(gateway, createKey())).toBe(503);
  // Nobody waits for what is not there.
  expect(performance.now() - begun).toBeLessThan(3_000);
  await waitFor(
    "the rows to wait",
    async () =>
      JSON.stringify(await faultsOf(gateway)).includes("30 rows of usage wait for the store"),
    20_000,
  );

  await wire.mend();
  await waitFor("its return", () => isWell(gateway), 12_000);
  expect(await ask(gateway, key, "after")).toBe(200);
  const whole = ["before", "after", ...during].toSorted();
  await waitFor("the books", async () => (await booked()).length >= whole.length, 15_000);
  expect(await booked()).toEqual(whole);
  await waitFor("keys to be checked", async () => (await ask(gateway, createKey())) === 401, 5_000);
  expect((await gateway.run(["keys", "revoke", id, "--yes"])).code).toBe(0);
  await waitFor("the revocation", async () => (await ask(gateway, key)) === 403, 1_000);
}

describe("PostgreSQL away", () => {
  test("behind a wire that was cut", async () => {
    const { gateway, issued } = await served();
    await wire.cut();
    await outlive(gateway, issued);
    await gateway.stop();
  }, 60_000);

  test("behind a wire that went silent", async () => {
    const { gateway, issued } = await served();
    wire.silence();
    await outlive(gateway, issued);
    await gateway.stop();
  }, 90_000);

  test("at the start", async () => {
    const { gateway: first, issued } = await served();
    await first.stop();
    await wire.cut();
    const second = await start();
    await outlive(second, issued);
    await second.stop();
  }, 60_000);

  test("at the start, and silent", async () => {
    const { gateway: first, issued } = await served();
    await first.stop();
    wire.silence();
    const second = await start();
    await outlive(second, issued);
    await second.stop();
  }, 90_000);
});

test("a database that is put back to an older migration is told, and so is its end", async () => {
  const { gateway, issued } = await served();
  await database.sql(
    "update xjp_migrations set number = -number where number = (select max(number) from xjp_migrations)",
  );
  expect(await faultsOf(gateway)).toEqual({
    store: expect.stringMatching(
      /^database \S+: is at migration \d+, this binary needs migration \d+: run `xjp migrate`; keys are those of /,
    ),
  });
  expect(await ask(gateway, issued.key)).toBe(200);
  await database.sql("update xjp_migrations set number = abs(number)");
  expect(await faultsOf(gateway)).toEqual({});
  await gateway.stop();
}, 30_000);

test("keys that cannot be read any more are told", async () => {
  const { gateway, issued } = await served();
  await database.sql("alter table key_changes rename to key_changes_elsewhere");
  await waitFor("the fault", async () => !(await isWell(gateway)), 5_000);
  expect(await faultsOf(gateway)).toEqual({ store: expect.stringContaining('"key_changes"') });
  expect(await ask(gateway, issued.key)).toBe(200);
  await database.sql("alter table key_changes_elsewhere rename to key_changes");
  await waitFor("its end", () => isWell(gateway), 5_000);
  await gateway.stop();
}, 30_000);

test("a flood of unknown keys does not reach it", async () => {
  const { gateway } = await served();
  const before = wire.sent;
  const begun = performance.now();
  for (let wave = 0; wave < 20; wave++) {
    const statuses = await Promise.all(
      Array.from({ length: 100 }, () => ask(gateway, createKey())),
    );
    expect(new Set(statuses)).toEqual(new Set([401]));
  }
  const seconds = (performance.now() - begun) / 1000;
  // Its own looks, and those for the flood: some 4 a second, a few more at first.
  expect(wire.sent - before).toBeLessThan(20 + seconds * 15);
  await gateway.stop();
}, 60_000);
