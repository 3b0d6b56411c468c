import type { KeyRecord } from "../../server/store/store.ts";
import { digits } from "../_number.ts";
import { table, type Column } from "../_table.ts";
import type { Terminal } from "../_terminal.ts";
import { keyState } from "./_describe.ts";

const titles: readonly Column[] = [
  { title: "ID" },
  { title: "PREFIX" },
  { title: "TENANT" },
  { title: "DESCRIPTION" },
  { title: "STATE" },
  { title: "RPM", align: "right" },
  { title: "RPD", align: "right" },
  { title: "EXPIRES" },
  { title: "LAST USED" },
];

/**
 * One line a key: what tells it apart, how it stands, and the limits that most keys have. Only a whole id is of use: on a
 * terminal without the room for it the prefix names the key, if each has one.
 */
export function keyTable(
  keys: readonly KeyRecord[],
  now: number,
  { columns, paint }: Pick<Terminal, "columns" | "paint">,
): string {
  const heading = (text: string): string => paint("bold", text);
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
  const whole = table(titles, rows, { heading });
  if (columns === undefined || widthOf(whole) <= columns) return whole;
  return keys.every(({ keyPrefix }) => keyPrefix !== "")
    ? table(
        titles.slice(1),
        rows.map((row) => row.slice(1)),
        { columns, heading },
      )
    : table(titles, rows, { columns, heading });
}

function widthOf(text: string): number {
  return Math.max(...text.split("\n").map((line) => Bun.stringWidth(line)));
}

function limit(value: number | null): string {
  return value === null || value === 0 ? "∞" : digits(value);
}

function day(moment: number | null): string {
  return moment === null ? "never" : new Date(moment).toISOString().slice(0, 10);
}
