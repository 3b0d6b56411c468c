import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { createReplacer, editJson, replaceJson } from "../../../src/connectors/hub/json-edit.ts";
import { type Json, type JsonObject } from "../../../src/connectors/hub/json.ts";
import { parseObject } from "../../support/json.ts";

type Edits = Readonly<Record<string, Json | undefined>>;

function escapeAll(text: string): string {
  const codes = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  return codes.map((code) => `\\u${code.toString(16).padStart(4, "0")}`).join("");
}

/** What `editJson` promises to mean, said with JSON.parse. */
function expected(text: string, edits: Edits): JsonObject {
  const result = new Map(Object.entries(parseObject(text)));
  for (const [name, value] of Object.entries(edits)) {
    if (value === undefined) result.delete(name);
    else result.set(name, value);
  }
  return Object.fromEntries(result);
}

describe("editJson", () => {
  test("replaces a value and keeps every other byte", () => {
    const text =
      '{ "seed" : 12345678901234567890 ,\n\t"model":"a", "x":1.0, "y": {"model":"inner"} , "z":[{"model":"b"}]}\n';
    expect(editJson(text, { model: "new" })).toBe(text.replace('"a"', '"new"'));
  });

  test("adds a missing field at the end", () => {
    expect(editJson('{"a":1 }', { b: [1] })).toBe('{"a":1,"b":[1] }');
    expect(editJson("{ }", { b: 1, c: null })).toBe('{"b":1,"c":null }');
    expect(editJson("  {}", { b: 1 })).toBe('  {"b":1}');
  });

  test("deletes a field with one of its commas, wherever it stands", () => {
    expect(editJson('{"a":1, "b":2 ,"c":3}', { a: undefined })).toBe('{"b":2 ,"c":3}');
    expect(editJson('{"a":1, "b":2 ,"c":3}', { b: undefined })).toBe('{"a":1 ,"c":3}');
    expect(editJson('{"a":1, "b":2 ,"c":3}', { c: undefined })).toBe('{"a":1, "b":2}');
    expect(editJson('{"a":1, "b":2}', { a: undefined, b: undefined })).toBe("{}");
    expect(editJson('{"a":1}', { a: undefined, b: 2 })).toBe('{"b":2}');
    expect(editJson('{"a":1}', { z: undefined })).toBe('{"a":1}');
  });

  test("changes every field of a repeated name, whichever one a parser would take", () => {
    expect(editJson('{"m":"a","n":1,"m":"b"}', { m: "x" })).toBe('{"m":"x","n":1,"m":"x"}');
    expect(editJson('{"m":"a","n":1,"m":"b"}', { m: undefined })).toBe('{"n":1}');
  });

  test("finds a name that is written with escapes, also behind a plain one", () => {
    expect(editJson('{"mod\\u0065l":"a"}', { model: "x" })).toBe('{"mod\\u0065l":"x"}');
    expect(editJson('{"model":"a","\\u006dodel":"b"}', { model: "x" })).toBe(
      '{"model":"x","\\u006dodel":"x"}',
    );
    expect(editJson('{"a/b":1,"a\\/b":2}', { "a/b": 3 })).toBe('{"a/b":3,"a\\/b":3}');
  });

  test("is not misled by quotes, braces and backslashes inside strings", () => {
    const text = '{"a":"\\"model\\":\\\\","b":"{[\\\\\\"","model":"x","c":"}"}';
    expect(editJson(text, { model: "y" })).toBe(text.replace('"x"', '"y"'));
  });

  test("treats __proto__ and constructor as names like any other", () => {
    const edits: Edits = { ["__proto__"]: 1 };
    expect(editJson('{"__proto__":{"a":1},"constructor":2}', edits)).toBe(
      '{"__proto__":1,"constructor":2}',
    );
    expect(editJson('{"constructor":2,"toString":3}', { model: "m" })).toBe(
      '{"constructor":2,"toString":3,"model":"m"}',
    );
  });

  test("leaves text alone that is no object", () => {
    for (const text of ["[1]", '"a"', "7", "", "[DONE]"]) {
      expect(editJson(text, { model: "x" })).toBe(text);
    }
  });

  test("adds nothing when it only replaces", () => {
    expect(replaceJson('{"model":"a","x":[{"model":"b"}]}', { model: "c", y: 1 })).toBe(
      '{"model":"c","x":[{"model":"b"}]}',
    );
    expect(replaceJson('{"x":{"model":"b"}}', { model: "c" })).toBe('{"x":{"model":"b"}}');
    expect(replaceJson('{"x":1,"y":2}', { x: undefined })).toBe('{"y":2}');
  });

  test("comes to an end on text that is cut off anywhere", () => {
    const text = '{"a":[1,{"b":"\\"c"}],"model":"x","d":true}';
    for (let length = 0; length < text.length; length += 1) {
      expect(typeof editJson(text.slice(0, length), { model: "y", e: 1 })).toBe("string");
    }
  });

  test("walks through an object a hundred thousand levels deep", () => {
    const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)},"model":"x"}`;
    expect(editJson(deep, { model: "y" })).toBe(deep.replace('"x"', '"y"'));
  });

  test("means the same as JSON.parse and assign, for any object, spacing and edits", () => {
    const name = fc.oneof(
      fc.constantFrom("model", "stream", "a", "b", "a/b", 'q"', "é", "__proto__", ""),
      fc.string(),
    );
    const field = fc.record({
      name,
      value: fc.jsonValue(),
      escaped: fc.boolean(),
      space: fc.constantFrom("", " ", "\n\t", "\r\n"),
    });
    fc.assert(
      fc.property(
        fc.array(field, { maxLength: 8 }),
        fc.array(fc.tuple(name, fc.option(fc.jsonValue(), { nil: undefined })), { maxLength: 4 }),
        (fields, changes) => {
          const members = fields.map(
            ({ name: key, value, escaped, space }) =>
              `${space}${escaped ? `"${escapeAll(key)}"` : JSON.stringify(key)}${space}:${space}${JSON.stringify(value)}${space}`,
          );
          const text = `{${members.join(",")}}`;
          const edits: Edits = Object.fromEntries(changes);
          const edited = editJson(text, edits);
          expect(parseObject(edited)).toEqual(expected(text, edits));
          expect(editJson(edited, edits)).toBe(edited);
        },
      ),
      { seed: 20, numRuns: 1500 },
    );
  });
});

describe("a replacer", () => {
  test("changes texts that begin alike, and those that do not", () => {
    const replace = createReplacer("model", "new");
    expect(replace('{"id":1,"model":"a","x":1}')).toBe('{"id":1,"model":"new","x":1}');
    expect(replace('{"id":1,"model":"a","x":2}')).toBe('{"id":1,"model":"new","x":2}');
    expect(replace('{"id":2,"model":"a","x":2}')).toBe('{"id":2,"model":"new","x":2}');
    expect(replace('{"id":2}')).toBe('{"id":2}');
    expect(replace("[DONE]")).toBe("[DONE]");
  });

  test("is not misled by a repeated or disguised name behind a beginning that it knows", () => {
    const replace = createReplacer("model", "new");
    replace('{"model":"a","x":1}');
    expect(replace('{"model":"a","model":"b"}')).toBe('{"model":"new","model":"new"}');
    expect(replace('{"model":"a","mod\\u0065l":"b"}')).toBe('{"model":"new","mod\\u0065l":"new"}');
  });

  test("does not take one number for the beginning of another", () => {
    const replace = createReplacer("n", 7);
    expect(replace('{"n":1}')).toBe('{"n":7}');
    expect(replace('{"n":12}')).toBe('{"n":7}');
  });

  test("means the same as JSON.parse and assign, text after text", () => {
    const member = fc.tuple(
      fc.constantFrom('"model"', '"mod\\u0065l"', '"id"', '"choices"', '"a\\"b"'),
      fc.constantFrom('"m"', '"\\"model\\":"', "1", '{"model":"inner"}', '["\\\\"]', '"\\u00e9"'),
    );
    fc.assert(
      fc.property(fc.array(fc.array(member, { maxLength: 4 }), { maxLength: 6 }), (texts) => {
        const replace = createReplacer("model", "new");
        for (const members of texts) {
          const text = `{${members.map(([name, value]) => `${name}:${value}`).join(",")}}`;
          const before = parseObject(text);
          const after = Object.hasOwn(before, "model") ? { ...before, model: "new" } : before;
          expect(parseObject(replace(text))).toEqual(after);
        }
      }),
      { seed: 7, numRuns: 2000 },
    );
  });
});
