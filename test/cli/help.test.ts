import { expect, test } from "bun:test";
import { defineCommand } from "../../src/cli/_command.ts";
import { commandHelp } from "../../src/cli/_help.ts";

const command = defineCommand({
  about: "does a thing that takes more than a few words to tell",
  args: {
    "a-flag": { type: "string", valueHint: "N", description: "one two three four five six seven" },
  },
  notes: "A note of many words that goes on for a while.\nAnother line of it.",
  examples: ["xjp do --a-flag 1 # an example that is copied must stay in one line"],
  run: () => Promise.resolve(),
});

function same(text: string): string {
  return text;
}

function linesAt(columns: number | undefined): readonly string[] {
  return commandHelp("xjp do", command, { heading: same, name: same, columns }).split("\n");
}

test("words are not broken at a narrow terminal, and stay in their column", () => {
  const lines = linesAt(44);
  expect(lines.slice(0, 2)).toEqual([
    "xjp do – does a thing that takes more than a",
    "few words to tell",
  ]);
  const flag = lines.findIndex((line) => line.includes("--a-flag"));
  expect(lines.slice(flag, flag + 2)).toEqual([
    "  --a-flag N  one two three four five six",
    "              seven",
  ]);
  expect(lines).toContain("A note of many words that goes on for a");
  expect(lines).toContain("Another line of it.");
  expect(lines.at(-1)).toEndWith("must stay in one line");
});

test("a file gets whole lines, and so does a terminal that is too narrow", () => {
  const flag = "  --a-flag N  one two three four five six seven";
  expect(linesAt(undefined)).toContain(flag);
  expect(linesAt(20)).toContain(flag);
});
