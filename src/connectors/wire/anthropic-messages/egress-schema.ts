import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { isJsonArray } from "../walk.ts";

/** What structured output holds an answer to; https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
const ENFORCED = new Set([
  "type",
  "title",
  "description",
  "default",
  "enum",
  "const",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "minItems",
  "anyOf",
  "allOf",
  "$ref",
  "$defs",
  "definitions",
  "pattern",
  "format",
]);
const FORMATS = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "uri",
  "ipv4",
  "ipv6",
  "uuid",
]);
/** Says nothing about the answer. */
const SILENT = new Set(["$schema", "$id", "$comment", "examples"]);

/**
 * A schema as structured output takes it: objects are closed, `oneOf` is `anyOf`, and what would be refused (lengths, ranges …)
 * stands in the description, where the model reads it, as Anthropic's own SDKs do it.
 */
export function encodeSchema(schema: JsonObject): JsonObject {
  const written: Record<string, Json> = {};
  const told: Record<string, Json> = {};
  for (const [field, value] of Object.entries(schema)) {
    if (value === undefined || SILENT.has(field)) continue;
    if (field === "oneOf" && schema["anyOf"] === undefined) written["anyOf"] = encodeList(value);
    else if (isEnforced(field, value)) written[field] = encodeField(field, value);
    else told[field] = value;
  }
  if (schema["type"] === "object") {
    const open = written["additionalProperties"];
    if (open !== undefined && open !== false) told["additionalProperties"] = open;
    written["properties"] ??= {};
    written["additionalProperties"] = false;
  }
  if (Object.keys(told).length === 0) return written;
  const words = Object.entries(told).map(([field, value]) => `${field}: ${JSON.stringify(value)}`);
  const description = written["description"];
  const before = typeof description === "string" ? `${description}\n\n` : "";
  return { ...written, description: `${before}{${words.join(", ")}}` };
}

function isEnforced(field: string, value: Json): boolean {
  if (field === "minItems") return value === 0 || value === 1;
  if (field === "format") return typeof value === "string" && FORMATS.has(value);
  return ENFORCED.has(field);
}

/** A field's value with the schemas inside it; values such as those of `enum` are none. */
function encodeField(field: string, value: Json): Json {
  switch (field) {
    case "properties":
    case "$defs":
    case "definitions":
      return isJsonObject(value) ? encodeEach(value) : value;
    case "items":
      return isJsonObject(value) ? encodeSchema(value) : value;
    case "anyOf":
    case "allOf":
      return encodeList(value);
    default:
      return value;
  }
}

function encodeEach(schemas: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      isJsonObject(schema) ? encodeSchema(schema) : (schema ?? null),
    ]),
  );
}

function encodeList(value: Json): Json {
  if (!isJsonArray(value)) return value;
  return value.map((schema) => (isJsonObject(schema) ? encodeSchema(schema) : schema));
}
