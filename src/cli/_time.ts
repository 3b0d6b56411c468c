import { UsageError } from "./_error.ts";

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Beyond about 270,000 years there are no dates, and beyond the year 9999 databases have none. */
const longestDays = 365_000;

/** Milliseconds of `30d`, `24h`, `1d12h` or `0`. Throws UsageError; `flag` is named in it. */
export function readDuration(flag: string, text: string): number {
  const duration = durationMs(flag, text);
  if (duration === undefined)
    throw new UsageError(
      `${flag}: "${text}" is not a length of time: write 30d, 24h, 15m, 90s or 2w`,
    );
  return duration;
}

/**
 * Unix milliseconds of a date or time in ISO 8601 (UTC unless it says otherwise), of `now`, or of a length of time counted from
 * `now` backwards (`past`) or forwards (`future`). Throws UsageError; `flag` is named in it.
 */
export function readMoment(
  flag: string,
  text: string,
  now: number,
  direction: "past" | "future",
): number {
  if (text === "now") return now;
  const duration = durationMs(flag, text);
  if (duration !== undefined) return direction === "past" ? now - duration : now + duration;
  const moment = isoMs(text);
  if (moment === undefined)
    throw new UsageError(
      `${flag}: "${text}" is not a moment: write 7d, 24h, 2026-01-31 or 2026-01-31T12:00:00Z`,
    );
  return moment;
}

/** Undefined for what is no length of time at all. */
function durationMs(flag: string, text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(?:\d{1,9}[smhdw])+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhdw])/g))
    total += Number(count) * (unitMs[unit ?? ""] ?? 0);
  if (total > longestDays * 86_400_000)
    throw new UsageError(`${flag}: ${text} is too long: at most ${longestDays}d`);
  return total;
}

const iso =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?))?(Z|[+-]\d{2}:\d{2})?$/;

function isoMs(text: string): number | undefined {
  const match = iso.exec(text);
  if (match === null) return undefined;
  const [, day = "", time = "00:00", zone = "Z"] = match;
  const midnight = new Date(`${day}T00:00Z`);
  // Date reads 31 February as a day in March.
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== day)
    return undefined;
  const moment = Date.parse(`${day}T${time}${zone}`);
  return Number.isNaN(moment) ? undefined : moment;
}

/** `2026-01-31 12:00 UTC`. */
export function when(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** ISO 8601 for machines; null stays null. */
export function isoTime(moment: number | null): string | null {
  return moment === null ? null : new Date(moment).toISOString();
}
