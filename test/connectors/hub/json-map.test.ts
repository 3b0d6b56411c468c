/** Elements of arrays in the text of JSON, changed without touching a byte beside them. */
import { describe, expect, test } from "bun:test";

import { array, assert, jsonValue, nat, property } from "fast-check";

import { mapJsonArray } from "../../../src/connectors/hub/json-map.ts";

describe("mapping an array in a text", () => {
  test("gives each element as it is written, and keeps everything around it", () => {
    const text =
      ' {"big": 12345678901234567890, "list" : [ 1.0 , "a]\\"," ,{"x":[2]},null]  ,"z":[9]}';
    const seen: string[] = [];
    const result = mapJsonArray(text, "list", (element, index) => {
      seen.push(element);
      return index === 1 ? '"b"' : element;
    });
    expect(seen).toEqual(["1.0", '"a]\\","', '{"x":[2]}', "null"]);
    expect(result).toBe(text.replace('"a]\\","', '"b"'));
  });

  test("takes elements out with the comma before them, and puts several in the place of one", () => {
    const text = '{"list":[1, 2, 3]}';
    const map = (...written: readonly string[]) =>
      mapJsonArray(text, "list", (_, index) => written[index] ?? "");
    expect(map("", "2", "3")).toBe('{"list":[2, 3]}');
    expect(map("1", "", "3")).toBe('{"list":[1, 3]}');
    expect(map("1", "2", "")).toBe('{"list":[1, 2]}');
    expect(map("", "", "")).toBe('{"list":[]}');
    expect(map("0,1", "2", "3")).toBe('{"list":[0,1, 2, 3]}');
  });

  test("finds a field by any spelling, as often as it is there, and nothing deeper", () => {
    const text = '{"a":{"list":[1]},"l\\u0069st":[1],"list":[],"list":[1,[1]]}';
    expect(mapJsonArray(text, "list", () => "7")).toBe(
      '{"a":{"list":[1]},"l\\u0069st":[7],"list":[],"list":[7,7]}',
    );
  });

  test.each(["[1]", '"list"', '{"list":{"0":1}}', '{"list":null}', "{}"])(
    "leaves %s alone",
    (text) => {
      expect(mapJsonArray(text, "list", () => "7")).toBe(text);
    },
  );

  test("means what mapping the parsed list means, for any JSON", () => {
    assert(
      property(array(jsonValue()), jsonValue(), nat(3), (list, other, spaces) => {
        const text = JSON.stringify({ other, list, more: other }, null, spaces);
        expect(mapJsonArray(text, "list", (element) => element)).toBe(text);
        const wrapped: unknown = JSON.parse(
          mapJsonArray(text, "list", (element) => `{"it":${element}}`),
        );
        const parsed: { readonly list: readonly unknown[] } = JSON.parse(text);
        expect(wrapped).toEqual({ ...parsed, list: parsed.list.map((it) => ({ it })) });
      }),
    );
  });
});
