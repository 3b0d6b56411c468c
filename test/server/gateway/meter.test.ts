import { describe, expect, test } from "bun:test";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import { estimateTokens } from "../../../src/connectors/hub/estimate.ts";
import { estimateInput } from "../../../src/server/gateway/estimate.ts";
import { createMeter } from "../../../src/server/gateway/meter.ts";
import { costOf } from "../../../src/server/gateway/pricing.ts";
import { ANSWER, chatRequest, exchange, fixedClock } from "./_setup.ts";

describe("meter", () => {
  test("writes down what the provider reported", () => {
    const clock = fixedClock();
    const meter = createMeter(chatRequest(), exchange({ provider: "p" }), {}, clock);
    clock.advance(40);
    meter.observe(ANSWER);
    clock.advance(60);
    expect(meter.finished).toBe(true);
    expect(meter.close("ok")).toMatchObject({
      inputTokens: 12,
      outputTokens: 3,
      estimated: false,
      latencyMs: 100,
      timeToFirstTokenMs: 40,
      statusCode: 200,
      status: "ok",
      tenantId: "acme",
    });
  });

  test("estimates, and says so, when the provider reported nothing", () => {
    const meter = createMeter(chatRequest(), exchange(), {}, fixedClock());
    meter.observe(ANSWER.filter((event) => event.type !== "usage"));
    const row = meter.close("ok");
    expect(row.estimated).toBe(true);
    expect(row.inputTokens).toBeGreaterThan(5);
    expect(row.outputTokens).toBe(estimateTokens("Mount Everest"));
  });

  test("charges nothing for a request that was never answered", () => {
    const meter = createMeter(chatRequest(), exchange(), {}, fixedClock());
    const row = meter.close("failed", new ChatError("unavailable", "down"));
    expect(row).toMatchObject({
      inputTokens: 0,
      outputTokens: 0,
      estimated: false,
      statusCode: 503,
      errorMessage: "down",
      timeToFirstTokenMs: null,
    });
  });

  test("estimates what was seen of a stream that broke off", () => {
    const meter = createMeter(chatRequest(), exchange(), {}, fixedClock());
    meter.observe(ANSWER.slice(0, 3));
    const row = meter.close("cut", new ChatError("bad-upstream", "cut"));
    expect([row.status, row.estimated, row.outputTokens > 0]).toEqual(["cut", true, true]);
  });
});

describe("of a stream that broke off", () => {
  const begun = {
    type: "start",
    id: "a",
    model: "m",
    usage: { inputTokens: 25, outputTokens: 1, cacheReadTokens: 5, source: "reported" },
  } as const;
  const text = "Mount Everest is the tallest mountain above the sea.";

  test("the output that was seen counts, when the provider had only begun to report", () => {
    const meter = createMeter(chatRequest(), exchange(), {}, fixedClock());
    meter.observe([begun, { type: "text-delta", index: 0, text }]);
    expect(meter.close("cut", new ChatError("bad-upstream", "cut"))).toMatchObject({
      inputTokens: 25,
      cacheReadTokens: 5,
      outputTokens: estimateTokens(text),
      estimated: true,
    });
  });

  test("the provider's own figure counts when it is the higher one, and when it is the last", () => {
    const whole = createMeter(chatRequest(), exchange(), {}, fixedClock());
    whole.observe([
      begun,
      { type: "text-delta", index: 0, text },
      { type: "finish", reason: "stop" },
    ]);
    expect(whole.close("ok")).toMatchObject({ outputTokens: 1, estimated: false });
    const cut = createMeter(chatRequest(), exchange(), {}, fixedClock());
    const usage = { inputTokens: 25, outputTokens: 900, source: "reported" } as const;
    cut.observe([
      { type: "text-delta", index: 0, text },
      { type: "usage", usage },
    ]);
    expect(cut.close("cut")).toMatchObject({ outputTokens: 900, estimated: false });
  });
});

describe("a draft", () => {
  const prices = { fast: { input: 3, output: 15 } };

  test("charges the input of a request that has gone out, and afterwards what was seen", () => {
    const clock = fixedClock();
    const running = exchange({ provider: "p", providerModel: "m", attempts: 1 });
    const meter = createMeter(chatRequest(), running, prices, clock);
    const inputTokens = estimateInput(chatRequest());
    expect(meter.draft()).toMatchObject({
      id: running.id,
      provider: "p",
      status: "lost",
      statusCode: 500,
      inputTokens,
      outputTokens: 0,
      costNanoUsd: inputTokens * 3000,
      estimated: true,
      attempts: 1,
      createdAt: running.startedAt,
    });
    clock.advance(700);
    const text = "word ".repeat(400);
    meter.observe([{ type: "text-delta", index: 0, text }]);
    running.attempts = 2;
    expect(meter.draft()).toMatchObject({
      outputTokens: 500,
      costNanoUsd: inputTokens * 3000 + 500 * 15_000,
      latencyMs: 700,
      attempts: 2,
    });
  });

  test("is what the provider reported once that is complete", () => {
    const meter = createMeter(chatRequest(), exchange(), {}, fixedClock());
    meter.observe(ANSWER);
    const { inputTokens, outputTokens, estimated, status } = meter.draft();
    expect([inputTokens, outputTokens, estimated, status]).toEqual([12, 3, false, "lost"]);
  });
});

describe("prices", () => {
  const usage = {
    inputTokens: 1000,
    outputTokens: 100,
    cacheReadTokens: 400,
    cacheWriteTokens: 100,
    source: "reported",
  } as const;
  const price = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };

  test("count each kind of token once, in whole nano-dollars", () => {
    // 500 × $3 + 400 × $0.30 + 100 × $3.75 + 100 × $15, each a million.
    expect(costOf(usage, { fast: price }, "fast", "p", "m")).toBe(3_495_000);
  });

  test("are found by logical model, by provider/model and by the provider's model", () => {
    for (const name of ["fast", "p/m", "m"]) {
      expect(costOf(usage, { [name]: price }, "fast", "p", "m")).toBe(3_495_000);
    }
    expect(costOf(usage, {}, "toString", "p", "m")).toBe(0);
  });

  test("yield to the provider's own figure", () => {
    expect(costOf({ ...usage, costNanoUsd: 7 }, { fast: price }, "fast", "p", "m")).toBe(7);
  });
});

describe("estimates", () => {
  test("grow with the text and are never 0 for a request", () => {
    expect(estimateTokens("")).toBe(0);
    expect(estimateTokens("hello world, this is a test")).toBeGreaterThan(4);
    expect(estimateInput(chatRequest({ messages: [] }))).toBeGreaterThan(0);
  });

  test("count scripts without spaces more densely than Latin", () => {
    expect(estimateTokens("今天天气很好我们去公园")).toBeGreaterThan(estimateTokens("elevenchars"));
  });

  test("of long texts come from a sample and are as good", () => {
    const mixed = "mostly Latin with some 汉字 in it. ".repeat(5_000);
    const exact = Array.from(mixed).reduce(
      (sum, one) => sum + (one > "\u02ff" ? 1 / 1.5 : 1 / 4),
      0,
    );
    expect(Math.abs(estimateTokens(mixed) / exact - 1)).toBeLessThan(0.03);
    expect(estimateTokens("a".repeat(100_000))).toBe(25_000);
    expect(estimateTokens("字".repeat(90_000))).toBe(60_000);
  });

  test("count tools and media", () => {
    const plain = estimateInput(chatRequest());
    const withTool = estimateInput(
      chatRequest({ tools: [{ name: "look_up", parameters: { type: "object" } }] }),
    );
    const withImage = estimateInput(
      chatRequest({
        messages: [
          {
            role: "user",
            parts: [{ type: "image", source: { kind: "url", url: "https://example.com/a.png" } }],
          },
        ],
      }),
    );
    expect(withTool).toBeGreaterThan(plain);
    expect(withImage).toBeGreaterThan(1000);
  });
});
