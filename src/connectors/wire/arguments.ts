import { isJsonObject, type Json, type JsonObject } from "../hub/json.ts";

/**
 * The arguments of a call as an object; a text that is none is kept in one under the name `broken`: models write bad JSON now and
 * then, and what they wrote must not be lost.
 */
export function toObject(text: string, broken: string): JsonObject {
  if (text.trim() === "") return {};
  try {
    const value: Json = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Kept below.
  }
  return { [broken]: text };
}
