import type { KeyRecord, Store, UsageQuery, UsageReportRow } from "../../server/store/store.ts";

/** A line of a report. `key` is there when lines are keys and the store still knows it. */
export type ReportLine = UsageReportRow & {
  readonly key?: Pick<KeyRecord, "keyPrefix" | "tenantId">;
};

/** The sum of all lines. Money is a bigint: many large bills must still add up to the last digit. */
export type ReportTotals = Omit<UsageReportRow, "group" | "costNanoUsd"> & {
  readonly costNanoUsd: bigint;
};

export type Report = {
  readonly query: UsageQuery;
  readonly lines: readonly ReportLine[];
  readonly totals: ReportTotals;
  /** When nothing is there of a tenant that no key has: the tenants that keys do have. */
  readonly otherTenants?: readonly string[];
};

/** Asks the store and adds up. */
export async function readReport(store: Store, query: UsageQuery): Promise<Report> {
  const rows = await store.usageReport(query);
  const lines = query.by === "key" ? await withKeys(store, rows) : rows;
  const report = { query, lines, totals: addUp(rows) };
  if (rows.length > 0 || query.tenantId === undefined) return report;
  const tenants = new Set((await store.listKeys({})).map(({ tenantId }) => tenantId));
  return tenants.has(query.tenantId) ? report : { ...report, otherTenants: [...tenants] };
}

async function withKeys(
  store: Store,
  rows: readonly UsageReportRow[],
): Promise<readonly ReportLine[]> {
  const keys = new Map((await store.listKeys({})).map((key) => [key.id, key]));
  return rows.map((row) => {
    const key = keys.get(row.group);
    return key === undefined ? row : { ...row, key };
  });
}

/** Sums; the latency is the mean over all requests, not over lines. */
export function addUp(rows: readonly UsageReportRow[]): ReportTotals {
  const sum = (read: (row: UsageReportRow) => number): number =>
    rows.reduce((total, row) => total + read(row), 0);
  const requests = sum((row) => row.requests);
  const waited = sum((row) => row.averageLatencyMs * row.requests);
  return {
    requests,
    errors: sum((row) => row.errors),
    inputTokens: sum((row) => row.inputTokens),
    outputTokens: sum((row) => row.outputTokens),
    cacheReadTokens: sum((row) => row.cacheReadTokens),
    reasoningTokens: sum((row) => row.reasoningTokens),
    totalTokens: sum((row) => row.totalTokens),
    estimatedRequests: sum((row) => row.estimatedRequests),
    costNanoUsd: rows.reduce((total, row) => total + BigInt(row.costNanoUsd), 0n),
    averageLatencyMs: requests === 0 ? 0 : waited / requests,
  };
}
