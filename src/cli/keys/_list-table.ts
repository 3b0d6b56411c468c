import type { KeyRecord } from "../../server/store/store.ts";
import { digits } from "../_number.ts";
import { table } from "../_table.ts";
import type { Terminal } from "../_terminal.ts";
import { keyState } from "./_describe.ts";

/** One line a key: what tells it apart, how it stands, and the limits that most keys have. */
export function keyTable(
  keys: readonly KeyRecord[],
  now: number,
  { columns, paint }: Pick<Terminal, "columns" | "paint">,
): string {
  const rows = keys.map((key) => [
    key.id,
    key.keyPrefix,
    key.tenantId,
    key.description ?? "",
    keyState(key, now),
    key.rpm === null ? "default" : limit(key.rpm),
    limit(key.rpd),
    day(key.expiresAt),
    day(key.lastUsedAt),
  ]);
  return table(
    [
      { title: "ID" },
      { title: "PREFIX" },
      { title: "TENANT" },
      { title: "DESCRIPTION" },
      { title: "STATE" },
      { title: "RPM", align: "right" },
      { title: "RPD", align: "right" },
      { title: "EXPIRES" },
      { title: "LAST USED" },
    ],
    rows,
    { columns, heading: (text) => paint("bold", text) },
  );
}

function limit(value: number | null): string {
  return value === null || value === 0 ? "∞" : digits(value);
}

function day(moment: number | null): string {
  return moment === null ? "never" : new Date(moment).toISOString().slice(0, 10);
}
