import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  countUsageLines,
  decodeUsageLine,
  encodeDraftLine,
  encodeUsageLine,
} from "../../../../src/server/store/journal/line.ts";
import type { UsageRow } from "../../../../src/server/store/store.ts";
import { aRow } from "../../../contract/records.ts";

const text = fc.string({ unit: "grapheme" });
const whole = fc.nat();
const rows: fc.Arbitrary<UsageRow> = fc.record({
  id: fc.uuid(),
  apiKeyId: fc.uuid(),
  tenantId: text,
  logicalModel: text,
  provider: text,
  providerModelId: text,
  inputTokens: whole,
  outputTokens: whole,
  cacheReadTokens: whole,
  cacheWriteTokens: whole,
  reasoningTokens: whole,
  estimated: fc.boolean(),
  costNanoUsd: fc.maxSafeNat(),
  latencyMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  timeToFirstTokenMs: fc.option(whole),
  statusCode: whole,
  status: fc.constantFrom("ok", "failed", "cut", "cancelled", "lost"),
  errorMessage: fc.option(text),
  requestId: text,
  stream: fc.boolean(),
  attempts: whole,
  createdAt: fc.maxSafeNat(),
});

test("a row is one line and comes back the same", () => {
  fc.assert(
    fc.property(rows, (row) => {
      const line = encodeUsageLine(row);
      expect(line.indexOf("\n")).toBe(line.length - 1);
      expect(decodeUsageLine(line.slice(0, -1))).toEqual({ row, ended: true });
      const draft = encodeDraftLine(row);
      expect(draft.indexOf("\n")).toBe(draft.length - 1);
      expect(decodeUsageLine(draft.slice(0, -1))).toEqual({ row, ended: false });
    }),
    { seed: 7 },
  );
});

test("a line cut anywhere is no row", () => {
  for (const encode of [encodeUsageLine, encodeDraftLine]) {
    const line = encode(aRow(1, { errorMessage: "ü 🚀" })).slice(0, -1);
    for (let end = 0; end < line.length; end++) {
      expect(decodeUsageLine(line.slice(0, end))).toBeUndefined();
    }
  }
});

test("a line without one of the fields, or with one of another kind, is no row", () => {
  const values: readonly unknown[] = JSON.parse(encodeUsageLine(aRow(1)));
  expect(values).toHaveLength(Object.keys(aRow(1)).length);
  for (const index of values.keys()) {
    expect(decodeUsageLine(JSON.stringify(values.toSpliced(index, 1)))).toBeUndefined();
    expect(decodeUsageLine(JSON.stringify(values.with(index, {})))).toBeUndefined();
  }
});

test("a field that a newer binary added does no harm", () => {
  const line = encodeUsageLine(aRow(1)).replace(/\]\n$/, ',"eu"]');
  expect(decodeUsageLine(line)).toEqual({ row: aRow(1), ended: true });
});

test("other JSON is no row", () => {
  for (const line of ["", "+", "+7", "+{}", "null", "7", "[]", '"x"', "{}", "\u0000\u0000"]) {
    expect(decodeUsageLine(line)).toBeUndefined();
  }
});

test("only rows count, and only whole lines", () => {
  const file = `${encodeUsageLine(aRow(1))}${encodeDraftLine(aRow(2))}\n${encodeUsageLine(aRow(3))}`;
  expect(countUsageLines(Buffer.from(file))).toBe(2);
  expect(countUsageLines(Buffer.from(file.slice(0, -1)))).toBe(1);
  expect(countUsageLines(Buffer.from(""))).toBe(0);
});
