import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { isValid } from "./check.ts";

const NOTES = new Set(["description", "title", "default", "examples"]);

function mergeFields(left: JsonObject, right: JsonObject): JsonObject {
  const fields: Record<string, Json | undefined> = { ...left };
  for (const [name, field] of Object.entries(right)) {
    const other = fields[name];
    fields[name] = isJsonObject(other) && isJsonObject(field) ? mergeSchemas(other, field) : field;
  }
  return fields;
}

function mergeKeyword(keyword: string, left: Json, right: Json): Json {
  if (keyword === "properties" && isJsonObject(left) && isJsonObject(right)) {
    return mergeFields(left, right);
  }
  if (keyword === "required") return [left, right].flat();
  if (keyword === "enum" && Array.isArray(left)) {
    return left.filter((one) => isValid({ enum: right }, one));
  }
  if (typeof left === "number" && typeof right === "number") {
    if (/^(?:min|exclusiveMin)/u.test(keyword)) return Math.max(left, right);
    if (/^(?:max|exclusiveMax)/u.test(keyword)) return Math.min(left, right);
  }
  return NOTES.has(keyword) ? left : right;
}

/** Both schemas at once: fields merged, the narrower bound kept, and where nothing better is known the right one's word. */
export function mergeSchemas(left: JsonObject, right: JsonObject): JsonObject {
  const merged: Record<string, Json | undefined> = { ...left };
  for (const [keyword, value] of Object.entries(right)) {
    const before = merged[keyword];
    merged[keyword] =
      before === undefined || value === undefined
        ? (value ?? before)
        : mergeKeyword(keyword, before, value);
  }
  return merged;
}

/** The schema without these keywords. */
export function omitKeywords(schema: JsonObject, ...keywords: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => !keywords.includes(name)));
}
