/**
 * Copies a deployment from one database to another: keys, the usage of every request, and totals of days whose rows are gone. It may
 * be broken off and begun again, and run again for what has come since: what is there already is passed over or brought up to date.
 */
import { parseDatabase } from "./database-url.ts";
import type { CopyPlace, DaySums, OtherTotals } from "./copy-place.ts";
import { StoreError } from "./store.ts";

export type CopyResult = {
  readonly keys: { readonly copied: number; readonly unchanged: number };
  readonly days: { readonly copied: number; readonly unchanged: number };
  /** Rows of the days that were copied. */
  readonly rows: number;
  /** Of those rows: the target writes input and output together, and only the totals of its days are what they were. */
  readonly otherTotals: OtherTotals;
  /** Requests in all days of the target, and of the source. */
  readonly requests: { readonly from: number; readonly to: number };
};

const PAGE_ROWS = 2_000;

/**
 * Copies everything from one migrated database to another, and counts it there. Tells of each day when it is copied. Throws
 * StoreError when something did not arrive.
 */
export async function copyDatabase(
  from: string,
  to: string,
  onDay: (day: string, rows: number) => void = () => {},
): Promise<CopyResult> {
  const source = await openPlace(from);
  try {
    const target = await openPlace(to);
    try {
      return await copy(source, target, onDay);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function copy(
  source: CopyPlace,
  target: CopyPlace,
  onDay: (day: string, rows: number) => void,
): Promise<CopyResult> {
  if (source.name === target.name) {
    throw new StoreError(`${source.name} cannot be copied to itself: name two databases`);
  }
  const keys = await copyKeys(source, target);
  const keptSince = await source.keptSince();
  if (keptSince !== null) await target.putKeptSince(keptSince);

  const there = new Map((await target.days()).map((sums) => [sums.day, sums]));
  const days = { copied: 0, unchanged: 0 };
  const otherTotals = { rows: 0, tokens: 0 };
  let rows = 0;
  for (const sums of await source.days()) {
    if (Bun.deepEquals(sums, there.get(sums.day))) {
      days.unchanged += 1;
      continue;
    }
    const copied = await copyDay(source, target, sums.day);
    if (keptSince !== null && Date.parse(sums.day) < keptSince) {
      await target.putTotals(await source.totals(sums.day));
    }
    if (sums.totalTokens !== sums.inputTokens + sums.outputTokens) {
      await target.putTotalTokens(await source.totals(sums.day));
      const found = await source.otherTotals(sums.day);
      otherTotals.rows += found.rows;
      otherTotals.tokens += found.tokens;
    }
    days.copied += 1;
    rows += copied;
    onDay(sums.day, copied);
  }
  const requests = { from: total(await source.days()), to: total(await target.days()) };
  if (requests.to < requests.from) {
    throw new StoreError(
      `${target.name} has ${requests.to} requests, ${source.name} has ${requests.from}: run it again; the source may have been written to meanwhile`,
    );
  }
  return { keys, days, rows, otherTotals, requests };
}

async function copyKeys(source: CopyPlace, target: CopyPlace): Promise<CopyResult["keys"]> {
  const there = new Map((await target.keys()).map((key) => [key.id, key]));
  const counts = { copied: 0, unchanged: 0 };
  const keys = await source.keys();
  for (const key of keys) {
    const known = there.get(key.id);
    const lastUsedAt = Math.max(key.lastUsedAt ?? 0, known?.lastUsedAt ?? 0) || null;
    const wanted = { ...key, lastUsedAt };
    if (Bun.deepEquals(wanted, known)) counts.unchanged += 1;
    else {
      await target.putKey(wanted);
      counts.copied += 1;
    }
  }
  const ids = new Set((await target.keys()).map(({ id }) => id));
  const missing = keys.filter(({ id }) => !ids.has(id)).length;
  if (missing > 0) throw new StoreError(`${target.name} lacks ${missing} keys: run it again`);
  return counts;
}

async function copyDay(source: CopyPlace, target: CopyPlace, day: string): Promise<number> {
  let copied = 0;
  let next: string | undefined;
  do {
    const page = await source.rows(day, next, PAGE_ROWS);
    await target.putRows(page.rows);
    const arrived = await target.count(page.rows);
    if (arrived !== page.rows.length) {
      throw new StoreError(
        `${target.name} has ${arrived} of ${page.rows.length} rows of ${day}: run it again`,
      );
    }
    copied += page.rows.length;
    ({ next } = page);
  } while (next !== undefined);
  return copied;
}

function total(days: readonly DaySums[]): number {
  return days.reduce((sum, { requests }) => sum + requests, 0);
}

async function openPlace(database: string): Promise<CopyPlace> {
  const address = parseDatabase(database);
  if (address.kind === "sqlite") {
    const { openEmbeddedCopy } = await import("./embedded/copy.ts");
    return openEmbeddedCopy(address.path);
  }
  const { openPostgresCopy } = await import("./postgres/copy.ts");
  return openPostgresCopy(address.url);
}
