import type { KeyRecord, UsageRow } from "./store.ts";

/** What the totals of one day come to: whether a day has been copied is seen by it. */
export type DaySums = {
  /** YYYY-MM-DD, UTC. */
  readonly day: string;
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  readonly costNanoUsd: number;
};

/** Rows whose total is not that of input and output, as an earlier gateway may have written them, and what they differ by in all. */
export type OtherTotals = { readonly rows: number; readonly tokens: number };

/** One row of `usage_daily`, by the names of its columns. */
export type DayTotals = Readonly<Record<string, string | number>>;

export type UsagePage = {
  readonly rows: readonly UsageRow[];
  /** Where the next page begins; undefined after the last. */
  readonly next: string | undefined;
};

/** One database as copying sees it. All of it throws StoreError. */
export type CopyPlace = {
  /** `database PLACE`, as it begins a message. */
  readonly name: string;
  keys(): Promise<readonly KeyRecord[]>;
  /** Writes a key, over the one with its id if there is one. */
  putKey(key: KeyRecord): Promise<void>;
  /** In order. */
  days(): Promise<readonly DaySums[]>;
  /** Rows of a day, in order, from where `next` of the page before points. */
  rows(day: string, next: string | undefined, limit: number): Promise<UsagePage>;
  putRows(rows: readonly UsageRow[]): Promise<void>;
  /** How many of these rows of one day are there. */
  count(rows: readonly UsageRow[]): Promise<number>;
  totals(day: string): Promise<readonly DayTotals[]>;
  /** Writes totals in place of those that have fewer requests: rows that are gone are told of by nothing else. */
  putTotals(totals: readonly DayTotals[]): Promise<void>;
  /** Writes the total tokens of totals that are otherwise of the same requests. */
  putTotalTokens(totals: readonly DayTotals[]): Promise<void>;
  otherTotals(day: string): Promise<OtherTotals>;
  /** Rows created before this may have been removed for their age; null when none were. Unix milliseconds. */
  keptSince(): Promise<number | null>;
  putKeptSince(keptSince: number): Promise<void>;
  close(): Promise<void>;
};
