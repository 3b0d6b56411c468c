import type { CopyPlace, DayTotals } from "../copy-place.ts";
import { createEmbeddedStore } from "../embedded.ts";
import { keyUpsert } from "./keys.ts";
import { openSqlite, patiently, type SqliteRow } from "./sqlite.ts";
import {
  readNumber,
  readOptionalNumber,
  readOptionalText,
  readText,
  readTime,
  toText,
} from "./sqlite-value.ts";
import { StoreError, toUsageStatus, type UsageRow } from "../store.ts";
import { DAY_MS } from "../usage-span.ts";

const TOTALS = `requests, errors, input_tokens, output_tokens, total_tokens, cached, cache_write_tokens, reasoning, estimated,
  cost_nano_usd, latency_ms`;

/** The new value of a day's total tokens, and what tells that it is of the same requests. */
const TOKENS_OF = [
  "total_tokens",
  "day",
  "tenant_id",
  "api_key_id",
  "logical_model",
  "provider",
  "requests",
  "input_tokens",
  "output_tokens",
];

/** A migrated SQLite file as copying sees it. */
export function openEmbeddedCopy(path: string): CopyPlace {
  const store = createEmbeddedStore(path);
  const sqlite = openSqlite(path, "write");
  const work = <T>(action: () => T): Promise<T> => patiently(sqlite, action);
  const upsert = sqlite.prepare(keyUpsert.sql);
  const days = sqlite.prepare(
    `select day, sum(requests) as requests, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
      sum(total_tokens) as total_tokens, sum(cost_nano_usd) as cost_nano_usd from usage_daily group by day order by day`,
  );
  const rows = sqlite.prepare(
    `select * from usage_logs where created_at >= ?1 and created_at < ?2 and (created_at, id) > (?3, ?4)
    order by created_at, id limit ?5`,
  );
  const one = sqlite.prepare("select 1 from usage_logs where id = ?");
  const totals = sqlite.prepare(
    `select day, tenant_id, api_key_id, logical_model, provider, ${TOTALS} from usage_daily where day = ?`,
  );
  const putTotal = sqlite.prepare(
    `insert into usage_daily (day, tenant_id, api_key_id, logical_model, provider, ${TOTALS})
    values (${Array.from({ length: 16 }, () => "?").join(", ")})
    on conflict (day, tenant_id, api_key_id, logical_model, provider) do update set
      (${TOTALS}) = (${TOTALS.replaceAll(/\w+/g, (column) => `excluded.${column}`)})
    where usage_daily.requests < excluded.requests`,
  );
  const putTokens = sqlite.prepare(
    `update usage_daily set total_tokens = ? where (day, tenant_id, api_key_id, logical_model, provider) = (?, ?, ?, ?, ?)
      and (requests, input_tokens, output_tokens) = (?, ?, ?)`,
  );
  const kept = sqlite.prepare("select kept_since from usage_retention");
  const keep = sqlite.prepare("update usage_retention set kept_since = ?1 where kept_since < ?1");
  return {
    name: `database ${path}`,
    keys: () => store.listKeys({}),
    async putKey(key) {
      await work(() => sqlite.transaction(() => upsert.run(...keyUpsert.values(key))));
    },
    days: () =>
      work(() =>
        days.all().map((row) => ({
          day: readText(row, "day"),
          requests: readNumber(row, "requests"),
          inputTokens: readNumber(row, "input_tokens"),
          outputTokens: readNumber(row, "output_tokens"),
          totalTokens: readNumber(row, "total_tokens"),
          costNanoUsd: readNumber(row, "cost_nano_usd"),
        })),
      ),
    rows: (day, next, limit) =>
      work(() => {
        const [since = "", id = ""] = next?.split(" ") ?? [];
        const until = toText(Date.parse(day) + DAY_MS);
        const found = rows.all(toText(Date.parse(day)), until, since, id, limit);
        const last = found.length < limit ? undefined : found.at(-1);
        return {
          rows: found.map(toUsageRow),
          next: last && `${readText(last, "created_at")} ${readText(last, "id")}`,
        };
      }),
    putRows: (batch) => store.recordUsage(batch),
    count: (batch) => work(() => batch.filter(({ id }) => one.get(id) !== null).length),
    totals: (day) =>
      work(() => totals.all(day).map((row): DayTotals => toTotals(row, `database ${path}`))),
    async putTotals(given) {
      await work(() =>
        sqlite.transaction(() => {
          for (const row of given) putTotal.run(...Object.values(row));
        }),
      );
    },
    async putTotalTokens(given) {
      await work(() =>
        sqlite.transaction(() => {
          for (const row of given) putTokens.run(...TOKENS_OF.map((column) => row[column] ?? 0));
        }),
      );
    },
    // Its rows have no total of their own.
    otherTotals: () => Promise.resolve({ rows: 0, tokens: 0 }),
    keptSince: () =>
      work(() => {
        const text = readText(kept.get() ?? {}, "kept_since");
        return text === "" ? null : Date.parse(text);
      }),
    async putKeptSince(keptSince) {
      await work(() => keep.run(toText(keptSince)));
    },
    async close() {
      sqlite.close();
      await store.close();
    },
  };
}

function toTotals(row: SqliteRow, name: string): DayTotals {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (value === null) throw new StoreError(`${name}: usage_daily.${column} holds nothing`);
      return [column, value];
    }),
  );
}

function toUsageRow(row: SqliteRow): UsageRow {
  return {
    id: readText(row, "id"),
    apiKeyId: readText(row, "api_key_id"),
    tenantId: readText(row, "tenant_id"),
    logicalModel: readText(row, "logical_model"),
    provider: readText(row, "provider"),
    providerModelId: readText(row, "provider_model_id"),
    inputTokens: readNumber(row, "input_tokens"),
    outputTokens: readNumber(row, "output_tokens"),
    cacheReadTokens: readNumber(row, "cached"),
    cacheWriteTokens: readNumber(row, "cache_write_tokens"),
    reasoningTokens: readNumber(row, "reasoning"),
    estimated: row["estimated"] === 1,
    costNanoUsd: readNumber(row, "cost_nano_usd"),
    latencyMs: readNumber(row, "latency_ms"),
    timeToFirstTokenMs: readOptionalNumber(row, "time_to_first_token_ms"),
    statusCode: readNumber(row, "status_code"),
    status: toUsageStatus(readText(row, "status")),
    errorMessage: readOptionalText(row, "error_message"),
    requestId: readText(row, "request_id"),
    stream: row["stream"] === 1,
    attempts: readNumber(row, "attempts"),
    createdAt: readTime(row, "created_at"),
  };
}
