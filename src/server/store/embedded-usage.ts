import { createDailySums } from "./embedded-daily.ts";
import { patiently, type Sqlite, type SqliteRow, type SqliteStatement } from "./sqlite.ts";
import { readNumber, readText, toBorder, toText } from "./sqlite-value.ts";
import type { Store, UsageGroup, UsageQuery, UsageReportRow, UsageRow } from "./store.ts";
import { splitByDay } from "./usage-span.ts";

type UsageMethods = Pick<Store, "recordUsage" | "usageReport" | "usageTotals" | "pruneUsage">;

/** Rows deleted in one transaction, between which others have their turn. */
const DAY_MS = 86_400_000;
const PRUNE_ROWS = 5000;

const GROUP_COLUMN: Readonly<Record<UsageGroup, string>> = {
  day: "day",
  model: "logical_model",
  key: "api_key_id",
  tenant: "tenant_id",
  provider: "provider",
};

/** A row of `usage_logs` in the columns of the sums by day. */
const AS_SUMS = `substr(created_at, 1, 10) as day, tenant_id, api_key_id, logical_model, provider, 1 as requests,
  status in ('failed', 'cut', 'lost') as errors, input_tokens, output_tokens, cached, reasoning, estimated, cost_nano_usd,
  latency_ms`;

/** The methods of the embedded store that are about usage. */
export function createUsageMethods(sqlite: Sqlite): UsageMethods {
  // A conflict on the id is a row that is here already; any other (a value of the wrong kind) must not pass silently.
  const insert = sqlite.prepare(
    `insert into usage_logs (id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens,
      cached, cache_write_tokens, reasoning, estimated, cost_nano_usd, latency_ms, time_to_first_token_ms, status_code, status,
      error_message, request_id, stream, attempts, created_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing`,
  );
  const totals = sqlite.prepare(
    // Days and months begin at midnight, and all that follows is in the sums.
    `select api_key_id, tenant_id, logical_model, sum(requests) as requests, sum(tokens) as tokens,
      sum(cost_nano_usd) as cost_nano_usd
    from (
      select api_key_id, tenant_id, logical_model, requests, input_tokens + output_tokens as tokens, cost_nano_usd
      from usage_daily where day >= substr(?2, 1, 10)
      union all
      select api_key_id, tenant_id, logical_model, 1, total_tokens, cost_nano_usd
      from usage_logs where created_at >= ?1 and created_at < ?2
    )
    group by 1, 2, 3 order by 1, 2, 3`,
  );
  const prune = sqlite.prepare(
    "delete from usage_logs where rowid in (select rowid from usage_logs where created_at < ? limit ?)",
  );
  const daily = createDailySums(sqlite);
  const statements = new Map<string, SqliteStatement>();
  const prepareOnce = (sql: string): SqliteStatement => {
    const statement = statements.get(sql) ?? sqlite.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const read = <T>(work: () => T): Promise<T> => patiently(sqlite, work);

  /** Whole days from their sums, what is left at both ends from the rows. */
  const report = (query: UsageQuery): readonly UsageReportRow[] => {
    const { days, edges } = splitByDay(query.since, query.until);
    const tenant = query.tenantId === undefined ? "true" : "tenant_id = ?";
    const tenants = query.tenantId === undefined ? [] : [query.tenantId];
    const sources: string[] = [];
    const values: string[] = [];
    if (days) {
      sources.push(`select * from usage_daily where ${tenant} and day >= ? and day < ?`);
      values.push(...tenants, toDay(days.since), toDay(days.until));
    }
    for (const { since, until } of edges) {
      sources.push(
        `select ${AS_SUMS} from usage_logs where ${tenant} and created_at >= ? and created_at < ?`,
      );
      values.push(...tenants, toBorder(since), toBorder(until));
    }
    if (sources.length === 0) return [];
    const order =
      query.by === "day" ? "name" : "cost_nano_usd desc, total_tokens desc, requests desc, name";
    return prepareOnce(
      `select ${GROUP_COLUMN[query.by]} as name, sum(requests) as requests, sum(errors) as errors,
        sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(cached) as cached,
        sum(reasoning) as reasoning, sum(input_tokens + output_tokens) as total_tokens, sum(estimated) as estimated,
        sum(cost_nano_usd) as cost_nano_usd, cast(sum(latency_ms) as real) / sum(requests) as average_latency_ms
      from (${sources.join(" union all ")}) group by name order by ${order}`,
    )
      .all(...values)
      .map(toReportRow);
  };

  return {
    async recordUsage(rows) {
      if (rows.length === 0) return;
      await patiently(sqlite, () =>
        sqlite.transaction(() => {
          daily.add(rows.filter((row) => insert.run(...toColumns(row)).changes > 0));
        }),
      );
    },
    async usageReport(query) {
      return read(() => report(query));
    },
    async usageTotals(since) {
      return read(() =>
        totals.all(toBorder(since), toBorder(midnightAfter(since))).map((row) => ({
          apiKeyId: readText(row, "api_key_id"),
          tenantId: readText(row, "tenant_id"),
          logicalModel: readText(row, "logical_model"),
          requests: readNumber(row, "requests"),
          tokens: readNumber(row, "tokens"),
          costNanoUsd: readNumber(row, "cost_nano_usd"),
        })),
      );
    },
    async pruneUsage(before) {
      let pruned = 0;
      for (;;) {
        const { changes } = await patiently(sqlite, () => prune.run(toBorder(before), PRUNE_ROWS));
        pruned += changes;
        if (changes < PRUNE_ROWS) return pruned;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

function toDay(time: number): string {
  return toBorder(time).slice(0, 10);
}

function toColumns(row: UsageRow): (string | number | null)[] {
  return [
    row.id,
    row.apiKeyId,
    row.tenantId,
    row.logicalModel,
    row.provider,
    row.providerModelId,
    row.inputTokens,
    row.outputTokens,
    row.cacheReadTokens,
    row.cacheWriteTokens,
    row.reasoningTokens,
    row.estimated ? 1 : 0,
    row.costNanoUsd,
    // Clocks give fractions; the columns hold whole milliseconds.
    Math.round(row.latencyMs),
    row.timeToFirstTokenMs === null ? null : Math.round(row.timeToFirstTokenMs),
    row.statusCode,
    row.status,
    row.errorMessage,
    row.requestId,
    row.stream ? 1 : 0,
    row.attempts,
    toText(row.createdAt),
  ];
}

function toReportRow(row: SqliteRow): UsageReportRow {
  return {
    group: readText(row, "name"),
    requests: readNumber(row, "requests"),
    errors: readNumber(row, "errors"),
    inputTokens: readNumber(row, "input_tokens"),
    outputTokens: readNumber(row, "output_tokens"),
    cacheReadTokens: readNumber(row, "cached"),
    reasoningTokens: readNumber(row, "reasoning"),
    totalTokens: readNumber(row, "total_tokens"),
    estimatedRequests: readNumber(row, "estimated"),
    costNanoUsd: readNumber(row, "cost_nano_usd"),
    averageLatencyMs: readNumber(row, "average_latency_ms"),
  };
}

/** The first midnight that is not before. */
function midnightAfter(time: number): number {
  return Math.ceil(time / DAY_MS) * DAY_MS;
}
