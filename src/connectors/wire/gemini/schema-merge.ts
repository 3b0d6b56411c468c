import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { isJsonArray } from "../walk.ts";

type Growing = Record<string, Json | undefined>;

/** What describes and does not constrain: of two, the outer one is kept. */
const NOTES: ReadonlySet<string> = new Set(["title", "description", "default"]);

function listOf(value: Json | undefined): readonly Json[] {
  return isJsonArray(value) ? value : value === undefined ? [] : [value];
}

function larger(left: Json, right: Json): Json {
  return Math.max(Number(left), Number(right));
}

function smaller(left: Json, right: Json): Json {
  return Math.min(Number(left), Number(right));
}

/** `integer` is a `number`, so that together they are an `integer`. */
function common(left: readonly Json[], right: readonly Json[]): readonly Json[] {
  const both = left.filter((type) => right.includes(type));
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    if (one.includes("integer") && other.includes("number") && !both.includes("integer")) {
      both.push("integer");
    }
  }
  return both;
}

/** How one keyword of two schemas reads when both must hold; undefined where one keyword cannot say it. */
function intersect(keyword: string, left: Json, right: Json): Json | undefined {
  switch (keyword) {
    case "type": {
      const types = common(listOf(left), listOf(right));
      return types.length === 0 ? undefined : types.length === 1 ? types[0] : types;
    }
    case "enum": {
      const known = new Set(listOf(right).map((value) => JSON.stringify(value)));
      const values = listOf(left).filter((value) => known.has(JSON.stringify(value)));
      return values.length === 0 ? undefined : values;
    }
    case "required":
      return [...new Set([...listOf(left), ...listOf(right)])];
    case "minimum":
    case "minItems":
      return larger(left, right);
    case "maximum":
    case "maxItems":
      return smaller(left, right);
    case "additionalProperties":
      // Each of the two counts the other's properties as additional, which nobody means who writes so.
      return left === false && right === false ? false : left === false ? right : left;
    case "properties":
    case "items":
      return isJsonObject(left) && isJsonObject(right)
        ? keyword === "items"
          ? mergeSchemas(left, right)
          : mergeProperties(left, right)
        : undefined;
    default:
      return undefined;
  }
}

function mergeProperties(left: JsonObject, right: JsonObject): JsonObject | undefined {
  const merged: Growing = { ...left };
  for (const [name, schema] of Object.entries(right)) {
    const known = Object.hasOwn(left, name) ? left[name] : undefined;
    if (!isJsonObject(known) || !isJsonObject(schema)) merged[name] = schema;
    else {
      const one = mergeSchemas(known, schema);
      if (one === undefined) return undefined;
      merged[name] = one;
    }
  }
  return merged;
}

/** One schema for two that must both hold (`allOf`), or undefined where that takes more than one. */
export function mergeSchemas(left: JsonObject, right: JsonObject): JsonObject | undefined {
  const merged: Growing = { ...left };
  for (const [keyword, value] of Object.entries(right)) {
    const known = merged[keyword];
    if (value === undefined) continue;
    if (known === undefined) merged[keyword] = value;
    else if (!NOTES.has(keyword) && !Bun.deepEquals(known, value)) {
      const one = intersect(keyword, known, value);
      if (one === undefined) return undefined;
      merged[keyword] = one;
    }
  }
  return merged;
}
