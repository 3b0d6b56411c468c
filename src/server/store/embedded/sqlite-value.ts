import type { SqliteRow } from "./sqlite.ts";

/** Year 0 and year 9999: what an ISO text of fixed width, and so text order, can hold. */
const EARLIEST = -62_167_219_200_000;
const LATEST = 253_402_300_799_999;

/** Unix milliseconds as the text that the tables hold. Throws RangeError for what is no time. */
export function toText(time: number): string {
  return new Date(time).toISOString();
}

/** The border of a range as text, however far away it lies. */
export function toBorder(time: number): string {
  return toText(Math.min(Math.max(time, EARLIEST), LATEST));
}

/** A time column, which a check keeps in the form of `toText`, as Unix milliseconds. */
export function readTime(row: SqliteRow, column: string): number {
  return Date.parse(readText(row, column));
}

/** The same of a column that may be null. */
export function readOptionalTime(row: SqliteRow, column: string): number | null {
  return row[column] === null ? null : readTime(row, column);
}

/** A text column. Throws, as all of these do, for a value of another kind. */
export function readText(row: SqliteRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw unexpected(column, "text", value);
  return value;
}

/** The same of a column that may be null. */
export function readOptionalText(row: SqliteRow, column: string): string | null {
  return row[column] === null ? null : readText(row, column);
}

/** A number column. Integers beyond 2^53 arrive rounded to the nearest double. */
export function readNumber(row: SqliteRow, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw unexpected(column, "a number", value);
  return value;
}

/** The same of a column that may be null. */
export function readOptionalNumber(row: SqliteRow, column: string): number | null {
  return row[column] === null ? null : readNumber(row, column);
}

function unexpected(column: string, expected: string, found: unknown): Error {
  return new Error(`column ${column} holds ${JSON.stringify(found) ?? "nothing"}, not ${expected}`);
}
