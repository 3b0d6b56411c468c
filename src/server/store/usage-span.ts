/**
 * A span of time as what can be read of it from totals by day, and what only from rows: at most a part of one day at either end.
 */
export type Span = {
  /** Whole UTC days, as Unix milliseconds of their beginnings; empty when `from` is not before `until`. */
  readonly days: { readonly from: number; readonly until: number };
  /** Parts of one day each, which do not reach over midnight. */
  readonly edges: readonly { readonly from: number; readonly until: number }[];
};

/** The beginnings of the first day of year 1 and of the last of 9999: both stores can compare these, and the days that end there. */
const EARLIEST = -62_135_596_800_000;
const LATEST = 253_402_214_400_000;

/** Of UTC, all of which are as long. */
export const DAY_MS = 86_400_000;

/** Unix milliseconds of the start of a time's UTC day. */
export function startOfDay(time: number): number {
  return Math.floor(time / DAY_MS) * DAY_MS;
}

/** Cuts [from, to) at its midnights, however far away the borders lie. */
export function splitSpan(from: number, to: number): Span {
  const [since, until] = [toCalendar(from), toCalendar(to)];
  const [firstDay, lastDay] = [startOfDay(since), startOfDay(until)];
  if (since >= until) return { days: { from: firstDay, until: firstDay }, edges: [] };
  if (firstDay === lastDay) {
    return { days: { from: firstDay, until: firstDay }, edges: [{ from: since, until }] };
  }
  const firstWhole = since === firstDay ? firstDay : firstDay + DAY_MS;
  const edges = [];
  if (since < firstWhole) edges.push({ from: since, until: firstWhole });
  if (lastDay < until) edges.push({ from: lastDay, until });
  return { days: { from: firstWhole, until: lastDay }, edges };
}

/** A time within what both stores can compare. */
export function toCalendar(time: number): number {
  return Math.min(Math.max(time, EARLIEST), LATEST);
}

/** A day as the tables write it, YYYY-MM-DD. */
export function dayName(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
