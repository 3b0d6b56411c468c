import { describe, expect, test } from "bun:test";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import type { BreakerConfig } from "../../../src/server/config/config.ts";
import { createBreaker, type Pass } from "../../../src/server/gateway/breaker.ts";
import { fixedClock } from "./_setup.ts";

const down = new ChatError("unavailable", "down");

function setup(changes: Partial<BreakerConfig> = {}) {
  const clock = fixedClock();
  const config: BreakerConfig = {
    failures: 3,
    failureRate: 0.5,
    minRequests: 10,
    windowMs: 10_000,
    cooldownMs: 15_000,
    probes: 2,
    successes: 2,
    ...changes,
  };
  const breaker = createBreaker({ config: () => config, clock });
  const enter = (): Pass => {
    const pass = breaker.enter("a/m");
    if (typeof pass !== "string") throw new Error(`the circuit is ${pass.state}`);
    return pass;
  };
  const fail = (error = down): void => breaker.failed("a/m", enter(), error);
  const succeed = (): void => breaker.succeeded("a/m", enter());
  const state = (): string => breaker.states().get("a/m") ?? "none";
  return { breaker, clock, enter, fail, succeed, state };
}

function limited(retryAfterMs?: number): ChatError {
  return new ChatError("rate-limited", "slow down", { origin: "provider", retryAfterMs });
}

describe("a circuit", () => {
  test("opens after failures in a row, and only in a row", () => {
    const { fail, succeed, state } = setup();
    for (const act of [fail, fail, succeed, fail, fail]) act();
    expect(state()).toBe("closed");
    fail();
    expect(state()).toBe("open");
  });

  test("opens by the share of failures within the window", () => {
    const { fail, succeed, state, clock } = setup();
    for (let count = 0; count < 4; count += 1) {
      fail();
      succeed();
      clock.advance(500);
    }
    expect(state()).toBe("closed");
    fail();
    succeed();
    fail();
    expect(state()).toBe("open");
  });

  test("does not count failures that lie behind the window", () => {
    const { fail, succeed, state, clock } = setup();
    for (let count = 0; count < 30; count += 1) {
      fail();
      succeed();
      clock.advance(3000);
    }
    expect(state()).toBe("closed");
  });

  test("that is closed and quiet is forgotten", () => {
    const { fail, succeed, state, clock } = setup();
    fail();
    clock.advance(10_001);
    succeed();
    expect(state()).toBe("none");
  });

  test("says how long it stays open, then lets few probes through at a time", () => {
    const { breaker, clock, fail, enter, state } = setup();
    for (const act of [fail, fail, fail]) act();
    expect(breaker.enter("a/m")).toEqual({ waitMs: 15_000, state: "open", asked: false });
    clock.advance(14_999);
    expect(breaker.look("a/m")).toEqual({ waitMs: 1, state: "open", asked: false });
    clock.advance(1);
    expect(state()).toBe("half-open");
    expect([enter(), enter()]).toEqual(["probe", "probe"]);
    expect(breaker.enter("a/m")).toMatchObject({ state: "half-open" });
    breaker.abandoned("a/m", "probe");
    expect(enter()).toBe("probe");
  });

  test("closes after successful probes and opens again after a failed one", () => {
    const { clock, fail, succeed, state } = setup();
    for (const act of [fail, fail, fail]) act();
    clock.advance(15_000);
    succeed();
    expect(state()).toBe("half-open");
    fail();
    expect(state()).toBe("open");
    clock.advance(15_000);
    succeed();
    succeed();
    expect(state()).toBe("none");
  });

  test("is not closed or opened by what was asked before it opened", () => {
    const { breaker, clock, enter, fail, state } = setup();
    const early = [enter(), enter()] as const;
    for (const act of [fail, fail, fail]) act();
    breaker.succeeded("a/m", early[0]);
    expect(state()).toBe("open");
    clock.advance(15_000);
    breaker.failed("a/m", early[1], down);
    expect(state()).toBe("half-open");
  });

  test("is not moved by what goes wrong in the gateway, or by the caller's mistakes", () => {
    const { fail, state } = setup();
    const stopping = new ChatError("unavailable", "shutting down", { origin: "gateway" });
    const mistake = new ChatError("invalid-request", "no such field");
    for (let count = 0; count < 9; count += 1) {
      fail(stopping);
      fail(mistake);
    }
    expect(state()).toBe("none");
    fail();
    fail();
    fail(stopping);
    fail();
    expect(state()).toBe("open");
  });

  test("in which nothing happens for an hour is forgotten", () => {
    const { clock, fail, state } = setup();
    for (const act of [fail, fail, fail]) act();
    clock.advance(3_600_000);
    expect(state()).toBe("half-open");
    clock.advance(1);
    expect(state()).toBe("none");
  });

  test("reports what it is made of", () => {
    const { breaker, fail, succeed } = setup();
    fail();
    succeed();
    fail();
    expect(breaker.report()).toEqual([
      {
        target: "a/m",
        state: "closed",
        failuresInARow: 1,
        recent: { requests: 3, failures: 2 },
        waitMs: 0,
      },
    ]);
  });
});

describe("a limited target", () => {
  test("rests as long as the provider says, by its own clock", () => {
    const { breaker, clock, fail, enter, state } = setup();
    fail(limited(2000));
    expect(breaker.enter("a/m")).toEqual({ waitMs: 2000, state: "cooling", asked: true });
    clock.advance(2000);
    expect(enter()).toBe("pass");
    expect(state()).toBe("closed");
  });

  test("never opens its circuit, and rests longer each time that nobody says for how long", () => {
    const { breaker, clock, fail, succeed } = setup();
    const rests: number[] = [];
    for (let count = 0; count < 7; count += 1) {
      fail(limited());
      const rest = breaker.look("a/m");
      expect(rest?.state).toBe("cooling");
      rests.push(rest?.waitMs ?? 0);
      clock.advance(rest?.waitMs ?? 0);
    }
    expect(rests).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    succeed();
    fail(limited());
    expect(breaker.look("a/m")?.waitMs).toBe(1000);
  });

  test("is asked for want of another, unless its provider has named the time", () => {
    const { breaker, fail } = setup();
    fail(limited());
    expect(breaker.enter("a/m")).toMatchObject({ state: "cooling" });
    expect(breaker.enter("a/m", true)).toBe("pass");
    breaker.failed("a/m", "pass", limited(5000));
    expect(breaker.enter("a/m", true)).toEqual({ waitMs: 5000, state: "cooling", asked: true });
  });

  test("goes on at once when another key of its provider is free", () => {
    const { fail, state } = setup();
    const error = new ChatError("rate-limited", "slow", { origin: "provider", hasOtherKey: true });
    fail(error);
    expect(state()).toBe("none");
  });
});
