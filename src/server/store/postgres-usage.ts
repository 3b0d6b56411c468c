import type postgres from "postgres";
import type { Postgres } from "./postgres-connection.ts";
import { toPostgresError } from "./postgres-error.ts";
import type { Store, UsageGroup, UsageQuery, UsageReportRow, UsageRow } from "./store.ts";
import { splitByDay } from "./usage-span.ts";

type UsageMethods = Pick<Store, "recordUsage" | "usageReport" | "usageTotals" | "pruneUsage">;

const GROUP_COLUMN: Readonly<Record<UsageGroup, string>> = {
  day: "day",
  model: "logical_model",
  key: "api_key_id",
  tenant: "tenant_id",
  provider: "provider",
};
const DAY_MS = 86_400_000;
/** What timestamptz can hold of JavaScript's times. */
const EARLIEST = new Date(-62_135_596_800_000);
const LATEST = new Date(253_402_300_799_999);

/** The methods of the PostgreSQL store that are about usage. */
export function createPostgresUsageMethods({ sql, place }: Postgres): UsageMethods {
  /** Months whose partitions are known to exist. */
  const months = new Set<string>();
  const run = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (thrown) {
      throw toPostgresError(thrown, place);
    }
  };

  const addMonths = async (rows: readonly UsageRow[]): Promise<void> => {
    for (const row of rows) {
      const month = new Date(row.createdAt).toISOString().slice(0, 7);
      if (months.has(month)) continue;
      await sql`select xjp_add_usage_month(${`${month}-01`})`;
      months.add(month);
    }
  };

  /** Rows and their days' sums in one statement, which is one transaction. */
  const insert = (rows: readonly UsageRow[]): Promise<unknown> => sql`
    with inserted as (
      insert into usage_logs (id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens,
        cached, cache_write_tokens, reasoning, estimated, cost_nano_usd, latency_ms, time_to_first_token_ms, status_code, status,
        error_message, request_id, stream, attempts, created_at)
      select * from jsonb_to_recordset(${sql.json(rows.map(toColumns))}) as r (id uuid, api_key_id uuid, tenant_id text,
        logical_model text, provider text, provider_model_id text, input_tokens bigint, output_tokens bigint, cached bigint,
        cache_write_tokens bigint, reasoning bigint, estimated boolean, cost_nano_usd bigint, latency_ms integer,
        time_to_first_token_ms integer, status_code integer, status text, error_message text, request_id text, stream boolean,
        attempts integer, created_at timestamptz)
      on conflict (id, created_at) do nothing
      returning *
    )
    insert into usage_daily as d
    select (created_at at time zone 'utc')::date as day, tenant_id, api_key_id, logical_model, provider, count(*),
      count(*) filter (where status in ('failed', 'cut', 'lost')), sum(input_tokens), sum(output_tokens), sum(cached),
      sum(reasoning), count(*) filter (where estimated), sum(cost_nano_usd), sum(latency_ms)
    from inserted group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5
    on conflict (day, tenant_id, api_key_id, logical_model, provider) do update set
      requests = d.requests + excluded.requests,
      errors = d.errors + excluded.errors,
      input_tokens = d.input_tokens + excluded.input_tokens,
      output_tokens = d.output_tokens + excluded.output_tokens,
      cached = d.cached + excluded.cached,
      reasoning = d.reasoning + excluded.reasoning,
      estimated = d.estimated + excluded.estimated,
      cost_nano_usd = d.cost_nano_usd + excluded.cost_nano_usd,
      latency_ms = d.latency_ms + excluded.latency_ms`;

  /** Whole days from their sums, what is left at both ends from the rows. */
  const spans = (query: UsageQuery) => {
    const { days, edges } = splitByDay(query.since, query.until);
    const tenant = query.tenantId === undefined ? sql`` : sql`and tenant_id = ${query.tenantId}`;
    const column = sql(GROUP_COLUMN[query.by]);
    const sources = [
      days &&
        sql`select ${query.by === "day" ? sql`day` : column} as name, requests, errors, input_tokens, output_tokens, cached,
          reasoning, estimated, cost_nano_usd, latency_ms
        from usage_daily where day >= ${toDay(days.since)}::date and day < ${toDay(days.until)}::date ${tenant}`,
      ...edges.map(
        ({ since, until }) => sql`
        select ${query.by === "day" ? sql`(created_at at time zone 'utc')::date` : column}, 1,
          (status in ('failed', 'cut', 'lost'))::int, input_tokens, output_tokens, cached, reasoning, estimated::int,
          cost_nano_usd, latency_ms
        from usage_logs where created_at >= ${toBorder(since)} and created_at < ${toBorder(until)} ${tenant}`,
      ),
    ].filter((source) => source !== undefined);
    return sources.flatMap((source, index) => (index === 0 ? [source] : [sql`union all`, source]));
  };

  return {
    recordUsage: (rows) =>
      run(async () => {
        if (rows.length === 0) return;
        await addMonths(rows);
        await insert(rows);
      }),
    usageReport: (query) =>
      run(async () => {
        const parts = spans(query);
        if (parts.length === 0) return [];
        const order =
          query.by === "day"
            ? sql`1`
            : sql`cost_nano_usd desc, total_tokens desc, requests desc, 1`;
        const rows = await sql`
          select name::text collate "C" as name, sum(requests) as requests, sum(errors) as errors,
            sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(cached) as cached,
            sum(reasoning) as reasoning, sum(input_tokens + output_tokens) as total_tokens, sum(estimated) as estimated,
            sum(cost_nano_usd) as cost_nano_usd, sum(latency_ms)::float8 / sum(requests) as average_latency_ms
          from (${parts}) spans (name, requests, errors, input_tokens, output_tokens, cached, reasoning, estimated,
            cost_nano_usd, latency_ms)
          group by 1 order by ${order}`;
        return rows.map(toReportRow);
      }),
    usageTotals: (since) =>
      run(async () => {
        // Days and months begin at midnight, and all that follows is in the sums.
        const midnight = toBorder(Math.ceil(since / DAY_MS) * DAY_MS);
        const rows = await sql`
          select api_key_id, tenant_id, logical_model, sum(requests) as requests, sum(tokens) as tokens,
            sum(cost_nano_usd) as cost_nano_usd
          from (
            select api_key_id, tenant_id, logical_model, requests, input_tokens + output_tokens as tokens, cost_nano_usd
            from usage_daily where day >= ${toDay(midnight.getTime())}::date
            union all
            select api_key_id, tenant_id, logical_model, 1, input_tokens + output_tokens, cost_nano_usd
            from usage_logs where created_at >= ${toBorder(since)} and created_at < ${midnight}
          ) used
          group by 1, 2, 3 order by 1, 2, 3`;
        return rows.map((row) => ({
          apiKeyId: String(row["api_key_id"]),
          tenantId: String(row["tenant_id"]),
          logicalModel: String(row["logical_model"]),
          requests: Number(row["requests"]),
          tokens: Number(row["tokens"]),
          costNanoUsd: Number(row["cost_nano_usd"]),
        }));
      }),
    pruneUsage: (before) =>
      run(async () => {
        // A partition that lies before the border goes at once; of the one around it the rows go.
        const border = toBorder(before).toISOString().slice(0, 7).replace("-", "_");
        const partitions = await sql`
          select c.relname as name, c.reltuples from pg_inherits i join pg_class c on c.oid = i.inhrelid
          where i.inhparent = 'usage_logs'::regclass and c.relname < ${`usage_logs_${border}`} order by 1`;
        let pruned = 0;
        for (const partition of partitions) {
          const name = String(partition["name"]);
          const [counted] = await sql`select count(*) as count from ${sql(name)}`;
          await sql`drop table ${sql(name)}`;
          months.delete(name.slice("usage_logs_".length).replace("_", "-"));
          pruned += Number(counted?.["count"]);
        }
        const { count } = await sql`delete from usage_logs where created_at < ${toBorder(before)}`;
        return pruned + count;
      }),
  };
}

/** A row as JSON. The number that is none becomes null, which the columns refuse; NUL is the one character they cannot hold. */
function toColumns(row: UsageRow): Record<string, string | number | boolean | null> {
  return {
    id: row.id,
    api_key_id: row.apiKeyId,
    tenant_id: toText(row.tenantId),
    logical_model: toText(row.logicalModel),
    provider: toText(row.provider),
    provider_model_id: toText(row.providerModelId),
    input_tokens: row.inputTokens,
    output_tokens: row.outputTokens,
    cached: row.cacheReadTokens,
    cache_write_tokens: row.cacheWriteTokens,
    reasoning: row.reasoningTokens,
    estimated: row.estimated,
    cost_nano_usd: row.costNanoUsd,
    latency_ms: Math.round(row.latencyMs),
    time_to_first_token_ms:
      row.timeToFirstTokenMs === null ? null : Math.round(row.timeToFirstTokenMs),
    status_code: row.statusCode,
    status: row.status,
    error_message: row.errorMessage === null ? null : toText(row.errorMessage),
    request_id: toText(row.requestId),
    stream: row.stream,
    attempts: row.attempts,
    created_at: new Date(row.createdAt).toISOString(),
  };
}

function toText(text: string): string {
  return text.replaceAll("\0", "\ufffd").toWellFormed();
}

function toBorder(time: number): Date {
  return new Date(Math.min(Math.max(time, EARLIEST.getTime()), LATEST.getTime()));
}

function toDay(time: number): string {
  return toBorder(time).toISOString().slice(0, 10);
}

function toReportRow(row: postgres.Row): UsageReportRow {
  const number = (column: string): number => Number(row[column]);
  return {
    group: String(row["name"]),
    requests: number("requests"),
    errors: number("errors"),
    inputTokens: number("input_tokens"),
    outputTokens: number("output_tokens"),
    cacheReadTokens: number("cached"),
    reasoningTokens: number("reasoning"),
    totalTokens: number("total_tokens"),
    estimatedRequests: number("estimated"),
    costNanoUsd: number("cost_nano_usd"),
    averageLatencyMs: number("average_latency_ms"),
  };
}
