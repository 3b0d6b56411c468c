import { describe, expect, test } from "bun:test";

import type { JsonObject } from "../../../../src/connectors/hub/json.ts";
import { toOpenApiSchema } from "../../../../src/connectors/wire/gemini/schema-openapi.ts";
import { cleanSchema } from "../../../../src/connectors/wire/gemini/schema.ts";
import { chatErrorOf } from "../../../support/rejection.ts";

function clean(schema: JsonObject, binding = false) {
  const dropped: string[] = [];
  const place = { field: "schema", binding, drop: (field: string) => dropped.push(field) };
  return { schema: cleanSchema(schema, place), dropped };
}

function openApi(schema: JsonObject) {
  const dropped: string[] = [];
  const place = { field: "schema", binding: false, drop: (field: string) => dropped.push(field) };
  return { schema: toOpenApiSchema(schema, place), dropped };
}

function refusal(schema: JsonObject): string | undefined {
  const error = chatErrorOf(() => clean(schema, true));
  expect(error.kind).toBe("invalid-request");
  expect(error.traits.tryElsewhere).toBe(true);
  return error.param;
}

const at = (schema: JsonObject): JsonObject => ({ type: "object", properties: { a: schema } });

describe("a schema of a binding answer", () => {
  test("is refused, with the place, where its shape cannot be said", () => {
    expect(refusal(at({ not: {} }))).toBe("schema.properties.a.not");
    expect(refusal(at({ if: {}, else: {} }))).toBe("schema.properties.a.if");
    expect(refusal(at({ patternProperties: {} }))).toBe("schema.properties.a.patternProperties");
    expect(refusal({ properties: { b: false } })).toBe("schema.properties.b.false");
    expect(refusal({ allOf: [{ type: "string" }, { type: "number" }] })).toBe("schema.allOf");
    expect(refusal({ $ref: "https://elsewhere.example/schema" })).toBe("schema.$ref");
    expect(refusal({ properties: { a: { $ref: "#/$defs/nowhere" } } })).toBe(
      "schema.properties.a.$ref",
    );
  });

  test("of a tool is only a hint: the same is left out and named", () => {
    const { schema, dropped } = clean({ type: "object", properties: { a: { not: {} } } });
    expect(schema).toEqual({ type: "object", properties: { a: {} } });
    expect(dropped).toEqual(["schema.not"]);
  });
});

describe("references", () => {
  test("within circles stay names", () => {
    const node: JsonObject = {
      type: "object",
      properties: { next: { $ref: "#/$defs/node" } },
    };
    const { schema, dropped } = clean({
      $defs: { node },
      type: "array",
      items: { $ref: "#/$defs/node" },
    });
    expect(schema).toEqual({ type: "array", items: { $ref: "#/$defs/node" }, $defs: { node } });
    expect(dropped).toEqual([]);
  });

  test("to other places are put in place, also where names hold slashes", () => {
    const { schema } = clean({
      properties: { "a/b": { type: "string" }, c: { $ref: "#/properties/a~1b" } },
    });
    expect(schema["properties"]).toEqual({ "a/b": { type: "string" }, c: { type: "string" } });
  });

  test("that make few schemas into very many are refused before they are followed", () => {
    const defs: Record<string, JsonObject> = { d0: { type: "string" } };
    for (let level = 1; level < 40; level += 1) {
      const ref = { $ref: `#/x/d${level - 1}` };
      defs[`d${level}`] = { type: "object", properties: { left: ref, right: ref } };
    }
    const error = chatErrorOf(() => clean({ x: defs, $ref: "#/x/d39" }));
    expect(error.message).toContain("more than 20000 parts");
  });

  test("to themselves are refused where names cannot stand", () => {
    const error = chatErrorOf(() =>
      openApi({ $defs: { n: { properties: { n: { $ref: "#/$defs/n" } } } }, $ref: "#/$defs/n" }),
    );
    expect(error.param).toContain("$ref");
  });
});

describe("lists of values", () => {
  test("of strings, numbers and null are kept, with null as a type", () => {
    expect(clean({ enum: ["a", null] }).schema).toEqual({ type: ["string", "null"], enum: ["a"] });
    expect(clean({ const: 3 }).schema).toEqual({ type: "number", enum: [3] });
    expect(clean({ const: null }).schema).toEqual({ type: "null" });
  });

  test("of anything else are left out and named", () => {
    expect(clean({ enum: [{ a: 1 }] })).toEqual({ schema: {}, dropped: ["schema.enum"] });
    expect(clean({ enum: [true, false] })).toEqual({ schema: { type: "boolean" }, dropped: [] });
  });
});

test("names such as __proto__ are properties like any other", () => {
  const { schema } = clean(JSON.parse('{"properties":{"__proto__":{"type":"string"}}}'));
  expect(JSON.stringify(schema)).toBe(
    '{"properties":{"__proto__":{"type":"string"}},"type":"object"}',
  );
});

test("the older subset has no null, no tuples and no numbers to choose from", () => {
  const { schema, dropped } = openApi({
    type: "object",
    properties: {
      size: { enum: [1, 2], type: "integer" },
      when: { type: "string", format: "date-time" },
      mail: { type: "string", format: "email" },
      list: { type: "array" },
      either: { anyOf: [{ type: "string" }, { type: "integer" }, { type: "null" }] },
      both: { type: ["string", "number"] },
    },
  });
  expect(schema["properties"]).toEqual({
    size: { type: "INTEGER" },
    when: { type: "STRING", format: "date-time" },
    mail: { type: "STRING" },
    list: { type: "ARRAY", items: { type: "STRING" } },
    either: { nullable: true, anyOf: [{ type: "STRING" }, { type: "INTEGER" }] },
    both: { anyOf: [{ type: "STRING" }, { type: "NUMBER" }] },
  });
  expect(dropped).toEqual(["schema.enum", "schema.format"]);
});
