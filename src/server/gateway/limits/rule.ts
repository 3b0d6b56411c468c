/** What limits say, one rule each, whoever they are set for. */
import type { LimitTerms } from "../../config/config.ts";
import type { KeyRecord } from "../../store/store.ts";
import { DAY_MS, startOfDay } from "../../store/usage-span.ts";

/** Whom a limit is set for: one key, all keys of a tenant, or one key's use of one model. */
export type Scope = "key" | "tenant" | "model";

/** The limits by the names that metrics and messages use; those of tenants and models with `tenant_` or `model_` before. */
export type LimitName =
  | "rpm"
  | "rpd"
  | "tpm"
  | "tokens_per_day"
  | "budget_per_day"
  | "budget"
  | "concurrency";

export type Measure = "requests" | "tokens" | "money" | "places";

export type Period = "minute" | "day" | "month" | "flight";

export type Rule = {
  /** Names what is counted, e.g. `key:0198…:rpm`; rules of the same id count together. */
  readonly id: string;
  readonly scope: Scope;
  /** Tenant or model, where the rule is set for one. */
  readonly subject: string;
  readonly name: LimitName;
  readonly measure: Measure;
  readonly period: Period;
  /** As the operator said it. */
  readonly limit: number;
  /** What may be taken at once. */
  readonly capacity: number;
  /** What comes back in a millisecond; 0 where only a new period brings anything. */
  readonly ratePerMs: number;
};

const MINUTE = 60_000;

type Row = {
  readonly term: keyof LimitTerms;
  readonly name: LimitName;
  readonly measure: Measure;
  readonly period: Period;
};

const ROWS: readonly Row[] = [
  { term: "concurrency", name: "concurrency", measure: "places", period: "flight" },
  { term: "rpm", name: "rpm", measure: "requests", period: "minute" },
  { term: "rpd", name: "rpd", measure: "requests", period: "day" },
  { term: "tpm", name: "tpm", measure: "tokens", period: "minute" },
  { term: "tokensPerDay", name: "tokens_per_day", measure: "tokens", period: "day" },
  { term: "budgetPerDayNanoUsd", name: "budget_per_day", measure: "money", period: "day" },
  { term: "budgetNanoUsd", name: "budget", measure: "money", period: "month" },
];

/** Whose limits: `owner` is unique within the scope. */
export type Whose = { readonly scope: Scope; readonly owner: string; readonly subject: string };

/** One rule for each limit that is one. `burst` as in `burstOf`. */
export function rulesOf(terms: LimitTerms, whose: Whose, burst: number): readonly Rule[] {
  return ROWS.flatMap(({ term, name, measure, period }): readonly Rule[] => {
    const limit = terms[term];
    if (limit === undefined || limit === null) return [];
    // A budget of nothing is meant; a rate of nothing is the old way to say unlimited.
    if (limit === 0 && measure !== "money") return [];
    return [
      {
        id: counterId(whose.scope, whose.owner, name),
        scope: whose.scope,
        subject: whose.subject,
        name,
        measure,
        period,
        limit,
        capacity: name === "rpm" ? burstOf(limit, burst) : limit,
        ratePerMs: period === "minute" ? limit / MINUTE : 0,
      },
    ];
  });
}

/** The limits of a key; one without a rate of its own has the default. */
export function termsOfKey(key: KeyRecord, defaultRpm: number): LimitTerms {
  return { ...key, rpm: key.rpm ?? defaultRpm };
}

/** Names what a limit counts, the same on every instance. */
export function counterId(scope: Scope, owner: string, name: LimitName): string {
  return `${scope}:${owner}:${name}`;
}

/** What stands for one key's use of one model among the owners of counters. */
export function modelOwner(keyId: string, model: string): string {
  return `${keyId}:${model}`;
}

/**
 * How many requests may come at once: the configured burst or six seconds' worth of the rate, whichever is more, so that a
 * burst sized for small keys does not choke a large one; and never more than a minute's worth.
 */
function burstOf(rpm: number, burst: number): number {
  return burst > 0 ? Math.min(rpm, Math.max(burst, Math.ceil(rpm / 10))) : rpm;
}

/** Unix milliseconds of the start of `now`'s UTC month. */
export function startOfMonth(now: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

/** Unix milliseconds at which the day or month that `start` begins is over; for ever where there is no such thing. */
export function endOf(period: Period, start: number): number {
  switch (period) {
    case "day":
      return start + DAY_MS;
    case "month": {
      const date = new Date(start);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
    }
    case "minute":
    case "flight":
      return Number.POSITIVE_INFINITY;
  }
}

/** Unix milliseconds at which the day or month of `now` began; 0 where there is no such thing. */
export function startOf(period: Period, now: number): number {
  switch (period) {
    case "day":
      return startOfDay(now);
    case "month":
      return startOfMonth(now);
    case "minute":
    case "flight":
      return 0;
  }
}
