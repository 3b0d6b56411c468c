/** The database goes away and comes back, the disk fills up and is emptied: requests go on, and the books are whole afterwards. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { BINARY } from "../support/binary.ts";
import { type FakeUpstream } from "../support/fake-upstream.ts";
import { makeDirectory, startGateway, type Gateway } from "../support/gateway.ts";
import { parseMetrics, sumOf } from "../support/prometheus.ts";
import { readUsageRows } from "../support/usage-rows.ts";
import { waitFor } from "../support/wait-for.ts";
import { text } from "../support/json.ts";
import { ask, configOf, startWordUpstream } from "./_outage.ts";

const NO_DATABASE = "this is no database, and long enough for SQLite to see that it is none";
const NOBODY = `XJP_${"n".repeat(43)}`;

let upstream: FakeUpstream;
let directory: string;
let database: string;
beforeAll(() => {
  upstream = startWordUpstream();
});
afterAll(() => upstream.stop());
beforeEach(() => {
  directory = makeDirectory();
  database = join(directory, "data/xjp/xjp.db");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function start(more = "", binary = BINARY): Promise<Gateway> {
  return startGateway({
    directory,
    binary,
    config: configOf(upstream, more),
  });
}

async function readiness(gateway: Gateway): Promise<JsonObject> {
  const body: unknown = await (await fetch(`${gateway.url}/readyz`)).json();
  if (!isJsonObject(body)) throw new Error("/readyz gives no object");
  return body;
}

const isReady = async (gateway: Gateway): Promise<boolean> =>
  (await readiness(gateway))["status"] === "ready";

/** The ids of the requests on the books, each as often as it is there. */
const booked = (): readonly string[] =>
  readUsageRows(database)
    .map((row) => text(row["request_id"]))
    .toSorted();

async function metric(gateway: Gateway, name: string): Promise<number> {
  return sumOf(parseMetrics(await (await fetch(`${gateway.url}/metrics`)).text()), name);
}

/** A gateway that has served one request, and has stopped; the key that it knows. */
async function served(): Promise<string> {
  const gateway = await start();
  const { key } = await gateway.makeKey();
  await waitFor("an answer", async () => (await ask(gateway, key, "before")) === 200);
  await gateway.stop();
  return key;
}

describe("without its database", () => {
  test("a gateway that has served before starts, serves, and catches up when it is back", async () => {
    const key = await served();
    const aside = `${database}.aside`;
    renameSync(database, aside);
    writeFileSync(database, NO_DATABASE);
    const gateway = await start();
    try {
      const told = await readiness(gateway);
      expect(told["status"]).toBe("degraded");
      expect(await metric(gateway, "xjp_degraded")).toBeGreaterThan(0);
      expect(text(told["store"])).toContain("is not an SQLite database");
      expect(text(told["store"])).toContain("0 rows of usage wait");
      expect(await ask(gateway, key, "during-1")).toBe(200);
      expect(await ask(gateway, key, "during-2")).toBe(200);
      expect(await ask(gateway, NOBODY)).toBe(503);
      await waitFor("the rows to wait", async () =>
        text((await readiness(gateway))["store"]).includes("2 rows of usage wait"),
      );

      renameSync(aside, database);
      await waitFor("the database to be there again", () => isReady(gateway));
      expect(await metric(gateway, "xjp_degraded")).toBe(0);
      await waitFor("the books", () => booked().length === 3);
      expect(booked()).toEqual(["before", "during-1", "during-2"]);
      await waitFor("keys to be read", async () => (await ask(gateway, NOBODY)) === 401, 1_000);
      const { key: fresh } = await gateway.makeKey();
      await waitFor("a new key to work", async () => (await ask(gateway, fresh)) === 200, 1_000);
      await waitFor("the log", () => gateway.log().includes("answers again"));
    } finally {
      await gateway.stop();
    }
  });

  test("a gateway that has never served does not start, and says why", async () => {
    const gateway = await start();
    await gateway.stop();
    writeFileSync(database, NO_DATABASE);
    expect(start()).rejects.toThrow("is not an SQLite database");
  });

  test("what was used of a day before counts again when it is back", async () => {
    await served();
    const first = await start();
    const { key } = await first.makeKey("tests", ["--rpm", "0", "--rpd", "5"]);
    for (let number = 0; number < 3; number++) expect(await ask(first, key)).toBe(200);
    await waitFor("the books", () => booked().length === 4);
    await first.stop();
    const aside = `${database}.aside`;
    renameSync(database, aside);
    writeFileSync(database, NO_DATABASE);
    const second = await start();
    try {
      expect(await ask(second, key)).toBe(200);
      renameSync(aside, database);
      await waitFor("its return", () => isReady(second));
      await waitFor("the books to be read", () => second.log().includes("is known again"));
      // Three before, one during: of five a day there is one left.
      expect(await ask(second, key)).toBe(200);
      expect(await ask(second, key)).toBe(429);
    } finally {
      await second.stop();
    }
  });

  test("the copy of the keys holds no key, and only its user may read it", async () => {
    const key = await served();
    const copy = join(`${database}.usage`, "keys.json");
    expect(await Bun.file(copy).text()).not.toContain(key.slice(4, 12));
    expect(statSync(copy).mode & 0o777).toBe(0o600);
  });

  test("requests go on while it is away, and a key revoked meanwhile ends with its return", async () => {
    const key = await served();
    const gateway = await start();
    const other = await gateway.makeKey();
    try {
      await waitFor("the key", async () => (await ask(gateway, other.key, "other")) === 200);
      const aside = `${database}.aside`;
      renameSync(database, aside);
      await waitFor("the loss to be seen", async () => !(await isReady(gateway)));
      expect(text((await readiness(gateway))["store"])).toContain("is gone: put it back");
      const asked = Array.from({ length: 20 }, (_, number) => `during-${number}`);
      for (const id of asked) expect(await ask(gateway, key, id)).toBe(200);
      expect(await ask(gateway, other.key, "revoked-soon")).toBe(200);
      expect(existsSync(database)).toBe(false);

      renameSync(aside, database);
      await waitFor("its return", () => isReady(gateway));
      expect((await gateway.run(["keys", "revoke", other.id, "--yes"])).code).toBe(0);
      await waitFor("the revocation", async () => (await ask(gateway, other.key)) === 403, 1_000);
      const whole = ["before", "other", "revoked-soon", ...asked].toSorted();
      await waitFor("the books", () => booked().length >= whole.length);
      expect(booked().filter((id) => !id.startsWith("req_"))).toEqual(whole);
    } finally {
      await gateway.stop();
    }
  });

  test("keys work no longer than their grace", async () => {
    const key = await served();
    const gateway = await start("[keys]\ngrace_ms = 1000");
    try {
      renameSync(database, `${database}.aside`);
      const lost = performance.now();
      await waitFor("the grace to end", async () => (await ask(gateway, key)) === 503);
      expect(performance.now() - lost).toBeGreaterThan(600);
      renameSync(`${database}.aside`, database);
      await waitFor("the keys to work", async () => (await ask(gateway, key)) === 200, 2_000);
    } finally {
      await gateway.stop();
    }
  });
});

describe("on a full disk", () => {
  test("requests go on, the loss is counted and shouted, and it mends itself", async () => {
    const key = await served();
    // No file of the process may grow beyond 16 KiB, until the test lets it: the database is larger than that already.
    const limited = join(directory, "limited.sh");
    writeFileSync(limited, `#!/bin/sh\ntrap '' XFSZ\nulimit -S -f 32\nexec ${BINARY} "$@"\n`, {
      mode: 0o755,
    });
    const gateway = await start("", limited);
    try {
      let sent = 0;
      await waitFor("the journal to be full", async () => {
        expect(await ask(gateway, key, `during-${(sent += 1)}`)).toBe(200);
        return (await metric(gateway, "xjp_usage_journal_pending")) > 0 && sent >= 150;
      });
      const told = await waitFor("it to be told", async () => {
        const now = await readiness(gateway);
        return isJsonObject(now["faults"]) && "journal" in now["faults"] ? now : undefined;
      });
      expect(told["status"]).toBe("degraded");
      expect(JSON.stringify(told["faults"])).toContain("rows of usage are in memory only");
      await waitFor("the log", () => gateway.log().includes("cannot be written"));
      expect(await ask(gateway, key, "still")).toBe(200);

      const freed = Bun.spawnSync(["prlimit", `--pid=${gateway.pid}`, "--fsize=unlimited"]);
      expect(freed.stderr.toString()).toBe("");
      await waitFor("it to mend itself", () => isReady(gateway), 10_000);
      await waitFor(
        "the books",
        async () => (await metric(gateway, "xjp_usage_journal_pending")) === 0,
      );
      const ids = booked();
      expect(new Set(ids).size).toBe(ids.length);
      // Memory had room for all of them.
      expect(await metric(gateway, "xjp_usage_journal_lost")).toBe(0);
      expect(ids).toHaveLength(sent + 2);
      await waitFor("the log", () => gateway.log().includes("can be written again"));
    } finally {
      await gateway.stop();
    }
  });
});
