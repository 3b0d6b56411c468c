/**
 * JSON Schema as Gemini understands it. The keywords that `responseJsonSchema` and `parametersJsonSchema` take:
 * https://ai.google.dev/api/generate-content#FIELDS.response_json_schema. What says the same in other words is rewritten.
 */
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { isJsonArray, textOf } from "../walk.ts";
import { cannot, type Drop } from "../writing.ts";
import { mergeSchemas } from "./schema-merge.ts";
import { resolvePointer } from "./schema-pointer.ts";

/** Where a schema stands in the request and what happens to what Gemini's schemas lack. */
export type SchemaPlace = {
  /** The field that holds it, e.g. `tools[].parameters`. */
  readonly field: string;
  /** Whether the answer must obey it: then what decides on its shape is refused rather than left out. */
  readonly binding: boolean;
  readonly drop: Drop;
  /** Whether every reference must be put in place of its name. */
  readonly inline?: boolean;
};

type Growing = Record<string, Json | undefined>;

type Walk = SchemaPlace & {
  /** Where the walk stands below the field; put together only for refusals. */
  readonly trail: string[];
  readonly root: JsonObject;
  /** Names of the references whose schemas are being put in place, so that no circle is followed. */
  readonly open: ReadonlySet<string>;
  /** Schemas that may still be written; references can make few into very many. */
  budget: { left: number };
};

const MOST_SCHEMAS = 20_000;

/** Taken as they are. */
const KEPT: ReadonlySet<string> = new Set([
  "title",
  "description",
  "default",
  "format",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "propertyOrdering",
]);

/** Say less than the rest, so that an answer without them still has the right shape. */
const NARROWING: ReadonlySet<string> = new Set([
  "pattern",
  "minLength",
  "maxLength",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "propertyNames",
  "contains",
  "minContains",
  "maxContains",
  "contentEncoding",
  "contentMediaType",
]);

/** Decide on the shape, and have no other words. */
const STRUCTURAL: ReadonlySet<string> = new Set([
  "not",
  "if",
  "then",
  "else",
  "patternProperties",
  "dependencies",
  "dependentRequired",
  "dependentSchemas",
  "unevaluatedProperties",
  "unevaluatedItems",
  "additionalItems",
  "$dynamicRef",
  "$recursiveRef",
]);

const OPEN: JsonObject = {};

function refuse(walk: Walk, keyword: string, why: string): Error {
  return cannot([walk.field, ...walk.trail, keyword].join("."), `a schema with ${why}`);
}

/** What is left out is named in a header, so only by the field and the keyword, and not by the caller's own names. */
function leave(walk: Walk, keyword: string): void {
  walk.drop(`${walk.field}.${keyword}`);
}

function lose(walk: Walk, keyword: string): void {
  if (walk.binding) throw refuse(walk, keyword, keyword);
  leave(walk, keyword);
}

/** Cleans what stands one step further. */
function cleanAt(walk: Walk, step: string, value: Json): JsonObject {
  walk.trail.push(step);
  const cleaned = clean(walk, value);
  walk.trail.pop();
  return cleaned;
}

function typesOf(value: Json | undefined): readonly string[] {
  const list = isJsonArray(value) ? value : [value];
  return list.filter((type) => typeof type === "string");
}

function withNull(type: Json | undefined): Json {
  const types = typesOf(type);
  return types.includes("null") ? (type ?? "null") : [...types, "null"];
}

/** `const` and `enum`: Gemini's lists hold strings and numbers; null and booleans are types. */
function cleanEnum(walk: Walk, values: readonly Json[], out: Growing): void {
  const plain = values.filter((value) => typeof value === "string" || typeof value === "number");
  const booleans = values.filter((value) => typeof value === "boolean");
  const hasNull = values.includes(null);
  if (plain.length + booleans.length + (hasNull ? 1 : 0) < values.length || booleans.length > 0) {
    // All of one type is all that can be said of objects, lists and booleans.
    if (new Set(booleans).size < 2 || plain.length > 0) leave(walk, "enum");
    if (booleans.length > 0 && plain.length === 0) out["type"] ??= "boolean";
    if (hasNull && out["type"] !== undefined) out["type"] = withNull(out["type"]);
    return;
  }
  if (plain.length > 0) {
    out["enum"] = plain;
    const kinds = new Set(plain.map((value) => typeof value));
    if (out["type"] === undefined && kinds.size === 1) {
      out["type"] = kinds.has("string") ? "string" : "number";
    }
  }
  if (hasNull) out["type"] = plain.length === 0 ? "null" : withNull(out["type"]);
}

/** A limit that excludes its own value; among integers it is the next one. */
function cleanExclusive(
  walk: Walk,
  keyword: string,
  value: Json,
  schema: JsonObject,
  out: Growing,
) {
  const isLower = keyword === "exclusiveMinimum";
  if (typeof value !== "number" || !typesOf(schema["type"]).includes("integer")) {
    leave(walk, keyword);
    return;
  }
  const limit = isLower ? Math.floor(value) + 1 : Math.ceil(value) - 1;
  const name = isLower ? "minimum" : "maximum";
  const known = schema[name];
  if (typeof known !== "number") out[name] = limit;
  else out[name] = isLower ? Math.max(known, limit) : Math.min(known, limit);
}

function cleanProperties(walk: Walk, schema: JsonObject, out: Growing): void {
  const { properties, required } = schema;
  if (isJsonObject(properties)) {
    const cleaned: Growing = Object.create(null);
    for (const [name, value] of Object.entries(properties)) {
      cleaned[name] = cleanAt(walk, `properties.${name}`, value ?? true);
    }
    out["properties"] = cleaned;
    out["type"] ??= "object";
  }
  if (isJsonArray(required)) {
    const known = isJsonObject(properties) ? properties : {};
    // A name without a property is an error to Gemini.
    const names = required.filter((name) => typeof name === "string" && Object.hasOwn(known, name));
    if (names.length < required.length) leave(walk, "required");
    if (names.length > 0) out["required"] = names;
  }
}

/** Several schemas of which one holds; Gemini reads `oneOf` as `anyOf`. */
function cleanUnion(walk: Walk, schema: JsonObject, out: Growing): void {
  for (const keyword of ["anyOf", "oneOf"]) {
    const list = schema[keyword];
    if (isJsonArray(list)) out[keyword] = list.map((each) => cleanAt(walk, keyword, each));
  }
}

/** Puts the schemas of `allOf` together with the one around them. */
function joinAll(walk: Walk, schema: JsonObject): JsonObject {
  const { allOf, ...rest } = schema;
  if (!isJsonArray(allOf)) return schema;
  let joined: JsonObject = rest;
  for (const part of allOf) {
    const one = isJsonObject(part) ? joinAll(walk, part) : part;
    if (one === true) continue;
    const plain = isJsonObject(one) ? inPlace(walk, one) : undefined;
    const next = plain && mergeSchemas(joined, plain);
    if (next === undefined) {
      lose(walk, "allOf");
      return joined;
    }
    joined = next;
  }
  return joined;
}

/** The schema behind a reference, with whatever stands beside that; undefined in a circle. */
function inPlace(walk: Walk, schema: JsonObject): JsonObject | undefined {
  const ref = textOf(schema["$ref"]);
  if (ref === undefined) return schema;
  if (walk.open.has(ref)) return undefined;
  const target = resolvePointer(walk.root, ref);
  if (!target) throw refuse(walk, "$ref", `a reference to ${ref.slice(0, 100)}`);
  const { $ref: _, ...beside } = schema;
  const behind = inPlace({ ...walk, open: new Set([...walk.open, ref]) }, joinAll(walk, target));
  return behind && mergeSchemas(beside, behind);
}

function cleanReference(walk: Walk, schema: JsonObject, ref: string): JsonObject {
  const target = resolvePointer(walk.root, ref);
  if (!target) throw refuse(walk, "$ref", `a reference to ${ref.slice(0, 100)}`);
  const named = /^#\/(?:\$defs|definitions)\/([^/]+)$/.exec(ref)?.[1];
  const beside = Object.keys(schema).filter((keyword) => !keyword.startsWith("$"));
  // Beside a reference Gemini takes nothing, so that it is put in place where there is something.
  if (named !== undefined && !walk.inline && beside.length === 0) {
    return { $ref: `#/$defs/${named}` };
  }
  if (walk.open.has(ref)) {
    if (named === undefined || walk.inline) throw refuse(walk, "$ref", "a reference to itself");
    for (const keyword of beside) leave(walk, keyword);
    return { $ref: `#/$defs/${named}` };
  }
  const { $ref: _, ...rest } = schema;
  const merged = mergeSchemas(rest, target);
  if (merged === undefined) lose(walk, "$ref");
  return clean({ ...walk, open: new Set([...walk.open, ref]) }, merged ?? target);
}

function cleanKeyword(walk: Walk, keyword: string, value: Json, schema: JsonObject, out: Growing) {
  switch (keyword) {
    case "type":
      break;
    case "const":
      cleanEnum(walk, [value], out);
      break;
    case "enum":
      if (isJsonArray(value)) cleanEnum(walk, value, out);
      break;
    case "nullable":
      if (value === true && out["type"] !== undefined) out["type"] = withNull(out["type"]);
      break;
    case "exclusiveMinimum":
    case "exclusiveMaximum":
      cleanExclusive(walk, keyword, value, schema, out);
      break;
    case "items":
      if (isJsonArray(value)) {
        out["prefixItems"] = value.map((each) => cleanAt(walk, keyword, each));
      } else if (value !== false) out["items"] = cleanAt(walk, keyword, value);
      break;
    case "prefixItems":
      if (isJsonArray(value)) {
        out[keyword] = value.map((each) => cleanAt(walk, keyword, each));
      }
      break;
    case "additionalProperties":
      out[keyword] = typeof value === "boolean" ? value : cleanAt(walk, keyword, value);
      break;
    default:
      if (KEPT.has(keyword)) out[keyword] ??= value;
      else if (NARROWING.has(keyword)) leave(walk, keyword);
      else if (STRUCTURAL.has(keyword)) lose(walk, keyword);
      // What is left are notes for people and tools: $schema, $comment, examples, x-….
      break;
  }
}

function clean(walk: Walk, value: Json): JsonObject {
  walk.budget.left -= 1;
  if (walk.budget.left < 0) throw refuse(walk, "$ref", `more than ${MOST_SCHEMAS} parts`);
  if (!isJsonObject(value)) {
    if (value === false) lose(walk, "false");
    return OPEN;
  }
  const ref = textOf(value["$ref"]);
  if (ref !== undefined) return cleanReference(walk, value, ref);
  const schema = joinAll(walk, value);
  if (textOf(schema["$ref"]) !== undefined) return clean(walk, schema);
  const out: Growing = {};
  if (schema["type"] !== undefined) out["type"] = schema["type"];
  for (const [keyword, entry] of Object.entries(schema)) {
    if (entry !== undefined) cleanKeyword(walk, keyword, entry, schema, out);
  }
  cleanProperties(walk, schema, out);
  cleanUnion(walk, schema, out);
  return out;
}

/** A caller's JSON Schema with what Gemini takes of it. Throws ChatError `invalid-request`, naming the place, where it cannot. */
export function cleanSchema(schema: JsonObject, place: SchemaPlace): JsonObject {
  const walk: Walk = {
    ...place,
    trail: [],
    root: schema,
    open: new Set(),
    budget: { left: MOST_SCHEMAS },
  };
  const cleaned = clean(walk, schema);
  if (place.inline) return cleaned;
  const defs: Growing = Object.create(null);
  for (const holder of ["definitions", "$defs"]) {
    const entries = schema[holder];
    if (!isJsonObject(entries)) continue;
    for (const [name, entry] of Object.entries(entries)) {
      if (entry === undefined) continue;
      const open = new Set([`#/${holder}/${name}`]);
      defs[name] = cleanAt({ ...walk, open }, `${holder}.${name}`, entry);
    }
  }
  return Object.keys(defs).length === 0 ? cleaned : { ...cleaned, $defs: defs };
}
