import { describe, expect, test } from "bun:test";
import { array, assert, asyncProperty, boolean, double, nat, oneof, record } from "fast-check";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import { type Admission, createLimiter, type Limiter } from "../../../src/server/gateway/limits.ts";
import { createSharedGauge } from "../../../src/server/gateway/limits/shared-gauge.ts";
import { createTeller, type Teller } from "../../../src/server/gateway/limits/teller.ts";
import { INSTANCE_MS } from "../../../src/server/store/leases.ts";
import type { KeyRecord, KeyTotals } from "../../../src/server/store/store.ts";
import { createMemoryCentre } from "../../support/memory-leases.ts";
import { fixedClock, keyRecord } from "./_setup.ts";

type Instance = {
  readonly limiter: Limiter;
  readonly teller: Teller;
  readonly changes: boolean[];
  admit(key: KeyRecord, tokens?: number, cost?: number): Promise<Admission>;
  /** How many of so many that come at once are let in. */
  crowd(key: KeyRecord, count: number): Promise<number>;
};

/** Instances around one centre, all of them heard of. */
async function setup(count = 2) {
  const clock = fixedClock();
  const centre = createMemoryCentre(clock);
  const config = {
    rateLimiting: { defaultRpm: 0, burstSize: 0, assumedOutputTokens: 0, instances: 1 },
    tenants: {},
    models: [],
  };
  const books: { today: KeyTotals[]; error?: Error } = { today: [] };
  const instances = Array.from({ length: count }, (_, index): Instance => {
    const changes: boolean[] = [];
    const teller = createTeller({
      leases: centre.open(`instance ${index}`),
      instances: () => 1,
      recount: async () => {
        if (books.error) throw books.error;
        limiter.restore(books.today, []);
      },
      clock,
      onChange: (away) => changes.push(away),
    });
    const limiter: Limiter = createLimiter({
      config: () => config,
      clock,
      onHit: () => undefined,
      shared: (rule, now) => createSharedGauge(rule, now, teller),
    });
    const admit = async (key: KeyRecord, tokens = 0, cost = 0): Promise<Admission> =>
      limiter.admit(
        { key, model: "fast", tokens: () => tokens, costNanoUsd: () => cost },
        () => undefined,
      );
    return {
      limiter,
      teller,
      changes,
      admit,
      async crowd(key, size) {
        const all = Array.from({ length: size }, () => admit(key).then(...OUTCOME));
        return (await Promise.all(all)).filter(Boolean).length;
      },
    };
  });
  const turn = async (): Promise<void> => {
    for (const { teller } of instances) await teller.turn();
  };
  // Twice: the first ones have not heard of the last.
  await turn();
  await turn();
  const [one, two] = instances;
  if (!one || !two) throw new Error("at least two");
  return { clock, centre, books, instances, one, two, turn };
}

const OUTCOME = [
  () => true,
  (error: unknown) => {
    if (error instanceof ChatError && error.kind === "rate-limited") return false;
    throw error;
  },
] as const;

function code(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => "admitted",
    (error: unknown) => (error instanceof ChatError ? error.code : String(error)),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

describe("instances together", () => {
  test("let exactly the limit through, however many come wherever", async () => {
    const { instances } = await setup(4);
    const key = keyRecord({ rpd: 100 });
    const admitted = await Promise.all(instances.map((each) => each.crowd(key, 80)));
    expect(sum(admitted)).toBe(100);
  });

  test("let the limit through when requests come one by one", async () => {
    const { instances, turn, clock } = await setup(4);
    const key = keyRecord({ rpd: 100 });
    let admitted = 0;
    for (let count = 0; count < 200; count += 1) {
      admitted += (await instances[count % 4]?.crowd(key, 1)) ?? 0;
      clock.advance(10);
      if (count % 50 === 0) await turn();
    }
    expect(admitted).toBe(100);
  });

  test("ask seldom for a busy key with plenty left, and for each request of a seldom one", async () => {
    const { one, centre, clock } = await setup();
    const busy = keyRecord({ rpd: 1_000_000 });
    for (let count = 0; count < 2000; count += 1) {
      await one.admit(busy);
      clock.advance(1);
    }
    expect(centre.takes).toBeLessThan(60);
  });

  test("are as quick as one alone while a lease is in hand", async () => {
    const { one } = await setup();
    const key = keyRecord({ rpd: 1_000_000 });
    for (let count = 0; count < 4; count += 1) await one.admit(key);
    const entrant = { key, model: "fast", tokens: () => 0, costNanoUsd: () => 0 };
    expect(one.limiter.admit(entrant, () => undefined)).not.toBeInstanceOf(Promise);
  });

  test("give back what they leased and do not need", async () => {
    const { one, two, clock, turn } = await setup();
    const key = keyRecord({ rpd: 1000 });
    for (let count = 0; count < 20; count += 1) await one.admit(key);
    clock.advance(500);
    await turn();
    clock.advance(500);
    await turn();
    expect(await two.crowd(key, 1000)).toBe(980);
  });

  test("settle tokens and money for everybody", async () => {
    const { one, two, clock } = await setup();
    const key = keyRecord({ tokensPerDay: 1000, budgetNanoUsd: 1000 });
    const first = await one.admit(key, 900, 900);
    expect(await code(two.admit(key, 200, 0))).toBe("rate_limit_exceeded");
    first.settle(100, 300);
    clock.advance(250);
    await two.admit(key, 900, 700);
    expect(await code(one.admit(key, 1, 0))).toBe("rate_limit_exceeded");
  });

  test("hear of what was used beyond a reservation", async () => {
    const { one, two, turn, clock } = await setup();
    const key = keyRecord({ budgetNanoUsd: 1000 });
    (await one.admit(key)).settle(0, 1500);
    clock.advance(600);
    await turn();
    expect(await code(two.admit(key))).toBe("insufficient_quota");
  });

  test("pass one place around at once", async () => {
    const { one, two, clock } = await setup();
    const key = keyRecord({ concurrency: 1 });
    for (const [here, there] of [
      [one, two],
      [two, one],
      [one, two],
    ] as const) {
      const first = await here.admit(key);
      expect(await there.crowd(key, 1)).toBe(0);
      first.settle(0, 0);
      // A refusal stands for a moment.
      clock.advance(25);
      const next = await there.admit(key);
      next.settle(0, 0);
      clock.advance(25);
    }
  });

  test("free the places of one that is gone", async () => {
    const { one, two, clock } = await setup();
    const key = keyRecord({ concurrency: 2 });
    await one.crowd(key, 2);
    expect(await two.crowd(key, 1)).toBe(0);
    clock.advance(INSTANCE_MS + 1);
    await two.teller.turn();
    expect(await two.crowd(key, 2)).toBe(2);
  });

  test("begin with what the books say", async () => {
    const { one, two } = await setup();
    const key = keyRecord({ rpd: 10 });
    one.limiter.restore([totals(key, 7)], []);
    expect(await one.crowd(key, 10)).toBe(3);
    expect(await two.crowd(key, 10)).toBe(0);
  });
});

describe("while nobody answers", () => {
  test("each keeps to its part of the rate, and of what was left of the day", async () => {
    const { instances, one, centre, clock } = await setup(4);
    const key = keyRecord({ rpm: 80, rpd: 100 });
    for (const instance of instances) await instance.crowd(key, 5);
    centre.isDown = true;
    clock.advance(1000);
    const admitted = await Promise.all(instances.map((each) => each.crowd(key, 100)));
    expect(sum(admitted)).toBeLessThanOrEqual(100 - 20 + 20);
    for (const count of admitted) expect(count).toBeWithin(10, 26);
    expect(one.changes).toEqual([true]);
  });

  test("one that never heard of the others begins with its own part", async () => {
    const { two, centre } = await setup();
    centre.isDown = true;
    const key = keyRecord({ concurrency: 4, rpd: 10 });
    await two.teller.turn();
    expect(await two.crowd(key, 10)).toBe(2);
  });

  test("a request with no known price goes on only while something of the budget is left", async () => {
    const { one, centre } = await setup();
    const key = keyRecord({ budgetNanoUsd: 1000 });
    (await one.admit(key, 0, 400)).settle(0, 1000);
    centre.isDown = true;
    await one.teller.turn();
    expect(await code(one.admit(key))).toBe("insufficient_quota");
  });

  test("what was used counts when the centre is back, and places are held again", async () => {
    const { one, two, centre, turn, clock } = await setup();
    const key = keyRecord({ rpd: 100 });
    await one.crowd(key, 9);
    await two.crowd(key, 1);
    centre.isDown = true;
    await turn();
    const alone = (await one.crowd(key, 100)) + (await two.crowd(key, 100));
    expect(alone).toBeWithin(45, 96);
    centre.isDown = false;
    await turn();
    clock.advance(1000);
    await turn();
    expect(one.changes).toEqual([true, false]);
    const rest = (await one.crowd(key, 100)) + (await two.crowd(key, 100));
    expect(alone + rest + 10).toBeLessThanOrEqual(100);
    expect(alone + rest + 10).toBeGreaterThanOrEqual(95);
  });

  test("one that was only taken for dead tells its places, and does not count by the books", async () => {
    const { one, two, clock } = await setup();
    const key = keyRecord({ rpd: 100, concurrency: 80 });
    await one.crowd(key, 60);
    clock.advance(INSTANCE_MS + 1);
    await two.teller.turn();
    await one.teller.turn();
    expect(await two.crowd(keyRecord({ concurrency: 80 }), 50)).toBe(20);
    expect(await two.crowd(keyRecord({ rpd: 100 }), 100)).toBe(40);
  });

  test("it is not asked before what was used meanwhile has arrived, also what is used until then", async () => {
    const { one, two, centre } = await setup();
    const key = keyRecord({ rpd: 100 });
    await one.crowd(key, 10);
    centre.isDown = true;
    await one.teller.turn();
    expect(await one.crowd(key, 20)).toBe(20);
    centre.isDown = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    centre.giving = promise;
    const turning = one.teller.turn();
    for (let step = 0; step < 20; step += 1) await Promise.resolve();
    expect(one.teller.isAway).toBe(true);
    expect(await one.crowd(key, 5)).toBe(5);
    resolve();
    await turning;
    expect(one.teller.isAway).toBe(false);
    expect(await two.crowd(key, 100)).toBe(65);
  });

  test.each<[string, Error | undefined]>([
    ["by what the books say", undefined],
    ["by what each remembers when they cannot be read", new Error("no books")],
  ])("a centre that has forgotten everything is told %s", async (_, error) => {
    const { one, two, centre, books, clock, turn } = await setup();
    const key = keyRecord({ rpd: 100, concurrency: 80 });
    const ended = await Promise.all(Array.from({ length: 30 }, () => one.admit(key)));
    for (const admission of ended) admission.settle(0, 0);
    await two.crowd(key, 10);
    await one.crowd(key, 50);
    if (error) books.error = error;
    // Those in flight are not in the books.
    books.today = [totals(key, 30)];
    centre.forget();
    await turn();
    const rest = keyRecord({ rpd: 100 });
    expect(await two.crowd(rest, 100)).toBe(10);
    expect(await one.crowd(rest, 100)).toBe(0);
    // Sixty of eighty places are held.
    clock.advance(1000);
    await turn();
    const places = keyRecord({ concurrency: 80 });
    expect((await two.crowd(places, 50)) + (await one.crowd(places, 50))).toBe(20);
  });
});

test("whatever comes wherever, all together stay within the limits of days, money and places", async () => {
  const step = oneof(
    record({ at: nat({ max: 2 }), tokens: nat({ max: 300 }), cost: nat({ max: 40 }) }),
    record({
      settle: nat({ max: 20 }),
      share: double({ min: 0, max: 1, noNaN: true }),
    }),
    record({ wait: nat({ max: 3000 }), turn: boolean() }),
  );
  await assert(
    asyncProperty(array(step, { maxLength: 120 }), async (steps) => {
      const { instances, clock, turn } = await setup(3);
      const key = keyRecord({
        rpd: 60,
        tokensPerDay: 4000,
        budgetNanoUsd: 500,
        concurrency: 5,
      });
      const open: { tokens: number; cost: number; admission: Admission }[] = [];
      let admitted = 0;
      let tokens = 0;
      let cost = 0;
      for (const one of steps) {
        if ("wait" in one) {
          // Nobody is silent for so long that it is taken for dead.
          clock.advance(one.wait);
          await turn();
          if (one.turn) await turn();
        } else if ("settle" in one) {
          const [ended] = open.splice(one.settle, 1);
          if (!ended) continue;
          const usedTokens = Math.floor(ended.tokens * one.share);
          const usedCost = Math.floor(ended.cost * one.share);
          ended.admission.settle(usedTokens, usedCost);
          tokens += usedTokens;
          cost += usedCost;
        } else {
          const instance = instances[one.at];
          try {
            const admission = await instance?.admit(key, one.tokens, one.cost);
            if (admission) open.push({ tokens: one.tokens, cost: one.cost, admission });
            admitted += 1;
          } catch (error) {
            if (!(error instanceof ChatError)) throw error;
          }
        }
        expect(open.length).toBeLessThanOrEqual(5);
        expect(admitted).toBeLessThanOrEqual(60);
        expect(sum(open.map((each) => each.tokens)) + tokens).toBeLessThanOrEqual(4000);
        expect(sum(open.map((each) => each.cost)) + cost).toBeLessThanOrEqual(500);
      }
      for (const { admission } of open) admission.settle(0, 0);
      clock.advance(600);
      await turn();
      clock.advance(600);
      await turn();
      // What is left is to be had by anybody, all of it and no more.
      const rest = keyRecord({ tokensPerDay: 4000, budgetNanoUsd: 500 });
      if (tokens === 4000 || cost === 500) return;
      expect(await code(instances[2]?.admit(rest, 4001 - tokens, 1) ?? Promise.resolve())).toBe(
        "rate_limit_exceeded",
      );
      // A refused one has leased what there was of the other limit.
      clock.advance(600);
      await turn();
      clock.advance(600);
      await turn();
      const all = await instances[1]?.admit(rest, 4000 - tokens, 500 - cost);
      expect(all).toBeDefined();
    }),
    { numRuns: 100 },
  );
});

function totals(key: KeyRecord, requests: number): KeyTotals {
  return {
    apiKeyId: key.id,
    tenantId: key.tenantId,
    logicalModel: "fast",
    requests,
    tokens: 0,
    costNanoUsd: 0,
  };
}
