import { describe, expect, test } from "bun:test";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import { createBreaker } from "../../../src/server/gateway/breaker.ts";
import { createCatalog } from "../../../src/server/gateway/catalog.ts";
import { explain, type Question } from "../../../src/server/gateway/explain.ts";
import { capable } from "../../support/capable.ts";
import { BREAKER, fixedClock } from "./_setup.ts";

const retry = { maxRetries: 0, backoffMs: 0 };
const route = (provider: string, more: object = {}) => ({
  provider,
  providerModelId: "m",
  retry,
  ...more,
});
const config = {
  providers: [],
  retry,
  timeouts: { connectMs: 1, headersMs: 1, firstEventMs: 1, idleMs: 1, totalMs: 1 },
  models: [
    {
      name: "mix",
      recovery: "buffer" as const,
      routes: [
        route("a", { weight: 3 }),
        route("b", { weight: 1, capabilities: { tools: false } }),
        route("c", { capabilities: { contextTokens: 1000 } }),
      ],
      leftOut: [{ provider: "d", providerModelId: "m", reason: "its weight is 0" }],
    },
  ],
  tenants: { acme: { aliases: { "gpt-4o": "mix" } } },
};
const question: Question = {
  model: "mix",
  asker: { tenantId: "acme", models: null },
  needs: [],
  tokens: undefined,
  session: undefined,
};

function setup() {
  const clock = fixedClock();
  const breaker = createBreaker({ config: () => BREAKER, clock });
  const catalog = createCatalog(config, () => 0.5, capable);
  const ask = (changes: Partial<Question> = {}) =>
    explain(catalog, breaker, { ...question, ...changes });
  return { breaker, ask };
}

describe("an explanation", () => {
  test("gives targets in their order with their shares, and what is left out by configuration", () => {
    const told = setup().ask({ model: "gpt-4o" });
    expect(told).toMatchObject({ model: "gpt-4o", standsFor: "mix", recovery: "buffer" });
    expect(told.targets.map(({ order, target, share }) => [order, target, share])).toEqual([
      [1, "a/m", 0.75],
      [2, "b/m", 0.25],
      [3, "c/m", null],
    ]);
    expect(told.passedOver).toEqual([{ target: "d/m", reason: "its weight is 0" }]);
  });

  test("says what a target cannot do of what is asked", () => {
    const told = setup().ask({ needs: ["tools"], tokens: 5000 });
    expect(told.targets.map(({ target }) => target)).toEqual(["a/m"]);
    expect(told.passedOver.slice(0, 2)).toEqual([
      { target: "b/m", reason: "it does not take tools" },
      {
        target: "c/m",
        reason: "its context holds 1000 tokens, and the request takes some 5000",
      },
    ]);
  });

  test("says which targets rest and for how long", () => {
    const { breaker, ask } = setup();
    const limited = new ChatError("rate-limited", "slow", {
      origin: "provider",
      retryAfterMs: 7000,
    });
    breaker.failed("a/m", "pass", limited);
    const told = ask();
    expect(told.targets.map(({ target }) => target)).toEqual(["b/m", "c/m"]);
    expect(told.passedOver[0]).toEqual({
      target: "a/m",
      reason: "it was asked too often and rests for another 7 s",
    });
  });

  test("chooses by the conversation's name as a request would", () => {
    const { ask } = setup();
    const firsts = Array.from(
      { length: 40 },
      (_, index) => ask({ session: `s${index}` }).targets[0]?.target,
    );
    expect(new Set(firsts)).toEqual(new Set(["a/m", "b/m"]));
    expect(ask({ session: "s1" })).toEqual(ask({ session: "s1" }));
  });
});
