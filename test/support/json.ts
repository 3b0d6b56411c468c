/** JSON read naively, without the product's code: what is of another kind than it is asked for is nothing. */
import { isJsonObject, type Json, type JsonObject } from "../../src/connectors/hub/json.ts";

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

export function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** The objects in a list. */
export function objects(value: Json | undefined): readonly JsonObject[] {
  return list(value).filter(isJsonObject);
}

export function object(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** The JSON object that a text is. Throws when it is none. */
export function parseObject(json: string): JsonObject {
  const value: unknown = JSON.parse(json);
  if (!isJsonObject(value)) throw new Error(`no JSON object: ${json}`);
  return value;
}
