import { patiently, type Sqlite, type SqliteRow, type SqliteStatement } from "./sqlite.ts";
import { readNumber, readText, readTime, toBorder, toText } from "./sqlite-value.ts";
import type { Store, UsageGroup, UsageQuery, UsageReportRow, UsageRow } from "./store.ts";

type UsageMethods = Pick<Store, "recordUsage" | "usageReport" | "usageTotals">;

const DAY_MS = 86_400_000;

const GROUP_COLUMN: Readonly<Record<Exclude<UsageGroup, "day">, string>> = {
  model: "logical_model",
  key: "api_key_id",
  tenant: "tenant_id",
  provider: "provider",
};

const SUMS = `count(*) as requests, sum(status in ('failed', 'cut', 'lost')) as errors, sum(input_tokens) as input_tokens,
  sum(output_tokens) as output_tokens, sum(cached) as cached, sum(reasoning) as reasoning, sum(total_tokens) as total_tokens,
  sum(estimated) as estimated, sum(cost_nano_usd) as cost_nano_usd, avg(latency_ms) as average_latency_ms`;

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
    `select api_key_id, count(*) as requests, sum(total_tokens) as tokens, sum(cost_nano_usd) as cost_nano_usd
    from usage_logs where created_at >= ? group by api_key_id order by api_key_id`,
  );
  const statements = new Map<string, SqliteStatement>();
  const prepareOnce = (sql: string): SqliteStatement => {
    const statement = statements.get(sql) ?? sqlite.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const read = <T>(work: () => T): Promise<T> => patiently(sqlite, work);

  const reportByColumn = (query: UsageQuery, column: string): readonly UsageReportRow[] => {
    const { where, values } = condition(query);
    return prepareOnce(
      `select ${column} as name, ${SUMS} from usage_logs where ${where} and created_at >= ? and created_at < ?
      group by name order by cost_nano_usd desc, total_tokens desc, requests desc, name`,
    )
      .all(...values, toBorder(query.since), toBorder(query.until))
      .map((row) => toReportRow(readText(row, "name"), row));
  };

  // One sum a day, along the index: a third of the time of grouping, for which SQLite would sort every row.
  const reportByDay = (query: UsageQuery): readonly UsageReportRow[] => {
    const { where, values } = condition(query);
    const span = prepareOnce(
      `select min(created_at) as first, max(created_at) as last from usage_logs where ${where} and created_at >= ? and created_at < ?`,
    ).get(...values, toBorder(query.since), toBorder(query.until));
    if (span === null || span["first"] === null) return [];
    const day = prepareOnce(
      `select ${SUMS} from usage_logs where ${where} and created_at >= ? and created_at < ?`,
    );
    const report: UsageReportRow[] = [];
    const last = readTime(span, "last");
    for (let at = readTime(span, "first"); at <= last;) {
      const next = (Math.floor(at / DAY_MS) + 1) * DAY_MS;
      const row = day.get(...values, toText(at), toBorder(Math.min(next, query.until)));
      if (row !== null && row["requests"] !== 0)
        report.push(toReportRow(toText(at).slice(0, 10), row));
      at = next;
    }
    return report;
  };

  return {
    async recordUsage(rows) {
      if (rows.length === 0) return;
      await patiently(sqlite, () =>
        sqlite.transaction(() => {
          for (const row of rows) insert.run(...toColumns(row));
        }),
      );
    },
    async usageReport(query) {
      return read(() =>
        query.by === "day" ? reportByDay(query) : reportByColumn(query, GROUP_COLUMN[query.by]),
      );
    },
    async usageTotals(since) {
      return read(() =>
        totals.all(toBorder(since)).map((row) => ({
          apiKeyId: readText(row, "api_key_id"),
          requests: readNumber(row, "requests"),
          tokens: readNumber(row, "tokens"),
          costNanoUsd: readNumber(row, "cost_nano_usd"),
        })),
      );
    },
  };
}

function condition(query: UsageQuery): {
  readonly where: string;
  readonly values: readonly string[];
} {
  return query.tenantId === undefined
    ? { where: "true", values: [] }
    : { where: "tenant_id = ?", values: [query.tenantId] };
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

function toReportRow(group: string, row: SqliteRow): UsageReportRow {
  return {
    group,
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
