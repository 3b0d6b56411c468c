/**
 * JSON Schema as Gemini understands it. The keywords that `responseJsonSchema` and `parametersJsonSchema` take:
 * https://ai.google.dev/api/generate-content#FIELDS.response_json_schema. What says the same in other words is rewritten.
 */
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { isJsonArray, textOf } from "../walk.ts";
import { KEPT, NARROWING, STRUCTURAL } from "./schema-keywords.ts";
import { mergeSchemas } from "./schema-merge.ts";
import { resolvePointer } from "./schema-pointer.ts";
import { cleanEnum, cleanExclusive, withNull } from "./schema-values.ts";
import { type Growing, leave, lose, refuse, type SchemaPlace, type Walk } from "./schema-walk.ts";

const MOST_SCHEMAS = 20_000;

const OPEN: JsonObject = {};

/** Cleans what stands one step further. */
function cleanAt(walk: Walk, step: string, value: Json): JsonObject {
  walk.trail.push(step);
  const cleaned = clean(walk, value);
  walk.trail.pop();
  return cleaned;
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
