import { describe, expect, test } from "bun:test";

import { ChatError, toChatError } from "../../../src/connectors/hub/error.ts";

describe("an error", () => {
  test("has the traits of its kind but for those it overrides", () => {
    const plain = new ChatError("timeout", "too slow", { timer: "idle" });
    expect(plain.traits).toEqual({
      origin: "provider",
      retryHere: false,
      tryElsewhere: true,
      status: 504,
      level: "warn",
    });
    expect(plain.timer).toBe("idle");
    const special = new ChatError("rate-limited", "busy", { origin: "provider", retryHere: true });
    expect(special.traits).toMatchObject({ origin: "provider", retryHere: true, status: 429 });
  });

  test("tells callers its message, unless there are other words for them", () => {
    expect(new ChatError("unavailable", "10.0.0.7 is down").told).toBe("10.0.0.7 is down");
    const error = new ChatError("unavailable", "10.0.0.7 is down", { told: "it is down" });
    expect([error.message, error.told]).toEqual(["10.0.0.7 is down", "it is down"]);
  });

  test("stays itself, and whatever else was thrown becomes one that keeps its cause", () => {
    const own = new ChatError("refused", "no");
    expect(toChatError(own)).toBe(own);
    const aborted = toChatError(new DOMException("gone", "AbortError"));
    expect(aborted.kind).toBe("cancelled");
    const cause = new TypeError("undefined is not a function");
    const other = toChatError(cause);
    expect(other.kind).toBe("internal");
    expect(other.cause).toBe(cause);
    expect(other.message).not.toContain("undefined");
  });
});
