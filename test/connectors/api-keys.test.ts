import { describe, expect, test } from "bun:test";

import { createApiKeys } from "../../src/connectors/api-keys.ts";
import { ChatError } from "../../src/connectors/hub/error.ts";

const REFUSED = new ChatError("unavailable", "refused", { upstreamStatus: 401 });
const LIMITED = new ChatError("rate-limited", "slow down", {
  upstreamStatus: 429,
  retryAfterMs: 5_000,
});

describe("API keys", () => {
  test("are used in turn", () => {
    const keys = createApiKeys(["a", "b", "c"]);
    expect([0, 1, 2, 3, 4].map(() => keys.take())).toEqual(["a", "b", "c", "a", "b"]);
  });

  test("may be one or none", () => {
    expect(createApiKeys([]).take()).toBeUndefined();
    const keys = createApiKeys(["a", "a"]);
    expect(keys.judge("a", REFUSED)).toBe(false);
    expect(keys.take()).toBe("a");
    expect(keys.judge(undefined, REFUSED)).toBe(false);
  });

  test("rest when they were refused, for five minutes", () => {
    let now = 1_000_000;
    const keys = createApiKeys(["a", "b"], () => now);
    expect(keys.judge("a", REFUSED)).toBe(true);
    expect([0, 1].map(() => keys.take())).toEqual(["b", "b"]);
    now += 299_999;
    expect(keys.take()).toBe("b");
    now += 1;
    expect(new Set([keys.take(), keys.take()])).toEqual(new Set(["a", "b"]));
  });

  test("rest as long as the provider says when they met a limit, or half a minute", () => {
    let now = 0;
    const keys = createApiKeys(["a", "b"], () => now);
    keys.judge("a", LIMITED);
    now = 5_000;
    expect(new Set([keys.take(), keys.take()])).toEqual(new Set(["a", "b"]));
    keys.judge("a", new ChatError("rate-limited", "slow down", { upstreamStatus: 429 }));
    now += 29_999;
    expect([keys.take(), keys.take()]).toEqual(["b", "b"]);
    now += 1;
    expect(new Set([keys.take(), keys.take()])).toEqual(new Set(["a", "b"]));
  });

  test("go on being used when all rest: the one that is free first", () => {
    const keys = createApiKeys(["a", "b"], () => 0);
    expect(keys.judge("a", REFUSED)).toBe(true);
    expect(keys.judge("b", LIMITED)).toBe(false);
    expect([keys.take(), keys.take()]).toEqual(["b", "b"]);
  });

  test("are not blamed for what is not their fault", () => {
    const keys = createApiKeys(["a", "b"], () => 0);
    const others = [
      new ChatError("refused", "flagged", { upstreamStatus: 403 }),
      new ChatError("invalid-request", "wrong", { upstreamStatus: 400 }),
      new ChatError("unavailable", "broken", { upstreamStatus: 500 }),
      new ChatError("timeout", "silent"),
    ];
    for (const error of others) expect(keys.judge("a", error)).toBe(false);
    expect([keys.take(), keys.take()]).toEqual(["a", "b"]);
  });
});
