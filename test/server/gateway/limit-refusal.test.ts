import { expect, test } from "bun:test";

import { createLocalGauge } from "../../../src/server/gateway/limits/gauge.ts";
import { refusalOf } from "../../../src/server/gateway/limits/refusal.ts";
import type { Rule } from "../../../src/server/gateway/limits/rule.ts";

const RULE: Rule = {
  id: "key:1:budget",
  scope: "key",
  subject: "",
  name: "budget",
  measure: "money",
  period: "month",
  limit: 25_000_000_000,
  capacity: 25_000_000_000,
  ratePerMs: 0,
};

function messageOf(rule: Partial<Rule>, amount: number): string {
  return refusalOf(createLocalGauge({ ...RULE, ...rule }, 0), amount, 1500).message;
}

test.each([
  [300, "$0.0000003"],
  [1, "$0.000000001"],
  [2_500_000_000, "$2.5"],
  [10_000_000_000, "$10"],
])("%d billionths of a dollar are told as %s", (amount, told) => {
  expect(messageOf({ limit: 0, capacity: 0 }, amount)).toEndWith(`; this request may cost ${told}`);
});

test("the limit of one request in flight is told as of one", () => {
  const places = { name: "concurrency", measure: "places", period: "flight" } as const;
  expect(messageOf({ ...places, limit: 1, capacity: 1 }, 1)).toBe(
    "this key's limit of 1 request in flight is reached",
  );
  expect(messageOf({ ...places, limit: 2, capacity: 2, scope: "model", subject: "m" }, 1)).toBe(
    "this key's limit of 2 requests in flight for the model m is reached",
  );
});
