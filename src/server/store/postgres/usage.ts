import type postgres from "postgres";
import { LONGEST_NAME } from "../../config/names.ts";
import type { Store, UsageReportRow, UsageRow } from "../store.ts";
import { GROUP_COLUMN } from "../usage-group.ts";
import { DAY_MS, dayName, type Span, splitSpan, startOfDay, toCalendar } from "../usage-span.ts";
import type { Postgres } from "./connection.ts";

type UsageMethods = Pick<
  Store,
  "recordUsage" | "usageReport" | "usageTotals" | "prepareUsage" | "pruneUsage"
>;
type Runner = postgres.Sql | postgres.TransactionSql;

/** Rows deleted in one transaction, between which others have their turn. */
const PRUNE_ROWS = 5_000;
/** All that a report reads is of one moment. */
const ONE_MOMENT = "isolation level repeatable read read only";

/** The methods of the PostgreSQL store that are about usage. */
export function createPostgresUsageMethods({ sql: pool, run }: Postgres): UsageMethods {
  /** Months whose partitions are known to exist. */
  const months = new Set<string>();

  const addMonth = async (at: number): Promise<void> => {
    const month = new Date(at).toISOString().slice(0, 7);
    if (months.has(month)) return;
    await pool`select xjp_add_usage_month(${`${month}-01T00:00:00Z`})`;
    months.add(month);
  };

  return {
    recordUsage: (rows) =>
      run(async () => {
        if (rows.length === 0) return;
        for (const row of rows) await addMonth(row.createdAt);
        await insertUsage(pool, rows);
      }),
    usageReport: ({ by, since, until, tenantId }) =>
      run(async () => {
        const report = await pool.begin(ONE_MOMENT, async (sql) => {
          const span = await widen(sql, splitSpan(since, until));
          const ofTenant =
            tenantId === undefined ? sql`` : sql`and tenant_id = ${toText(tenantId)}`;
          const column = sql(GROUP_COLUMN[by]);
          const order =
            by === "day"
              ? sql`name`
              : sql`cost_nano_usd desc, total_tokens desc, requests desc, name collate "C"`;
          return sql`select * from (
              select ${column}::text as name, sum(requests) as requests, sum(errors) as errors,
                sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(cached) as cached,
                sum(reasoning) as reasoning, sum(total_tokens) as total_tokens, sum(estimated) as estimated,
                sum(cost_nano_usd) as cost_nano_usd, sum(latency_ms) / sum(requests) as average_latency_ms
              from (${totalsOf(sql, span, ofTenant)}) as parts group by ${column}
            ) as groups order by ${order}`;
        });
        return report.map(toReportRow);
      }),
    usageTotals: (since) =>
      run(async () => {
        const totals = await pool.begin(ONE_MOMENT, async (sql) => {
          const span = await widen(sql, splitSpan(since, Number.POSITIVE_INFINITY));
          return sql`select api_key_id, tenant_id, logical_model, sum(requests) as requests,
              sum(total_tokens) as tokens, sum(cost_nano_usd) as cost_nano_usd
            from (${totalsOf(sql, span, sql``)}) as parts group by 1, 2, 3 order by 1, 2, 3`;
        });
        return totals.map((row) => ({
          apiKeyId: String(row["api_key_id"]),
          tenantId: String(row["tenant_id"]),
          logicalModel: String(row["logical_model"]),
          requests: Number(row["requests"]),
          tokens: Number(row["tokens"]),
          costNanoUsd: Number(row["cost_nano_usd"]),
        }));
      }),
    prepareUsage: (at) => run(() => addMonth(at)),
    pruneUsage: (before) =>
      run(async () => {
        const border = toTimestamp(toCalendar(before));
        // First, so that what goes for its age stays in the totals.
        await pool`update usage_retention set kept_since = ${border} where kept_since < ${border}`;
        // Whole months go at once; of the one around the border, and of those without a partition, the rows.
        const [dropped] = await pool`select xjp_drop_usage_months(${border}) as rows`;
        months.clear();
        let pruned = Number(dropped?.["rows"]);
        for (;;) {
          // Each time those up to the moment of the last of so many: found, and deleted, along an index.
          const [last] =
            await pool`select created_at::text as at from usage_logs where created_at < ${border}
            order by created_at offset ${PRUNE_ROWS - 1} limit 1`;
          const { count } =
            last === undefined
              ? await pool`delete from usage_logs where created_at < ${border}`
              : await pool`delete from usage_logs where created_at <= ${String(last["at"])}::text::timestamptz`;
          pruned += count;
          if (last === undefined) return pruned;
        }
      }),
  };
}

/** A row that is there already stays as it is; a trigger adds the others to the totals of their days. */
async function insertUsage(sql: Runner, rows: readonly UsageRow[]): Promise<void> {
  // In one order, since another instance may write some of the same rows at the same time.
  const ordered = rows.map(toColumns).toSorted((one, two) => (one.id < two.id ? -1 : 1));
  await sql`insert into usage_logs (id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens,
      output_tokens, total_tokens, cached, cache_write_tokens, reasoning, estimated, cost_nano_usd, latency_ms,
      time_to_first_token_ms, status_code, status, error_message, request_id, stream, attempts, created_at)
    select id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens,
      output_tokens, input_tokens + output_tokens, cached, cache_write_tokens, reasoning, estimated, cost_nano_usd, latency_ms,
      time_to_first_token_ms, status_code, status, error_message, request_id, stream, attempts, created_at
    from json_populate_recordset(null::usage_logs, ${JSON.stringify(ordered)}::text::json)
    on conflict (id, created_at) do nothing`;
}

/** Takes a part of a day as the whole one where nothing lies in the rest of it: today until now, for one, is all of today. */
async function widen(sql: Runner, { days, edges }: Span): Promise<Span> {
  let { from, until } = days;
  const left = [];
  for (const edge of edges) {
    const day = startOfDay(edge.from);
    const isAll =
      !(await hasUsage(sql, day, edge.from)) && !(await hasUsage(sql, edge.until, day + DAY_MS));
    if (!isAll) left.push(edge);
    else if (from >= until) [from, until] = [day, day + DAY_MS];
    else [from, until] = [Math.min(from, day), Math.max(until, day + DAY_MS)];
  }
  return { days: { from, until }, edges: left };
}

async function hasUsage(sql: Runner, from: number, until: number): Promise<boolean> {
  if (from >= until) return false;
  const rows = await sql`select from usage_logs where created_at >= ${toTimestamp(from)}
    and created_at < ${toTimestamp(until)} limit 1`;
  return rows.length > 0;
}

/** Totals of the whole days, and the rows of the rest, each with the total that it is. */
function totalsOf(
  sql: Runner,
  { days, edges }: Span,
  ofTenant: postgres.Fragment,
): postgres.Fragment {
  const [first, second] = edges;
  return sql`select day, tenant_id, api_key_id, logical_model, provider, requests, errors, input_tokens, output_tokens, total_tokens,
      cached, reasoning, estimated, cost_nano_usd, latency_ms
    from usage_daily where day >= ${dayName(days.from)}::date and day < ${dayName(days.until)}::date ${ofTenant}
    ${first === undefined ? sql`` : rowsOf(sql, first, ofTenant)} ${second === undefined ? sql`` : rowsOf(sql, second, ofTenant)}`;
}

function rowsOf(
  sql: Runner,
  { from, until }: { readonly from: number; readonly until: number },
  ofTenant: postgres.Fragment,
): postgres.Fragment {
  return sql`union all
    select ${dayName(from)}::date, tenant_id, api_key_id, logical_model, provider, 1, (status in ('failed', 'cut', 'lost'))::integer,
      input_tokens, output_tokens, case total_tokens when 0 then input_tokens + output_tokens else total_tokens end,
      cached, reasoning, estimated::integer, cost_nano_usd, latency_ms
    from usage_logs where created_at >= ${toTimestamp(from)} and created_at < ${toTimestamp(until)} ${ofTenant}`;
}

function toColumns(row: UsageRow) {
  return {
    id: row.id,
    api_key_id: row.apiKeyId,
    tenant_id: toText(row.tenantId),
    logical_model: toModelName(row.logicalModel),
    provider: toText(row.provider),
    provider_model_id: toText(row.providerModelId),
    input_tokens: row.inputTokens,
    output_tokens: row.outputTokens,
    cached: row.cacheReadTokens,
    cache_write_tokens: row.cacheWriteTokens,
    reasoning: row.reasoningTokens,
    estimated: row.estimated,
    cost_nano_usd: row.costNanoUsd,
    // Clocks give fractions; the columns hold whole milliseconds.
    latency_ms: Math.round(row.latencyMs),
    time_to_first_token_ms:
      row.timeToFirstTokenMs === null ? null : Math.round(row.timeToFirstTokenMs),
    status_code: row.statusCode,
    status: row.status,
    error_message: row.errorMessage === null ? null : toText(row.errorMessage),
    request_id: toText(row.requestId),
    stream: row.stream,
    attempts: row.attempts,
    created_at: toTimestamp(row.createdAt),
  };
}

function toTimestamp(time: number): string {
  return new Date(time).toISOString();
}

/** Longer ones come only from a database of before such names were refused: cut, since no index holds them. */
export function toModelName(name: string): string {
  const text = toText(name);
  return text.length > LONGEST_NAME ? Array.from(text).slice(0, LONGEST_NAME).join("") : text;
}

/** NUL is the one character that PostgreSQL cannot hold. */
function toText(text: string): string {
  return text.replaceAll("\0", "\ufffd").toWellFormed();
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
