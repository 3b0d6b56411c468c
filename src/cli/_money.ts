/** Money is whole billionths of a US dollar ("nano"). It is read and written digit by digit, never through a fraction. */
import { UsageError } from "./_error.ts";

const nanoDigits = 9;
const nano = 1_000_000_000n;

/** Nano dollars of `25`, `$25.50` or `0.000001`. Throws UsageError; `flag` is named in it. */
export function readUsd(flag: string, text: string): number {
  const match = /^\$?(\d+)(?:\.(\d{1,9}))?$/.exec(text.replaceAll("_", ""));
  if (match === null)
    throw new UsageError(
      `${flag}: "${text}" is not an amount in US dollars: write 25 or 12.50, at most ${nanoDigits} decimals`,
    );
  const amount = BigInt(match[1] ?? "0") * nano + BigInt((match[2] ?? "").padEnd(nanoDigits, "0"));
  if (amount > BigInt(Number.MAX_SAFE_INTEGER))
    throw new UsageError(`${flag}: ${text} is more than an account can hold (about 9 million)`);
  return Number(amount);
}

/** The exact amount in dollars without a sign of currency: `0.012345`, at least `decimals` places and as many as it needs. */
export function usd(amount: number | bigint, decimals = 2): string {
  const whole = BigInt(amount);
  const size = whole < 0n ? -whole : whole;
  const fraction = String(size % nano).padStart(nanoDigits, "0");
  const places = Math.max(decimals, fraction.replace(/0+$/, "").length);
  const decimalPart = places === 0 ? "" : `.${fraction.slice(0, places)}`;
  return `${whole < 0n ? "-" : ""}${size / nano}${decimalPart}`;
}

/** How many decimal places it takes to show all of the amounts exactly; at least 2. */
export function decimalsOf(amounts: readonly (number | bigint)[]): number {
  return Math.max(2, ...amounts.map((amount) => usd(amount).split(".")[1]?.length ?? 0));
}
