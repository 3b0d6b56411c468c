/** Keywords of JSON Schema by what becomes of them; those that are rewritten stand in `schema.ts`. */

/** Taken as they are. */
export const KEPT: ReadonlySet<string> = new Set([
  "title",
  "description",
  "default",
  "format",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "propertyOrdering",
]);

/** Say less than the rest, so that an answer without them still has the right shape. */
export const NARROWING: ReadonlySet<string> = new Set([
  "pattern",
  "minLength",
  "maxLength",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "propertyNames",
  "contains",
  "minContains",
  "maxContains",
  "contentEncoding",
  "contentMediaType",
]);

/** Decide on the shape, and have no other words. */
export const STRUCTURAL: ReadonlySet<string> = new Set([
  "not",
  "if",
  "then",
  "else",
  "patternProperties",
  "dependencies",
  "dependentRequired",
  "dependentSchemas",
  "unevaluatedProperties",
  "unevaluatedItems",
  "additionalItems",
  "$dynamicRef",
  "$recursiveRef",
]);
