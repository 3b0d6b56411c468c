import { KindGuard, type TSchema } from "@sinclair/typebox";
import { isTable } from "./path.ts";

/**
 * The value with the defaults of its schema where it says nothing. What has the wrong shape stays as it is, for the check to
 * find. (TypeBox's own Value.Default takes an array for a table and loses it, seen in 0.34.52.)
 */
export function withDefaults(schema: TSchema, value: unknown): unknown {
  const given: unknown = value === undefined ? structuredClone(schema.default) : value;
  if (!KindGuard.IsObject(schema) || !isTable(given)) return given;
  const table: Record<string, unknown> = { ...given };
  for (const [name, member] of Object.entries(schema.properties)) {
    const filled = withDefaults(member, table[name]);
    if (filled !== undefined) table[name] = filled;
  }
  return table;
}
