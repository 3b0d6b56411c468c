import { expect, test } from "bun:test";
import { addLimitHeaders } from "../../../src/server/http/limit-headers.ts";

test.each([
  [20, "20ms"],
  [1000, "1s"],
  [59_001, "1m0s"],
  [360_000, "6m0s"],
  [3_599_999, "1h0m0s"],
  [47_594_000, "13h13m14s"],
])("%d ms until a limit is whole again are told as OpenAI does: %s", (resetMs, told) => {
  const headers: Record<string, string> = {};
  addLimitHeaders(headers, "openai-chat", { requests: { limit: 3, remaining: 1, resetMs } }, 0);
  expect(headers["x-ratelimit-reset-requests"]).toBe(told);
});
