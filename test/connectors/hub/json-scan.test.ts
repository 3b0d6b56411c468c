import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { isDeeperThan } from "../../../src/connectors/hub/json-scan.ts";
import { isJsonObject, type Json } from "../../../src/connectors/hub/json.ts";

/** How deep arrays and objects stand inside each other, said by walking them. */
function depthOf(value: Json | undefined): number {
  if (isJsonObject(value)) return 1 + Math.max(0, ...Object.values(value).map(depthOf));
  if (Array.isArray(value)) return 1 + Math.max(0, ...value.map(depthOf));
  return 0;
}

describe("the depth of a text", () => {
  test("is that of the value it stands for", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (text) => {
        const value: Json = JSON.parse(text);
        const depth = depthOf(value);
        expect(isDeeperThan(text, depth)).toBe(false);
        expect(isDeeperThan(text, depth - 1)).toBe(depth > 0);
      }),
    );
  });

  test("does not count brackets inside strings", () => {
    expect(isDeeperThan(String.raw`{"a":"[[[[\"[[["}`, 1)).toBe(false);
  });

  test("is answered for any text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("[", "]", "{", "}", '"', "\\", "a", ",", ":") }),
        (text) => {
          expect(typeof isDeeperThan(text, 3)).toBe("boolean");
        },
      ),
    );
  });
});
