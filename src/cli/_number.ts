import { UsageError } from "./_error.ts";

/** A whole number from `least` up, `_` allowed between digits. Throws UsageError; `flag` is named in it. */
export function readInteger(flag: string, text: string, least = 0): number {
  const value = /^\d[\d_]*$/.test(text) ? Number(text.replaceAll("_", "")) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`${flag}: "${text}" is not a whole number from ${least} up`);
}

/** `12345` as `12,345`. */
export function digits(value: number | bigint): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
