import { expect, test } from "bun:test";
import { details, table, visible } from "../../src/cli/_table.ts";

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
