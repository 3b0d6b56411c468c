import type { TSchema } from "@sinclair/typebox";
import { KindGuard } from "@sinclair/typebox";
import { Errors, type ValueError, ValueErrorType } from "@sinclair/typebox/errors";
import type { PathFault } from "./faults.ts";
import { LONGEST_NAME } from "./names.ts";
import { nearest } from "./nearest.ts";
import { fromPointer, isTable } from "./path.ts";
import { choicesOf, expectation, foundValue } from "./wording.ts";

/** What of `tree` does not fit the schema. */
export function checkShape(schema: TSchema, tree: unknown): PathFault[] {
  return [...Errors(schema, tree)].flatMap((error) => explain(error, tree));
}

function explain(error: ValueError, tree: unknown): readonly PathFault[] {
  if (error.type === ValueErrorType.Union && KindGuard.IsUnion(error.schema)) {
    // "a table or an array of tables": the branch that was meant is the one of the same make.
    const branch = error.schema.anyOf.findIndex((variant) => isSameMake(variant, error.value));
    const errors = error.errors[branch];
    if (errors) return [...errors].flatMap((inner) => explain(inner, tree));
  }
  const path = fromPointer(error.path, tree);
  return [{ path, problem: problemOf(error, String(path.at(-1))) }];
}

function isSameMake(schema: TSchema, value: unknown): boolean {
  return Array.isArray(value)
    ? KindGuard.IsArray(schema)
    : KindGuard.IsObject(schema) && isTable(value);
}

function problemOf({ type, schema, value }: ValueError, name: string): string {
  if (type === ValueErrorType.ObjectAdditionalProperties) {
    if (KindGuard.IsObject(schema)) return unknownField(name, Object.keys(schema.properties));
    return name.length > LONGEST_NAME
      ? `the name has ${name.length} characters, expected at most ${LONGEST_NAME}`
      : "not a usable name";
  }
  const expected = `expected ${expectation(schema)}`;
  if (type === ValueErrorType.ObjectRequiredProperty) return `missing, ${expected}`;
  const close = typeof value === "string" ? nearest(value, choicesOf(schema)) : undefined;
  const hint = close === undefined ? "" : `; did you mean "${close}"?`;
  return `found ${foundValue(value, schema)}, ${expected}${hint}`;
}

function unknownField(name: string, known: readonly string[]): string {
  const close = nearest(name, known);
  const expected = `unknown field, expected one of ${known.join(", ")}`;
  return close === undefined ? expected : `${expected}; did you mean "${close}"?`;
}
