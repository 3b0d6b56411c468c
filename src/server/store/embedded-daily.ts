import type { Sqlite } from "./sqlite.ts";
import { toText } from "./sqlite-value.ts";
import type { UsageRow } from "./store.ts";

/** Keeps the sums by day in step with the rows. */
export type DailySums = {
  /** Adds rows that are new; within the transaction that writes them. */
  add(rows: readonly UsageRow[]): void;
};

type Sums = { readonly group: readonly string[]; readonly sums: number[] };

/** What a row adds, in the order of the columns. */
function measures(row: UsageRow): readonly number[] {
  const isError = row.status === "failed" || row.status === "cut" || row.status === "lost";
  return [
    1,
    isError ? 1 : 0,
    row.inputTokens,
    row.outputTokens,
    row.cacheReadTokens,
    row.reasoningTokens,
    row.estimated ? 1 : 0,
    row.costNanoUsd,
    Math.round(row.latencyMs),
  ];
}

export function createDailySums(sqlite: Sqlite): DailySums {
  const upsert = sqlite.prepare(
    `insert into usage_daily (day, tenant_id, api_key_id, logical_model, provider, requests, errors, input_tokens, output_tokens,
      cached, reasoning, estimated, cost_nano_usd, latency_ms)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set requests = requests + excluded.requests,
      errors = errors + excluded.errors, input_tokens = input_tokens + excluded.input_tokens,
      output_tokens = output_tokens + excluded.output_tokens, cached = cached + excluded.cached,
      reasoning = reasoning + excluded.reasoning, estimated = estimated + excluded.estimated,
      cost_nano_usd = cost_nano_usd + excluded.cost_nano_usd, latency_ms = latency_ms + excluded.latency_ms`,
  );
  return {
    add(rows) {
      // A batch is of few keys and models, so that it costs a few statements and not one for each row.
      const groups = new Map<string, Sums>();
      for (const row of rows) {
        const day = toText(row.createdAt).slice(0, 10);
        const group = [day, row.tenantId, row.apiKeyId, row.logicalModel, row.provider];
        const key = group.join("\0");
        const known = groups.get(key);
        const added = measures(row);
        if (!known) groups.set(key, { group, sums: [...added] });
        else
          for (const [at, value] of added.entries()) known.sums[at] = (known.sums[at] ?? 0) + value;
      }
      for (const { group, sums } of groups.values()) upsert.run(...group, ...sums);
    },
  };
}
