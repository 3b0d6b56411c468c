import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { nearest } from "../../../src/server/config/nearest.ts";

const names = ["openrouter", "openai", "anthropic", "vertex", "clewdr"];

describe("nearest", () => {
  test.each([
    ["opnrouter", "openrouter"],
    ["OpenRouter", "openrouter"],
    ["openruoter", "openrouter"],
    ["openia", "openai"],
    ["vertx", "vertex"],
    ["clewder", "clewdr"],
  ])("finds for %s the name %s", (typed, meant) => {
    expect(nearest(typed, names)).toBe(meant);
  });

  test.each([
    ["anth", "anthropic"],
    ["VER", "vertex"],
  ])("finds for the beginning %s the only name that begins so", (typed, meant) => {
    expect(nearest(typed, names)).toBe(meant);
  });

  test.each(["ope", "v"])("finds nothing for the beginning %s", (typed) => {
    expect(nearest(typed, names)).toBeUndefined();
  });

  test.each(["", "x", "bedrock", "router", "gemini"])("finds nothing near %p", (typed) => {
    expect(nearest(typed, names)).toBeUndefined();
  });

  test("prefers the closer of two near names, and the first of equals", () => {
    expect(nearest("port", ["sport", "ports"])).toBe("sport");
    expect(nearest("maxtokens", ["max_tokens_in", "max_tokens"])).toBe("max_tokens");
  });

  test("finds every name of at least three letters again after one slip", () => {
    const slip = fc
      .tuple(
        fc.constantFrom(...names),
        fc.nat(),
        fc.constantFrom("drop", "double", "change", "swap"),
      )
      .map(([name, seed, kind]) => ({ name, typed: spoil(name, seed % name.length, kind) }));
    fc.assert(
      fc.property(slip, ({ name, typed }) => {
        expect(nearest(typed, names)).toBe(name);
      }),
    );
  });
});

function spoil(name: string, at: number, kind: string): string {
  const before = name.slice(0, at);
  const letter = name.charAt(at);
  const after = name.slice(at + 1);
  if (kind === "drop") return before + after;
  if (kind === "double") return before + letter + letter + after;
  if (kind === "change") return `${before}_${after}`;
  return before + after.charAt(0) + letter + after.slice(1);
}
