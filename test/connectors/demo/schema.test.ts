import { describe, expect, test } from "bun:test";
import { type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import {
  array,
  assert,
  integer,
  letrec,
  nat,
  oneof,
  property,
  record,
  string,
  tuple,
} from "fast-check";
import { isValid } from "../../../src/connectors/demo/schema/check.ts";
import { createInstance, SchemaError } from "../../../src/connectors/demo/schema/instance.ts";
import { sampleOf } from "../../../src/connectors/demo/schema/pattern.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../src/connectors/hub/json.ts";
import { parseObject } from "../../support/json.ts";

const { schema: anySchema } = letrec<{ schema: TSchema }>((tie) => {
  const bounded = tuple(integer({ min: -20, max: 20 }), nat(5));
  return {
    schema: oneof(
      { maxDepth: 3, withCrossShrink: true },
      bounded.map(([low, size]) => Type.Integer({ minimum: low, maximum: low + size })),
      bounded.map(([low, size]) =>
        Type.Number({ exclusiveMinimum: low, exclusiveMaximum: low + size + 0.5 }),
      ),
      nat(30).map((n) => Type.Integer({ multipleOf: 1 + (n % 7), minimum: n })),
      bounded.map(([low, size]) =>
        Type.String({ minLength: Math.abs(low), maxLength: Math.abs(low) + size }),
      ),
      array(string({ maxLength: 4 }), { minLength: 1, maxLength: 3 }).map((values) =>
        Type.Union(values.map((value) => Type.Literal(value))),
      ),
      tuple(tie("schema"), nat(3)).map(([items, count]) =>
        Type.Array(items, { minItems: count, maxItems: count + 1 }),
      ),
      record({ a: tie("schema"), b: tie("schema") }).map(({ a, b }) =>
        Type.Object({ a, b: Type.Optional(b) }, { additionalProperties: false }),
      ),
      tuple(tie("schema"), tie("schema")).map((branches) => Type.Union(branches)),
      tuple(tie("schema"), tie("schema")).map((items) => Type.Tuple(items)),
      tie("schema").map((values) => Type.Record(Type.String(), values)),
    ),
  };
});

describe("createInstance", () => {
  test("makes a value that an independent validator accepts, for any schema", () => {
    assert(
      property(anySchema, array(string(), { maxLength: 3 }), (schema, words) => {
        expect(
          Value.Check(schema, createInstance(parseObject(JSON.stringify(schema)), words)),
        ).toBe(true);
      }),
      { numRuns: 500, seed: 20261123 },
    );
  });

  test.each<[string, JsonObject, Json]>([
    ["const", { const: { a: [1] } }, { a: [1] }],
    ["null in an enum", { enum: [null] }, null],
    ["a type that may be null", { type: ["null", "string"] }, "Oslo"],
    ["format", { type: "string", format: "date-time" }, "2026-01-02T03:04:05Z"],
    ["pattern with length", { type: "string", pattern: "^[A-Z]{2}-\\d+$", minLength: 6 }, "AA-000"],
    ["multipleOf within bounds", { type: "number", multipleOf: 0.25, minimum: 0.6 }, 0.75],
    ["unique items", { type: "array", items: {}, minItems: 2, uniqueItems: true }, ["Oslo", " 2"]],
    ["no type but fields", { properties: { a: { minimum: 3 } }, required: ["a"] }, { a: 4 }],
    ["required without a rule", { type: "object", required: ["x"] }, { x: "Oslo" }],
    ["contains", { type: "array", contains: { const: 7 } }, [7]],
    ["oneOf", { oneOf: [{ type: "integer", minimum: 5 }, { type: "null" }] }, 5],
    [
      "allOf",
      {
        allOf: [
          { type: "object", properties: { a: { type: "integer", minimum: 2 } }, required: ["a"] },
          { $ref: "#/$defs/more" },
        ],
        $defs: { more: { properties: { a: { minimum: 9 }, b: { type: "null" } } } },
      },
      { a: 9, b: null },
    ],
    [
      "allOf over the same fields",
      {
        allOf: [
          { type: "object", required: ["a"], properties: { a: { enum: [1, 2, 3] } }, title: "x" },
          { required: ["a"], properties: { a: { enum: [3, 4], maximum: 9 } }, title: "y" },
        ],
        properties: { a: { maximum: 5 } },
      },
      { a: 3 },
    ],
    [
      "a pattern for names",
      { patternProperties: { "^x-": { const: 1 } }, minProperties: 2 },
      {
        "x-": 1,
        "x-2": 1,
      },
    ],
  ])("knows %s", (_, schema, expected) => {
    expect(createInstance(schema, ["Oslo"])).toEqual(expected);
  });

  test("ends in recursive schemas", () => {
    const node = {
      type: "object",
      properties: {
        children: { type: "array", items: { $ref: "#/$defs/node" } },
        next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] },
      },
      required: ["children", "next"],
      additionalProperties: false,
    };
    const schema = { $ref: "#/$defs/node", $defs: { node } };
    expect(isValid(schema, createInstance(schema, []))).toBe(true);
  });

  test.each<[string, JsonObject]>([
    ["refers to itself", { $ref: "#" }],
    ["refers to nothing", { $ref: "#/$defs/none" }],
    ["forbids everything", { not: {} }],
    ["has a pattern that is none", { type: "string", pattern: "(" }],
    ["has a pattern name that is none", { patternProperties: { "(": {} }, required: ["a"] }],
    ["wants a look-ahead", { type: "string", pattern: "(?=a)b" }],
    ["contradicts itself", { type: "integer", minimum: 2, maximum: 1 }],
    ["wants a billion items", { type: "array", minItems: 1e9 }],
    ["needs itself for ever", { properties: { a: { $ref: "#" } }, required: ["a"] }],
  ])("refuses a schema that %s", (_, schema) => {
    expect(() => createInstance(schema, [])).toThrow(SchemaError);
  });

  test("makes own fields of names that objects inherit", () => {
    const schema = { type: "object", required: ["__proto__", "constructor", "toString"] };
    const instance = createInstance(schema, []);
    expect(Object.keys(isJsonObject(instance) ? instance : {})).toEqual(schema.required);
  });
});

describe("isValid", () => {
  test.each<[JsonObject, Json, Json]>([
    [{ type: "integer" }, 1, 1.5],
    [{ type: "array" }, [], {}],
    [{ type: ["object", "null"] }, null, "x"],
    [{ enum: ["a", 1] }, 1, "1"],
    [{ const: { a: 1 } }, { a: 1 }, { a: 2 }],
    [{ minimum: 1 }, 1, 0],
    [{ exclusiveMaximum: 1 }, 0.5, 1],
    [{ multipleOf: 0.1 }, 0.3, 0.35],
    [{ maxLength: 1 }, "👍", "ab"],
    [{ pattern: "^a" }, "ab", "ba"],
    [{ maxItems: 1 }, [1], [1, 2]],
    [{ uniqueItems: true }, [1, "1"], [{ a: 1 }, { a: 1 }]],
    [{ prefixItems: [{ type: "null" }], items: false }, [null], [null, 1]],
    [{ contains: { const: 1 }, maxContains: 1 }, [1, 2], [1, 1]],
    [{ required: ["a"] }, { a: 1 }, {}],
    [{ required: ["toString"] }, { toString: 1 }, {}],
    [{ properties: { a: { type: "null" } } }, { b: 1 }, { a: 1 }],
    [{ properties: { a: {} }, additionalProperties: false }, { a: 1 }, { b: 1 }],
    [{ patternProperties: { "^x": { type: "null" } } }, { y: 1 }, { x: 1 }],
    [{ propertyNames: { maxLength: 1 } }, { a: 1 }, { ab: 1 }],
    [{ minProperties: 1 }, { a: 1 }, {}],
    [{ anyOf: [{ type: "null" }, { const: 1 }] }, 1, 2],
    [{ oneOf: [{ minimum: 0 }, { maximum: 5 }] }, 6, 3],
    [{ not: { type: "null" } }, 1, null],
    [parseObject('{"if":{"minimum":5},"then":{"multipleOf":2},"else":{"const":1}}'), 6, 7],
    [{ items: [{ type: "null" }], additionalItems: false }, [null], [null, 1]],
    [{ $ref: "#/$defs/a~1b", $defs: { "a/b": { type: "null" } } }, null, 1],
  ])("%j accepts %j and not %j", (schema, good, bad) => {
    expect([isValid(schema, good), isValid(schema, bad)]).toEqual([true, false]);
  });
});

describe("sampleOf", () => {
  test.each([
    "^[a-z]+(?:-[a-z0-9]+)*$",
    "^\\d{3}-\\d{2,4}$",
    "^(?:red|green)$",
    "^#[0-9A-Fa-f]{6}$",
    "^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$",
    "\\u0041\\.\\x42",
    "^(?<year>\\d{4})$",
    "^\\p{Lu}\\p{Ll}*$",
    "^\\$\\d+$",
    "^a?b*?c+?$",
  ])("finds strings for %s, longer ones when asked", (pattern) => {
    for (const extra of [0, 1, 5]) {
      expect(sampleOf(pattern, extra)).toMatch(new RegExp(pattern, "u"));
    }
    expect(sampleOf(pattern, 3)?.length).toBeGreaterThanOrEqual(sampleOf(pattern, 0)?.length ?? 99);
  });

  test.each(["(?!a)b", "(a)\\1", "a\\b", "a$b", "(", "[", "a{2"])("does not know %s", (pattern) => {
    expect(sampleOf(pattern, 0)).toBeUndefined();
  });
});
