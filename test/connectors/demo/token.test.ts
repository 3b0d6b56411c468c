import { expect, test } from "bun:test";
import { assert, property, string } from "fast-check";
import { toTokens } from "../../../src/connectors/demo/token.ts";

test("tokens of any text join to the text again", () => {
  assert(
    property(string({ unit: "binary", maxLength: 60 }), (text) => {
      expect(toTokens(text).join("")).toBe(text);
    }),
    { numRuns: 500, seed: 20261123 },
  );
});

test("white space goes with the token after it, and stands alone only at the end", () => {
  expect(toTokens("  one\n\ntwo ")).toEqual(["  one", "\n\ntwo", " "]);
});

test("nothing is no token", () => {
  expect(toTokens("")).toEqual([]);
});
