import { KindGuard, type TSchema } from "@sinclair/typebox";
import type { Path } from "./path.ts";

/** The schema of the field at a path, or undefined where `schema` knows no such field. */
export function schemaAt(schema: TSchema, path: Path): TSchema | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return schema;
  if (KindGuard.IsUnion(schema)) {
    for (const variant of schema.anyOf) {
      const inner = schemaAt(variant, path);
      if (inner) return inner;
    }
    return undefined;
  }
  const member = memberOf(schema, step);
  return member && schemaAt(member, rest);
}

function memberOf(schema: TSchema, step: string | number): TSchema | undefined {
  if (typeof step === "number") return KindGuard.IsArray(schema) ? schema.items : undefined;
  if (KindGuard.IsRecord(schema)) return Object.values(schema.patternProperties)[0];
  if (!KindGuard.IsObject(schema) || !Object.hasOwn(schema.properties, step)) return undefined;
  return schema.properties[step];
}

/** Text from outside the file as the value that a schema asks for; as it is where it does not read as one. */
export function fromText(schema: TSchema | undefined, text: string): string | number {
  const isNumber = schema && (KindGuard.IsInteger(schema) || KindGuard.IsNumber(schema));
  return isNumber && /^[+-]?\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) : text;
}
