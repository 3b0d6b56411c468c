import { describe, expect, test } from "bun:test";
import { ChatError, type Timer } from "../../../src/connectors/hub/error.ts";
import { isTooLong, judge, type Situation } from "../../../src/server/gateway/retry.ts";
import { limited } from "./_setup.ts";

const at: Situation = {
  retry: { maxRetries: 2, backoffMs: 1000 },
  retries: 0,
  clientRetries: 0,
  hasRoom: true,
  leftMs: 60_000,
  random: () => 0.5,
};
const down = new ChatError("unavailable", "down");
const ranOut = (timer: Timer): ChatError => new ChatError("timeout", "silence", { timer });

describe("the retry table", () => {
  test("tries again what may pass, with full jitter that doubles", () => {
    expect(judge(down, at)).toEqual({ to: "same", delayMs: 500 });
    expect(judge(down, { ...at, retries: 1 })).toEqual({ to: "same", delayMs: 1000 });
    expect(judge(down, { ...at, random: () => 0 })).toEqual({ to: "same", delayMs: 0 });
    expect(judge(limited(), at)).toEqual({ to: "same", delayMs: 500 });
    const timeout = new ChatError("timeout", "408", { upstreamStatus: 408, retryHere: true });
    expect(judge(timeout, at).to).toBe("same");
  });

  test("tries a connection again, and leaves a target that was reached and is silent", () => {
    expect(judge(ranOut("connect"), at).to).toBe("same");
    for (const timer of ["headers", "first-event", "idle", "total"] as const)
      expect(judge(ranOut(timer), at).to).toBe("next");
  });

  test("obeys Retry-After if it fits, spread by up to a tenth, and goes on if not", () => {
    expect(judge(limited(2000), { ...at, random: () => 0 })).toEqual({ to: "same", delayMs: 2002 });
    expect(judge(limited(2000), { ...at, random: () => 0.99 })).toEqual({
      to: "same",
      delayMs: 2200,
    });
    expect(judge(limited(2000), { ...at, leftMs: 2000 }).to).toBe("next");
    expect(judge(limited(31_000), at).to).toBe("next");
  });

  test("ends with the retries, those of the client among them, and with the budget", () => {
    expect(judge(down, { ...at, retries: 2 }).to).toBe("next");
    expect(judge(down, { ...at, retries: 1, clientRetries: 1 }).to).toBe("next");
    expect(judge(down, { ...at, hasRoom: false }).to).toBe("next");
  });

  test("asks at once with another key of the provider's, and does not call it a retry", () => {
    const error = new ChatError("rate-limited", "slow", { origin: "provider", hasOtherKey: true });
    expect(judge(error, { ...at, retries: 9 })).toEqual({ to: "same", delayMs: 0 });
    expect(judge(error, { ...at, hasRoom: false }).to).toBe("next");
  });

  test("shops around neither mistakes nor refusals", () => {
    expect(judge(new ChatError("invalid-request", "no such field"), at).to).toBe("nobody");
    expect(judge(new ChatError("refused", "against the rules"), at).to).toBe("nobody");
    expect(judge(new ChatError("cancelled", "gone"), at).to).toBe("nobody");
  });

  test.each([
    ["This model's maximum context length is 8192 tokens.", true],
    ["prompt is too long: 210000 tokens > 200000 maximum", true],
    ["The input token count (1200000) exceeds the maximum number of tokens allowed", true],
    ["input length and `max_tokens` exceed context limit", true],
    ["top_p rings no bell", false],
  ])("knows from a provider's words whether a request is too long: %s", (message, expected) => {
    const error = new ChatError("invalid-request", message, { upstreamStatus: 400 });
    expect(isTooLong(error)).toBe(expected);
    expect(judge(error, at).to).toBe(expected ? "larger" : "nobody");
  });
});
