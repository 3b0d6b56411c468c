/** Keywords that limit single values, in the words that Gemini has. */
import type { Json, JsonObject } from "../../hub/json.ts";
import { isJsonArray } from "../walk.ts";
import { type Growing, leave, type Walk } from "./schema-walk.ts";

function typesOf(value: Json | undefined): readonly string[] {
  const list = isJsonArray(value) ? value : [value];
  return list.filter((type) => typeof type === "string");
}

/** A type that may also be null. */
export function withNull(type: Json | undefined): Json {
  const types = typesOf(type);
  return types.includes("null") ? (type ?? "null") : [...types, "null"];
}

/** `const` and `enum`: Gemini's lists hold strings and numbers; null and booleans are types. */
export function cleanEnum(walk: Walk, values: readonly Json[], out: Growing): void {
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
export function cleanExclusive(
  walk: Walk,
  keyword: string,
  value: Json,
  schema: JsonObject,
  out: Growing,
): void {
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
