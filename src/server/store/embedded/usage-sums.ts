import type { UsageRow, UsageStatus } from "../store.ts";
import { dayName, startOfDay } from "../usage-span.ts";

/** What requests of one day, tenant, key, model and provider come to, under the names of `usage_daily`. */
export type UsageSums = {
  readonly day: string;
  readonly tenant_id: string;
  readonly api_key_id: string;
  readonly logical_model: string;
  readonly provider: string;
  requests: number;
  errors: number;
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
  cached: number;
  cache_write_tokens: number;
  reasoning: number;
  estimated: number;
  cost_nano_usd: number;
  latency_ms: number;
};

const ERRORS: ReadonlySet<UsageStatus> = new Set<UsageStatus>(["failed", "cut", "lost"]);

/** Adds rows up. Their values as they are stored: whole milliseconds. */
export function sumUsage(rows: readonly UsageRow[]): readonly UsageSums[] {
  const all = new Map<string, UsageSums>();
  let before: UsageRow | undefined;
  let sums: UsageSums | undefined;
  for (const row of rows) {
    // Neighbours mostly belong together, and comparing costs less than looking up.
    if (!sums || !before || !isAlike(row, before)) {
      const key = `${startOfDay(row.createdAt)}\0${row.tenantId}\0${row.apiKeyId}\0${row.logicalModel}\0${row.provider}`;
      sums = all.get(key);
      if (!sums) all.set(key, (sums = nothing(row)));
    }
    before = row;
    sums.requests += 1;
    if (ERRORS.has(row.status)) sums.errors += 1;
    sums.input_tokens += row.inputTokens;
    sums.output_tokens += row.outputTokens;
    sums.total_tokens += row.inputTokens + row.outputTokens;
    sums.cached += row.cacheReadTokens;
    sums.cache_write_tokens += row.cacheWriteTokens;
    sums.reasoning += row.reasoningTokens;
    if (row.estimated) sums.estimated += 1;
    sums.cost_nano_usd += row.costNanoUsd;
    sums.latency_ms += Math.round(row.latencyMs);
  }
  return [...all.values()];
}

/** Whether both count in the same sums. */
function isAlike(row: UsageRow, other: UsageRow): boolean {
  return (
    row.apiKeyId === other.apiKeyId &&
    row.logicalModel === other.logicalModel &&
    row.provider === other.provider &&
    row.tenantId === other.tenantId &&
    startOfDay(row.createdAt) === startOfDay(other.createdAt)
  );
}

function nothing(row: UsageRow): UsageSums {
  return {
    day: dayName(row.createdAt),
    tenant_id: row.tenantId,
    api_key_id: row.apiKeyId,
    logical_model: row.logicalModel,
    provider: row.provider,
    requests: 0,
    errors: 0,
    input_tokens: 0,
    output_tokens: 0,
    total_tokens: 0,
    cached: 0,
    cache_write_tokens: 0,
    reasoning: 0,
    estimated: 0,
    cost_nano_usd: 0,
    latency_ms: 0,
  };
}
