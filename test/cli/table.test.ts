import { expect, test } from "bun:test";
import { details, table, visible } from "../../src/cli/_table.ts";
import { issueKey, plainTerms } from "../../src/cli/keys/_issue.ts";
import { keyTable } from "../../src/cli/keys/_list-table.ts";
import type { KeyRecord } from "../../src/server/store/store.ts";

const columns = [{ title: "NAME" }, { title: "N", align: "right" }] as const;

test("names of any script line up, numbers to the right", () => {
  expect(
    table(columns, [
      ["日本語", "1"],
      ["ab", "1,000"],
    ]),
  ).toBe(["NAME        N", "日本語      1", "ab      1,000"].join("\n"));
});

test("a sum is set off by a line as long as the table", () => {
  expect(
    table(
      columns,
      [
        ["a", "1"],
        ["TOTAL", "1"],
      ],
      { total: true },
    ),
  ).toBe(["NAME   N", "a      1", "--------", "TOTAL  1"].join("\n"));
});

test("the widest column of words gives way to a narrow terminal", () => {
  const text = table(columns, [["日本語テナントの長い名前", "12"]], { columns: 20 });
  expect(text.split("\n").map((line) => Bun.stringWidth(line) <= 20)).toEqual([true, true]);
  expect(text).toContain("日本語テナン");
  expect(text).toContain("…");
  expect(text).toContain("12");
});

test("control characters of a name reach the terminal as pictures of them", () => {
  expect(visible("a\u001B[2Jb\u0007\nc\u009Bd")).toBe("a␛[2Jb␇␊c\u{FFFD}d");
  expect(details([["Tenant", "x\u001B]0;y\u0007"]])).toBe("  Tenant  x␛]0;y␇");
});

function record(terms: Partial<KeyRecord> = {}): KeyRecord {
  return { ...issueKey(plainTerms("acme"), 0).record, ...terms };
}

function shown(key: KeyRecord, width: number): readonly string[] {
  return keyTable([key], 0, { columns: width, paint: (_style, text) => text }).split("\n");
}

test("where there is no room for the ids of keys, their prefixes name them", () => {
  const key = record();
  expect(shown(key, 130)[1]).toStartWith(`${key.id}  ${key.keyPrefix}  acme`);
  expect(shown(key, 80)[1]).toStartWith(`${key.keyPrefix}  acme`);
  const long = record({ description: "x".repeat(100) });
  expect(shown(long, 80)[1]).toMatch(/^XJP_\S{8} {2}acme {4}x+… {2}active /);
  for (const line of shown(long, 80)) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(80);
  expect(shown(record({ keyPrefix: "" }), 80)[0]).toStartWith("ID ");
});
