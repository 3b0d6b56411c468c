/** Four processes of the built binary and one key: what all of them let through together, on Redis and on PostgreSQL. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { type CutProxy, startCutProxy } from "../support/cut-proxy.ts";
import { countOf, type Fleet, startFleet } from "../support/fleet.ts";
import { makeDatabase, newestServer } from "../support/postgres.ts";
import { parseMetrics, sumOf } from "../support/prometheus.ts";
import { isWithoutRedis, type RedisServer, startRedis } from "../support/redis.ts";
import { jsonReply } from "../support/reply.ts";
import { reply } from "../support/samples.ts";
import { waitFor } from "../support/wait-for.ts";

const SIZE = 4;
const PRICES = "[prices.chat]\ninput = 1000\noutput = 1000\n";

type Backend = { readonly fleet: Fleet; stop(): Promise<void> };

const backends: readonly (readonly [string, () => Promise<Backend>])[] = [
  ...(isWithoutRedis() ? [] : [["Redis", onRedis] as const]),
  ["PostgreSQL", onPostgres],
];

async function onRedis(): Promise<Backend> {
  const redis = await startRedis();
  const fleet = await startFleet({ size: SIZE, redis: redis.url, more: PRICES });
  return {
    fleet,
    async stop() {
      await fleet.stop();
      await redis.remove();
    },
  };
}

async function onPostgres(): Promise<Backend> {
  const database = await makeDatabase(newestServer());
  const fleet = await startFleet({ size: SIZE, database: database.url, more: PRICES });
  return {
    fleet,
    async stop() {
      await fleet.stop();
      await database.drop();
    },
  };
}

describe.each(backends)("four gateways on %s", (_, open) => {
  let backend: Backend;
  let fleet: Fleet;
  beforeAll(async () => {
    backend = await open();
    ({ fleet } = backend);
  }, 60_000);
  afterAll(() => backend.stop(), 60_000);

  test("let a hundred of a hundred requests a day through, and not one more", async () => {
    const { key } = await fleet.first.makeKey("acme", ["--rpm", "0", "--rpd", "100"]);
    const before = fleet.upstream.calls.length;
    let admitted = countOf(await fleet.crowd(key, 400), 200);
    expect(admitted).toBeLessThanOrEqual(100);
    // What one had leased and another could have used is to be had within about a second.
    await waitFor("the rest to be let through", async () => {
      admitted += countOf(await fleet.crowd(key, 8), 200);
      return admitted >= 100;
    });
    for (let round = 0; round < 5; round += 1) {
      expect(countOf(await fleet.crowd(key, 40), 429)).toBe(40);
    }
    expect(admitted).toBe(100);
    expect(fleet.upstream.calls.length - before).toBe(100);
  }, 30_000);

  test("let a burst of a minute's requests through, and what comes back of it", async () => {
    const { key } = await fleet.first.makeKey("acme", ["--rpm", "200", "--rpd", "0"]);
    const began = performance.now();
    let admitted = 0;
    for (let round = 0; round < 4; round += 1) {
      admitted += countOf(await fleet.crowd(key, 100), 200);
    }
    const seconds = (performance.now() - began) / 1000;
    // Six seconds' worth at once (the default burst), and 200 a minute since.
    expect(admitted).toBeLessThanOrEqual(20 + Math.ceil((seconds * 200) / 60) + 1);
    expect(admitted).toBeGreaterThanOrEqual(15);
  }, 30_000);

  test("have no more requests in flight than the key may, and no fewer for long", async () => {
    const { key } = await fleet.first.makeKey("acme", ["--concurrency", "6"]);
    let running = 0;
    let most = 0;
    fleet.upstream.answer(async () => {
      running += 1;
      most = Math.max(most, running);
      await Bun.sleep(30);
      running -= 1;
      return jsonReply(reply("Hello.", { input: 3, output: 2 }));
    });
    for (let round = 0; round < 6; round += 1) await fleet.crowd(key, 40);
    expect(most).toBe(6);
    fleet.upstream.answer(() => jsonReply(reply("Hello.", { input: 3, output: 2 })));
    await waitFor(
      "all places to be free",
      async () => countOf(await fleet.crowd(key, 6), 200) >= 5,
    );
  }, 30_000);

  test("spend no more than the budget", async () => {
    // Five tokens at $1,000 a million: half a cent a request.
    const { key } = await fleet.first.makeKey("acme", ["--budget", "0.10"]);
    let spent = 0;
    await waitFor(
      "the budget to be spent",
      async () => {
        const statuses = await fleet.crowd(key, 16);
        spent += countOf(statuses, 200);
        return countOf(statuses, 402) === 16;
      },
      20_000,
    );
    expect(spent).toBeLessThanOrEqual(20);
  }, 30_000);
});

describe.skipIf(isWithoutRedis())("four gateways whose Redis goes away", () => {
  let redis: RedisServer;
  let fleet: Fleet;
  beforeAll(async () => {
    redis = await startRedis();
    fleet = await startFleet({ size: SIZE, redis: redis.url });
  }, 30_000);
  afterAll(async () => {
    await fleet.stop();
    await redis.remove();
  }, 30_000);

  const metric = async (name: string): Promise<number> => {
    const pages = await Promise.all(
      fleet.gateways.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()),
    );
    return pages.reduce((sum, page) => sum + sumOf(parseMetrics(page), name), 0);
  };

  test("go on with their parts, say so, and count together again when it is back", async () => {
    const { key } = await fleet.first.makeKey("acme", ["--rpm", "0", "--rpd", "400"]);
    expect(await metric("xjp_limits_alone")).toBe(0);
    await waitFor(
      "all to have heard of all",
      async () => (await metric("xjp_limits_instances")) === SIZE * SIZE,
    );
    expect(countOf(await fleet.crowd(key, 40), 200)).toBe(40);
    await redis.stop();
    // For each a quarter of what had been left when it last asked, which was before the others did.
    const alone = countOf(await fleet.crowd(key, 600), 200);
    expect(alone).toBeWithin(300, 400 + 1);
    expect(await metric("xjp_limits_alone")).toBe(SIZE);
    // Nobody can say whether it was asked before, and it is answered all the same.
    const free = await fleet.first.makeKey("acme");
    expect(await fleet.crowd(free.key, 2, { "idempotency-key": "alone" })).toEqual([200, 200]);
    const ready: unknown = await (await fetch(`${fleet.first.url}/readyz`)).json();
    expect(ready).toMatchObject({ status: "degraded" });
    expect(JSON.stringify(ready)).toContain("each gateway keeps to its part of the limits");
    await redis.start();
    await waitFor("all to be together again", async () => (await metric("xjp_limits_alone")) === 0);
    const rest = countOf(await fleet.crowd(key, 400), 200);
    expect(rest).toBeLessThanOrEqual(Math.max(0, 400 - 40 - alone) + 5);
    for (const gateway of fleet.gateways) {
      expect(gateway.log()).toContain("shared limits");
      await waitFor("it to be said", () => gateway.log().includes("answers again"));
    }
  }, 40_000);

  test("do not wait for one that hangs, but once", async () => {
    const { key } = await fleet.first.makeKey("acme", ["--rpm", "0", "--rpd", "1000"]);
    expect(countOf(await fleet.crowd(key, 8), 200)).toBe(8);
    redis.freeze();
    try {
      const began = performance.now();
      expect(countOf(await fleet.crowd(key, 8), 200)).toBe(8);
      const first = performance.now() - began;
      expect(countOf(await fleet.crowd(key, 8), 200)).toBe(8);
      // A second of waiting, and what a busy machine takes beside it.
      expect(first).toBeLessThan(5000);
      expect(performance.now() - began - first).toBeLessThan(1000);
      expect(await metric("xjp_limits_alone")).toBe(SIZE);
    } finally {
      redis.thaw();
    }
    await waitFor("all to be together again", async () => (await metric("xjp_limits_alone")) === 0);
  }, 30_000);

  test("free the places of one that was killed", async () => {
    const { key } = await fleet.first.makeKey("acme", ["--concurrency", "3"]);
    let arrived = 0;
    fleet.upstream.answer(async ({ signal }) => {
      arrived += 1;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return jsonReply("{}");
    });
    const victim = fleet.gateways[SIZE - 1];
    const lost = Array.from({ length: 3 }, () =>
      fetch(`${victim?.url ?? ""}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify({ model: "chat", messages: [{ role: "user", content: "Stay." }] }),
      }).catch(() => undefined),
    );
    await waitFor("three requests in flight", () => arrived === 3);
    expect(countOf(await fleet.crowd(key, 3), 429)).toBe(3);
    victim?.signal("SIGKILL");
    await Promise.all(lost);
    fleet.upstream.answer(() => jsonReply(reply("Hello.", { input: 3, output: 2 })));
    await waitFor(
      "its places to be free",
      async () => {
        const answer = await fetch(`${fleet.first.url}/v1/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}` },
          body: JSON.stringify({ model: "chat", messages: [{ role: "user", content: "Now?" }] }),
        });
        return answer.status === 200;
      },
      10_000,
    );
  }, 30_000);
});

type Wired = { readonly fleet: Fleet; readonly wire: CutProxy; stop(): Promise<void> };

async function redisByWire(): Promise<Wired> {
  const redis = await startRedis();
  const wire = await startCutProxy(Number(new URL(redis.url).port));
  const fleet = await startFleet({ size: 2, redis: `redis://127.0.0.1:${wire.port}` });
  return {
    fleet,
    wire,
    async stop() {
      await fleet.stop();
      await wire.close();
      await redis.remove();
    },
  };
}

async function postgresByWire(): Promise<Wired> {
  const database = await makeDatabase(newestServer());
  const through = new URL(database.url);
  const wire = await startCutProxy(Number(through.port));
  through.port = String(wire.port);
  const fleet = await startFleet({ size: 2, database: through.href });
  return {
    fleet,
    wire,
    async stop() {
      await fleet.stop();
      await wire.close();
      await database.drop();
    },
  };
}

const wires: readonly (readonly [string, () => Promise<Wired>])[] = [
  ...(isWithoutRedis() ? [] : [["Redis", redisByWire] as const]),
  ["PostgreSQL", postgresByWire],
];

describe.each(wires)("two gateways whose wire to %s fails", (_, open) => {
  let wired: Wired;
  beforeAll(async () => {
    wired = await open();
  }, 60_000);
  afterAll(() => wired.stop(), 60_000);

  const alone = async (): Promise<number> => {
    const pages = await Promise.all(
      wired.fleet.gateways.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()),
    );
    return pages.reduce((sum, page) => sum + sumOf(parseMetrics(page), "xjp_limits_alone"), 0);
  };

  test.each([
    ["is cut", () => wired.wire.cut()],
    ["goes silent", async () => wired.wire.silence()],
  ])(
    "go on while it %s, and count together when it is mended",
    async (_how, fail) => {
      const { fleet, wire } = wired;
      const { key } = await fleet.first.makeKey("acme", ["--rpm", "0", "--rpd", "100"]);
      expect(countOf(await fleet.crowd(key, 20), 200)).toBe(20);
      await fail();
      const during = countOf(await fleet.crowd(key, 40), 200);
      expect(during).toBe(40);
      await waitFor("both to know", async () => (await alone()) === 2, 10_000);
      await wire.mend();
      await waitFor("both to be together again", async () => (await alone()) === 0, 15_000);
      let rest = 0;
      await waitFor("the day to be used up", async () => {
        const statuses = await fleet.crowd(key, 20);
        rest += countOf(statuses, 200);
        return countOf(statuses, 429) === 20;
      });
      // What was in flight when the wire failed may be counted twice; nothing is counted never.
      expect(20 + during + rest).toBeWithin(80, 100 + 1);
    },
    40_000,
  );
});
