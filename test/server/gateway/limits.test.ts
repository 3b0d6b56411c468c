import { describe, expect, test } from "bun:test";
import { array, assert, double, nat, oneof, property, record } from "fast-check";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import type { LimitTerms } from "../../../src/server/config/config.ts";
import {
  type Admission,
  type LimitState,
  createLimiter,
} from "../../../src/server/gateway/limits.ts";
import { startOfMonth } from "../../../src/server/gateway/limits/rule.ts";
import { startOfDay } from "../../../src/server/store/usage-span.ts";
import type { KeyRecord, KeyTotals } from "../../../src/server/store/store.ts";
import { chatErrorOf } from "../../support/rejection.ts";
import { fixedClock, keyRecord } from "./_setup.ts";

type Setup = {
  readonly defaultRpm?: number;
  readonly burstSize?: number;
  readonly tenants?: Readonly<Record<string, LimitTerms>>;
  readonly models?: Readonly<Record<string, LimitTerms>>;
};

function setup(options: Setup = {}) {
  const clock = fixedClock();
  const hits: string[] = [];
  const config = {
    rateLimiting: {
      defaultRpm: options.defaultRpm ?? 0,
      burstSize: options.burstSize ?? 0,
      assumedOutputTokens: 0,
      instances: 1,
    },
    tenants: Object.fromEntries(
      Object.entries(options.tenants ?? {}).map(([name, limits]) => [name, { limits }]),
    ),
    models: Object.entries(options.models ?? {}).map(([name, limits]) => ({
      name,
      routes: [],
      limits,
    })),
  };
  const limiter = createLimiter({
    config: () => config,
    clock,
    onHit: (tenant, limit) => hits.push(`${tenant}:${limit}`),
  });
  let state: LimitState = {};
  const admit = (key: KeyRecord, tokens = 0, cost = 0, model = "fast"): Admission => {
    const most = { tokens: () => tokens, costNanoUsd: () => cost };
    const admission = limiter.admit({ key, model, ...most }, (next) => {
      state = next;
    });
    if (admission instanceof Promise) throw new Error("nobody else is there to be asked");
    return admission;
  };
  const refusal = (key: KeyRecord, tokens = 0, cost = 0, model = "fast"): ChatError =>
    chatErrorOf(() => admit(key, tokens, cost, model));
  return { clock, hits, limiter, admit, refusal, state: () => state };
}

function totals(key: KeyRecord, fields: Partial<KeyTotals>): KeyTotals {
  return {
    apiKeyId: key.id,
    tenantId: key.tenantId,
    logicalModel: "fast",
    requests: 0,
    tokens: 0,
    costNanoUsd: 0,
    ...fields,
  };
}

describe("requests a minute", () => {
  test("let a minute's worth through at once when no burst is set, then one per interval", () => {
    const { admit, refusal, clock } = setup();
    const key = keyRecord({ rpm: 60 });
    for (let count = 0; count < 60; count += 1) admit(key);
    expect(refusal(key).retryAfterMs).toBe(1000);
    clock.advance(1000);
    admit(key);
    expect(refusal(key).kind).toBe("rate-limited");
  });

  test("let only the burst through at once when one is set", () => {
    const { admit, refusal } = setup({ burstSize: 10 });
    const key = keyRecord({ rpm: 60 });
    for (let count = 0; count < 10; count += 1) admit(key);
    expect(refusal(key).code).toBe("rate_limit_exceeded");
  });

  test("let a key with a high rate send six seconds' worth at once, whatever the burst", () => {
    const { admit, refusal } = setup({ burstSize: 10 });
    const key = keyRecord({ rpm: 6000 });
    for (let count = 0; count < 600; count += 1) admit(key);
    expect(refusal(key).message).toContain("600 at once");
  });

  test("let a key with a low rate send no more than its minute's worth", () => {
    const { admit, refusal } = setup({ burstSize: 10 });
    const key = keyRecord({ rpm: 3 });
    for (let count = 0; count < 3; count += 1) admit(key);
    expect(refusal(key).retryAfterMs).toBe(20_000);
  });

  test("fall back to the configured default when the key has none of its own", () => {
    const { admit, refusal } = setup({ defaultRpm: 1 });
    admit(keyRecord({ rpm: null }));
    expect(refusal(keyRecord({ rpm: null })).message).toContain("limit of 1 request a minute");
  });

  test("are counted for each key by itself", () => {
    const { admit } = setup();
    admit(keyRecord({ rpm: 1 }));
    admit(keyRecord({ rpm: 1, id: "0198a000-0000-7000-8000-000000000002" }));
  });

  test("tell what is left, and when a refused window opens", () => {
    const { admit, refusal, state, clock } = setup();
    const key = keyRecord({ rpm: 2 });
    admit(key);
    expect(state()).toEqual({ requests: { limit: 2, remaining: 1, resetMs: 30_000 } });
    admit(key);
    refusal(key);
    expect(state().refusedUntil).toBe(clock() + 30_000);
  });
});

describe("requests a day", () => {
  test("are used up until midnight UTC", () => {
    const { admit, refusal, clock, hits } = setup();
    const key = keyRecord({ rpd: 2 });
    admit(key);
    admit(key);
    expect(refusal(key).retryAfterMs).toBe(12 * 3_600_000);
    expect(hits).toEqual(["acme:rpd"]);
    clock.advance(12 * 3_600_000);
    admit(key);
  });

  test("count what the books hold from before a start", () => {
    const { admit, refusal, limiter } = setup();
    const key = keyRecord({ rpd: 3 });
    limiter.restore([totals(key, { requests: 2 })], []);
    admit(key);
    expect(refusal(key).message).toContain("3 requests a day");
  });
});

describe("tokens", () => {
  test("are reserved before and settled after", () => {
    const { admit, refusal } = setup();
    const key = keyRecord({ tpm: 1000 });
    const first = admit(key, 900);
    expect(refusal(key, 200).code).toBe("rate_limit_exceeded");
    first.settle(100, 0);
    admit(key, 200);
  });

  test("let a request larger than the whole minute go when nothing else is running", () => {
    const { admit } = setup();
    admit(keyRecord({ tpm: 100 }), 5000);
  });

  test("of a day are refused once spent", () => {
    const { admit, refusal } = setup();
    const key = keyRecord({ tokensPerDay: 100 });
    admit(key, 50).settle(100, 0);
    expect(refusal(key).message).toContain("100 tokens a day");
  });
});

describe("budget and concurrency", () => {
  test("a spent budget is refused with 402 until the month turns", () => {
    const { admit, refusal, clock } = setup();
    const key = keyRecord({ budgetNanoUsd: 1_000_000_000 });
    admit(key).settle(10, 1_000_000_000);
    const error = refusal(key);
    expect([error.kind, error.traits.status]).toEqual(["quota-exceeded", 402]);
    clock.advance(17 * 86_400_000);
    admit(key);
  });

  test("a place in flight is free again after settling", () => {
    const { admit, refusal } = setup();
    const key = keyRecord({ concurrency: 1 });
    const first = admit(key);
    expect(refusal(key).message).toContain("in flight");
    first.settle(0, 0);
    admit(key);
  });

  test("a refused request takes no place in any other limit", () => {
    const { admit, refusal } = setup();
    const key = keyRecord({ rpm: 2, concurrency: 1 });
    const first = admit(key);
    refusal(key);
    refusal(key);
    first.settle(0, 0);
    admit(key);
  });
});

describe("money", () => {
  const dollar = 1_000_000_000;

  test("is reserved at its worst and settled by what it was", () => {
    const { admit, refusal } = setup();
    const key = keyRecord({ budgetNanoUsd: dollar });
    const first = admit(key, 0, 0.7 * dollar);
    const held = refusal(key, 0, 0.7 * dollar);
    expect([held.traits.status, held.code]).toEqual([429, "budget_reserved"]);
    first.settle(0, 0.2 * dollar);
    admit(key, 0, 0.7 * dollar).settle(0, 0.7 * dollar);
    const spent = refusal(key, 0, 0.7 * dollar);
    expect([spent.traits.status, spent.code]).toEqual([402, "insufficient_quota"]);
  });

  test("of a day is there again the next day, of a month is not", () => {
    const { admit, refusal, clock, hits } = setup({
      tenants: { acme: { budgetPerDayNanoUsd: dollar, budgetNanoUsd: 1.5 * dollar } },
    });
    const key = keyRecord();
    admit(key).settle(0, dollar);
    expect(refusal(key).message).toContain("budget of $1 for the day");
    clock.advance(12 * 3_600_000);
    admit(key).settle(0, dollar);
    expect(refusal(key).message).toContain("budget of $1.5 for the month");
    expect(hits).toEqual(["acme:tenant_budget_per_day", "acme:tenant_budget"]);
  });

  test("that was settled after midnight counts on the day that the request began", () => {
    const { admit, clock } = setup({ tenants: { acme: { budgetPerDayNanoUsd: dollar } } });
    const late = admit(keyRecord());
    clock.advance(12 * 3_600_000);
    late.settle(0, dollar);
    admit(keyRecord(), 0, dollar);
  });
});

describe("several limits", () => {
  const other = "0198a000-0000-7000-8000-000000000002";

  test("of a tenant hold for all its keys together, and for no other tenant", () => {
    const { admit, refusal } = setup({ tenants: { acme: { rpd: 2 } } });
    admit(keyRecord());
    admit(keyRecord({ id: other }));
    expect(refusal(keyRecord()).message).toContain("this tenant's limit of 2 requests a day");
    admit(keyRecord({ tenantId: "emca" }));
  });

  test("of a model hold for each key by itself and for no other model", () => {
    const { admit, refusal, hits } = setup({ models: { big: { rpd: 1 } } });
    admit(keyRecord(), 0, 0, "big");
    admit(keyRecord({ id: other }), 0, 0, "big");
    admit(keyRecord(), 0, 0, "fast");
    expect(refusal(keyRecord(), 0, 0, "big").message).toContain("for the model big");
    expect(hits).toEqual(["acme:model_rpd"]);
  });

  test("are told by the strictest", () => {
    const { admit, state } = setup({ tenants: { acme: { rpm: 3 } }, models: { fast: { rpd: 5 } } });
    admit(keyRecord({ rpm: 10 }));
    expect(state().requests).toMatchObject({ limit: 3, remaining: 2 });
  });

  test("are refused by the one that lasts longest, and none of the others is used", () => {
    const { admit, refusal, state } = setup({ tenants: { acme: { rpd: 1 } } });
    const key = keyRecord({ rpm: 1 });
    admit(key);
    expect(refusal(key).message).toContain("request a day");
    expect(state().refusedUntil).toBe(Date.UTC(2026, 0, 16));
    admit(keyRecord({ rpm: 1, tenantId: "emca", id: other }));
  });

  test("are rebuilt from the books for keys, tenants and models", () => {
    const { limiter, refusal } = setup({
      tenants: { acme: { rpd: 5 } },
      models: { fast: { tokensPerDay: 100 } },
    });
    limiter.restore(
      [
        totals(keyRecord(), { requests: 3, tokens: 90 }),
        totals(keyRecord({ id: other }), { requests: 2 }),
      ],
      [],
    );
    expect(refusal(keyRecord({ tenantId: "emca" }), 20).message).toContain("tokens a day");
    expect(refusal(keyRecord(), 0, 0, "slow").message).toContain("5 requests a day");
  });

  test("change with the key's record, and what is used stays used", () => {
    const { admit, refusal } = setup();
    admit(keyRecord({ rpd: 1 }));
    expect(refusal(keyRecord({ rpd: 1 })).kind).toBe("rate-limited");
    admit(keyRecord({ rpd: 2 }));
    expect(refusal(keyRecord({ rpd: 2 })).kind).toBe("rate-limited");
  });
});

test("whatever comes, no span lets more through than its limit and what settled is what counts", () => {
  const step = oneof(
    record({ ask: nat({ max: 400 }), cost: nat({ max: 40 }) }),
    record({ settle: nat({ max: 20 }), share: double({ min: 0, max: 1, noNaN: true }) }),
    record({ wait: nat({ max: 40_000 }) }),
  );
  assert(
    property(array(step, { maxLength: 300 }), (steps) => {
      const { admit, clock } = setup({ burstSize: 5 });
      const key = keyRecord({
        rpm: 20,
        rpd: 60,
        tpm: 1000,
        tokensPerDay: 6000,
        budgetNanoUsd: 700,
        concurrency: 4,
      });
      const open: { tokens: number; cost: number; admission: Admission }[] = [];
      const times: number[] = [];
      let tokens = 0;
      let cost = 0;
      for (const one of steps) {
        if ("wait" in one) clock.advance(one.wait);
        else if ("settle" in one) {
          const [ended] = open.splice(one.settle, 1);
          if (!ended) continue;
          const used = [Math.floor(ended.tokens * one.share), Math.floor(ended.cost * one.share)];
          ended.admission.settle(used[0] ?? 0, used[1] ?? 0);
          tokens += used[0] ?? 0;
          cost += used[1] ?? 0;
        } else {
          try {
            const admission = admit(key, one.ask, one.cost);
            open.push({ tokens: one.ask, cost: one.cost, admission });
            times.push(clock());
          } catch (error) {
            if (!(error instanceof ChatError)) throw error;
          }
        }
        expect(open.length).toBeLessThanOrEqual(4);
        expect(times.length).toBeLessThanOrEqual(60);
        const minute = times.filter((time) => time > clock() - 60_000).length;
        expect(minute).toBeLessThanOrEqual(20 + 5);
        const held = open.reduce((sum, each) => sum + each.tokens, tokens);
        expect(held).toBeLessThanOrEqual(6000);
        expect(open.reduce((sum, each) => sum + each.cost, cost)).toBeLessThanOrEqual(700);
      }
      for (const { admission } of open) admission.settle(0, 0);
      // What is left of the day and of the month is to be had, to the last token and nano-dollar, and not one more.
      const rest = keyRecord({ tokensPerDay: 6000, budgetNanoUsd: 700 });
      if (tokens < 6000 && cost < 700) {
        expect(() => admit(rest, 6001 - tokens, 0)).toThrow("tokens a day");
        expect(() => admit(rest, 0, 701 - cost)).toThrow("budget");
        admit(rest, 6000 - tokens, 700 - cost);
      }
    }),
    { numRuns: 200 },
  );
});

test("days and months begin at midnight UTC", () => {
  const now = Date.UTC(2026, 1, 3, 17, 30);
  expect(startOfDay(now)).toBe(Date.UTC(2026, 1, 3));
  expect(startOfMonth(now)).toBe(Date.UTC(2026, 1, 1));
});
