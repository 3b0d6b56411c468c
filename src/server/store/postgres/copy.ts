import type postgres from "postgres";
import type { CopyPlace, DayTotals } from "../copy-place.ts";
import { createPostgresStore } from "../postgres.ts";
import { openPostgres } from "./connection.ts";
import { upsertKey } from "./keys.ts";
import { toModelName } from "./usage.ts";
import { toUsageStatus, type UsageRow } from "../store.ts";
import { DAY_MS, dayName } from "../usage-span.ts";

const LABELS = ["day", "tenant_id", "api_key_id", "logical_model", "provider"];
const TOTALS = [
  "requests",
  "errors",
  "input_tokens",
  "output_tokens",
  "total_tokens",
  "cached",
  "cache_write_tokens",
  "reasoning",
  "estimated",
  "cost_nano_usd",
  "latency_ms",
];

/** A migrated PostgreSQL database as copying sees it. */
export async function openPostgresCopy(url: string): Promise<CopyPlace> {
  const store = await createPostgresStore(url);
  const { sql, place, run } = openPostgres(url, 1);
  return {
    name: `database postgres://${place}`,
    keys: () => store.listKeys({}),
    putKey: (key) => run(() => upsertKey(sql, key)),
    days: () =>
      run(async () => {
        const rows =
          await sql`select day::text as day, sum(requests) as requests, sum(input_tokens) as input_tokens,
            sum(output_tokens) as output_tokens, sum(total_tokens) as total_tokens, sum(cost_nano_usd) as cost_nano_usd from usage_daily group by day order by day`;
        return rows.map((row) => ({
          day: String(row["day"]),
          requests: Number(row["requests"]),
          inputTokens: Number(row["input_tokens"]),
          outputTokens: Number(row["output_tokens"]),
          totalTokens: Number(row["total_tokens"]),
          costNanoUsd: Number(row["cost_nano_usd"]),
        }));
      }),
    rows: (day, next, limit) =>
      run(async () => {
        const { since, until } = bordersOf(day);
        // As the database writes it: its times are finer than a millisecond.
        const [at, id] = next?.split("|") ?? [];
        const rest =
          at === undefined || id === undefined
            ? sql``
            : sql`and (created_at, id) > (${at}::text::timestamptz, ${id}::uuid)`;
        const rows = await sql`select *, created_at::text as at from usage_logs
          where created_at >= ${since} and created_at < ${until} ${rest} order by created_at, id limit ${limit}`;
        const last = rows.length < limit ? undefined : rows.at(-1);
        return {
          rows: rows.map(toUsageRow),
          next: last && `${String(last["at"])}|${String(last["id"])}`,
        };
      }),
    putRows: (batch) => store.recordUsage(batch),
    count: (batch) =>
      run(async () => {
        const [first] = batch;
        if (first === undefined) return 0;
        const { since, until } = bordersOf(dayName(first.createdAt));
        const ids = JSON.stringify(batch.map((row) => row.id));
        const rows = await sql`select count(*)::integer as count
          from json_array_elements_text(${ids}::text::json) as wanted (id)
          join usage_logs on usage_logs.id = wanted.id::uuid and created_at >= ${since} and created_at < ${until}`;
        return Number(rows[0]?.["count"]);
      }),
    totals: (day) =>
      run(async () => {
        const rows =
          await sql`select ${sql(LABELS)}, ${sql(TOTALS)} from usage_daily where day = ${day}::text::date`;
        return rows.map((row) =>
          Object.fromEntries([
            ...LABELS.map((column): [string, string] => [
              column,
              column === "day" ? day : String(row[column]),
            ]),
            ...TOTALS.map((column): [string, number] => [column, Number(row[column])]),
          ]),
        );
      }),
    putTotals: (given) =>
      run(async () => {
        await sql`insert into usage_daily as known (${sql(LABELS)}, ${sql(TOTALS)}) ${toRows(sql, given)}
          on conflict (day, tenant_id, api_key_id, logical_model, provider) do update set
            (${sql(TOTALS)}) = (select ${sql.unsafe(TOTALS.map((column) => `excluded.${column}`).join(", "))})
          where known.requests < excluded.requests`;
      }),
    putTotalTokens: (given) =>
      run(async () => {
        await sql`update usage_daily as known set total_tokens = wanted.total_tokens from (${toRows(sql, given)}) as wanted
          where (known.day, known.tenant_id, known.api_key_id, known.logical_model, known.provider)
              = (wanted.day, wanted.tenant_id, wanted.api_key_id, wanted.logical_model, wanted.provider)
            and (known.requests, known.input_tokens, known.output_tokens)
              = (wanted.requests, wanted.input_tokens, wanted.output_tokens)`;
      }),
    otherTotals: (day) =>
      run(async () => {
        const { since, until } = bordersOf(day);
        const [row] =
          await sql`select count(*) as rows, sum(total_tokens - input_tokens - output_tokens) as tokens
          from usage_logs where created_at >= ${since} and created_at < ${until}
            and total_tokens not in (0, input_tokens + output_tokens)`;
        return { rows: Number(row?.["rows"]), tokens: Number(row?.["tokens"]) };
      }),
    keptSince: () =>
      run(async () => {
        const [row] = await sql`select kept_since from usage_retention where isfinite(kept_since)`;
        const value: unknown = row?.["kept_since"];
        return value instanceof Date ? value.getTime() : null;
      }),
    putKeptSince: (keptSince) =>
      run(async () => {
        const at = new Date(keptSince);
        await sql`update usage_retention set kept_since = ${at} where kept_since < ${at}`;
      }),
    async close() {
      await sql.end({ timeout: 1 });
      await store.close();
    },
  };
}

/** Totals as rows of the table. Names that had to be cut may have become the same. */
function toRows(sql: postgres.Sql, totals: readonly DayTotals[]): postgres.Fragment {
  const named = totals.map((row) =>
    Object.assign({}, row, { logical_model: toModelName(String(row["logical_model"])) }),
  );
  const sums = TOTALS.map((column) => `sum(${column}) as ${column}`).join(", ");
  return sql`select ${sql(LABELS)}, ${sql.unsafe(sums)}
    from json_populate_recordset(null::usage_daily, ${JSON.stringify(named)}::text::json) group by ${sql(LABELS)}`;
}

function bordersOf(day: string): { since: Date; until: Date } {
  return { since: new Date(day), until: new Date(Date.parse(day) + DAY_MS) };
}

function toUsageRow(row: postgres.Row): UsageRow {
  return {
    id: String(row["id"]),
    apiKeyId: String(row["api_key_id"]),
    tenantId: String(row["tenant_id"]),
    logicalModel: String(row["logical_model"]),
    provider: String(row["provider"]),
    providerModelId: String(row["provider_model_id"]),
    inputTokens: Number(row["input_tokens"]),
    outputTokens: Number(row["output_tokens"]),
    cacheReadTokens: Number(row["cached"]),
    cacheWriteTokens: Number(row["cache_write_tokens"]),
    reasoningTokens: Number(row["reasoning"]),
    estimated: row["estimated"] === true,
    costNanoUsd: Number(row["cost_nano_usd"]),
    latencyMs: Number(row["latency_ms"]),
    timeToFirstTokenMs:
      row["time_to_first_token_ms"] === null ? null : Number(row["time_to_first_token_ms"]),
    statusCode: Number(row["status_code"]),
    status: toUsageStatus(String(row["status"])),
    errorMessage: row["error_message"] === null ? null : String(row["error_message"]),
    requestId: String(row["request_id"]),
    stream: row["stream"] === true,
    attempts: Number(row["attempts"]),
    createdAt: row["created_at"] instanceof Date ? row["created_at"].getTime() : Number.NaN,
  };
}
