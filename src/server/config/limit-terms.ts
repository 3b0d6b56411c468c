import type { LimitTerms } from "./config.ts";
import type { FileLimits } from "./schema-parts.ts";

const NANO = 1e9;

/** The limits of a table that has some, ready to be spread. Dollars become whole billionths. */
export function limitsOf(table: FileLimits | undefined): { readonly limits?: LimitTerms } {
  if (table === undefined || Object.keys(table).length === 0) return {};
  const { tokens_per_day, budget_usd_per_day, budget_usd_per_month, ...same } = table;
  return {
    limits: {
      ...same,
      ...(tokens_per_day === undefined ? {} : { tokensPerDay: tokens_per_day }),
      ...(budget_usd_per_day === undefined
        ? {}
        : { budgetPerDayNanoUsd: Math.round(budget_usd_per_day * NANO) }),
      ...(budget_usd_per_month === undefined
        ? {}
        : { budgetNanoUsd: Math.round(budget_usd_per_month * NANO) }),
    },
  };
}

/** The same as the file writes it. */
export function toFileLimits(limits: LimitTerms): FileLimits {
  const { tokensPerDay, budgetPerDayNanoUsd, budgetNanoUsd, rpm, rpd, tpm, concurrency } = limits;
  const table = {
    rpm,
    rpd,
    tpm,
    tokens_per_day: tokensPerDay,
    budget_usd_per_day: inDollars(budgetPerDayNanoUsd),
    budget_usd_per_month: inDollars(budgetNanoUsd),
    concurrency,
  };
  return Object.fromEntries(
    Object.entries(table).filter(([, value]) => value !== undefined && value !== null),
  );
}

function inDollars(nano: number | null | undefined): number | undefined {
  return nano === undefined || nano === null ? undefined : nano / NANO;
}
