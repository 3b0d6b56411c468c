import { describe, expect, test } from "bun:test";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import {
  type LimitState,
  createLimiter,
  startOfDay,
  startOfMonth,
} from "../../../src/server/gateway/limits.ts";
import type { KeyRecord } from "../../../src/server/store/store.ts";
import { fixedClock, keyRecord } from "./_setup.ts";

function setup(options: { defaultRpm?: number; burstSize?: number } = {}) {
  const clock = fixedClock();
  const hits: string[] = [];
  const limiter = createLimiter({
    defaultRpm: options.defaultRpm ?? 0,
    burstSize: options.burstSize ?? 0,
    clock,
    onHit: (tenant, limit) => hits.push(`${tenant}:${limit}`),
  });
  let state: LimitState = {};
  const admit = (key: KeyRecord, tokens = 0) =>
    limiter.admit(key, tokens, (next) => {
      state = next;
    });
  const refusal = (key: KeyRecord, tokens = 0): ChatError => {
    try {
      admit(key, tokens);
    } catch (error) {
      if (error instanceof ChatError) return error;
      throw error;
    }
    throw new Error("the request was admitted");
  };
  return { clock, hits, limiter, admit, refusal, state: () => state };
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
    expect(refusal(keyRecord({ rpm: null })).message).toContain("1 requests a minute");
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
    limiter.restore([{ apiKeyId: key.id, requests: 2, tokens: 0, costNanoUsd: 0 }], []);
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

test("days and months begin at midnight UTC", () => {
  const now = Date.UTC(2026, 1, 3, 17, 30);
  expect(startOfDay(now)).toBe(Date.UTC(2026, 1, 3));
  expect(startOfMonth(now)).toBe(Date.UTC(2026, 1, 1));
});
