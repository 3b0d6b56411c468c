/** JSON as it stands after `JSON.parse`: what dialects are made of before a schema has looked at them. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A JSON object; every field may be absent. */
export type JsonObject = { readonly [field: string]: Json | undefined };

/** True for a plain JSON object: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
