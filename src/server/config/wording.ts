import { KindGuard, type TSchema } from "@sinclair/typebox";
import { isTable } from "./path.ts";

/** What a schema asks for, in words. Its own `expected` annotation wins. */
export function expectation(schema: TSchema): string {
  const own: unknown = schema["expected"];
  if (typeof own === "string") return own;
  const choices = choicesOf(schema);
  if (choices.length > 0) return `one of ${choices.join(", ")}`;
  if (KindGuard.IsUnion(schema)) return schema.anyOf.map(expectation).join(" or ");
  if (KindGuard.IsInteger(schema)) return `an integer${range(schema)}`;
  if (KindGuard.IsNumber(schema)) return `a number${range(schema)}`;
  if (KindGuard.IsString(schema)) return schema.minLength ? "a non-empty string" : "a string";
  if (KindGuard.IsArray(schema)) return schema.minItems ? "a non-empty array" : "an array";
  return "a table";
}

function range({ minimum, maximum }: { minimum?: number; maximum?: number }): string {
  if (minimum === undefined) return "";
  return maximum === undefined ? ` of at least ${minimum}` : ` from ${minimum} to ${maximum}`;
}

/** The words of a union of literals; none for any other schema. */
export function choicesOf(schema: TSchema): readonly string[] {
  if (!KindGuard.IsUnion(schema)) return [];
  return schema.anyOf.filter(KindGuard.IsLiteral).map((variant) => String(variant.const));
}

/** What stands in a field, short; of a secret only what make it is. */
export function foundValue(value: unknown, schema: TSchema): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  if (isTable(value)) return "a table";
  if (value === "") return "an empty string";
  if (schema["secret"] === true) return `a ${typeof value}`;
  return typeof value === "string" ? quoted(value) : String(value);
}

/** A value quoted for a message, cut where it is long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}
