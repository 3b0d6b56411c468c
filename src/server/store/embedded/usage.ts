import { patiently, type Sqlite, type SqliteRow, type SqliteStatement } from "./sqlite.ts";
import { readNumber, readText, toBorder, toText } from "./sqlite-value.ts";
import type { Store, UsageReportRow, UsageRow } from "../store.ts";
import { GROUP_COLUMN } from "../usage-group.ts";
import { sumUsage, type UsageSums } from "./usage-sums.ts";
import { DAY_MS, dayName, type Span, splitSpan, startOfDay } from "../usage-span.ts";

type UsageMethods = Pick<Store, "recordUsage" | "usageReport" | "usageTotals" | "pruneUsage">;

/** Rows deleted in one go, which holds this thread up for some milliseconds, and the pause in which requests have theirs. */
const PRUNE_ROWS = 500;
const PRUNE_PAUSE_MS = 10;

/** Rows of one statement: a third less processor time than one for each. */
const ROWS_AT_ONCE = 25;

const INSERT = `insert into usage_logs (id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens,
    output_tokens, cached, cache_write_tokens, reasoning, estimated, cost_nano_usd, latency_ms, time_to_first_token_ms,
    status_code, status, error_message, request_id, stream, attempts, created_at)
  values `;
type Value = string | number | null;

const COLUMNS = 22;
const VALUES = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
// A conflict on the id is a row that is here already; any other (a value of the wrong kind) must not pass silently.
const insertOf = (rows: number): string =>
  `${INSERT}${Array(rows).fill(VALUES).join(", ")} on conflict (id) do nothing`;

/** Adds to the totals of a day, as the trigger does for a row of somebody else's. */
const ADD_UP = `insert into usage_daily (day, tenant_id, api_key_id, logical_model, provider, requests, errors, input_tokens,
    output_tokens, total_tokens, cached, cache_write_tokens, reasoning, estimated, cost_nano_usd, latency_ms)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (day, tenant_id, api_key_id, logical_model, provider) do update set
    requests = requests + excluded.requests,
    errors = errors + excluded.errors,
    input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    total_tokens = total_tokens + excluded.total_tokens,
    cached = cached + excluded.cached,
    cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
    reasoning = reasoning + excluded.reasoning,
    estimated = estimated + excluded.estimated,
    cost_nano_usd = cost_nano_usd + excluded.cost_nano_usd,
    latency_ms = latency_ms + excluded.latency_ms`;

const SUMMED = [
  "requests",
  "errors",
  "input_tokens",
  "output_tokens",
  "total_tokens",
  "cached",
  "reasoning",
  "estimated",
  "cost_nano_usd",
  "latency_ms",
];
const DAY_SUMS = SUMMED.map((column) => `sum(${column}) as ${column}`).join(", ");
const ROW_SUMS = SUMMED.map((column) => {
  if (column === "requests") return "count(*) as requests";
  if (column === "errors") return "sum(status in ('failed', 'cut', 'lost')) as errors";
  return `sum(${column}) as ${column}`;
}).join(", ");

/** The methods of the embedded store that are about usage. */
export function createUsageMethods(sqlite: Sqlite): UsageMethods {
  const insert = sqlite.prepare(insertOf(1));
  const insertMany = sqlite.prepare(insertOf(ROWS_AT_ONCE));
  /** The values of one row and of many, filled anew each time. */
  const one: Value[] = Array<Value>(COLUMNS).fill(null);
  const many: Value[] = Array<Value>(ROWS_AT_ONCE * COLUMNS).fill(null);
  const last = sqlite.prepare("select coalesce(max(rowid), 0) as last from usage_logs");
  const idsBehind = sqlite.prepare("select id from usage_logs where rowid > ?");
  const holdTrigger = sqlite.prepare("insert into usage_adding_up default values");
  const freeTrigger = sqlite.prepare("delete from usage_adding_up");
  const addUp = sqlite.prepare(ADD_UP);
  const any = sqlite.prepare(
    "select 1 from usage_logs where created_at >= ? and created_at < ? limit 1",
  );
  const keepSince = sqlite.prepare(
    "update usage_retention set kept_since = ?1 where kept_since < ?1",
  );
  const prune = sqlite.prepare(
    "delete from usage_logs where rowid in (select rowid from usage_logs where created_at < ? limit ?)",
  );
  const statements = new Map<string, SqliteStatement>();
  const prepareOnce = (sql: string): SqliteStatement => {
    const statement = statements.get(sql) ?? sqlite.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  /** Inserts them but for those that are here already; answers how many were not. */
  const insertAll = (rows: readonly UsageRow[]): number => {
    const single = rows.length % ROWS_AT_ONCE;
    let added = 0;
    let place = 0;
    for (const [index, row] of rows.entries()) {
      if (index < single) {
        setColumns(one, 0, row);
        added += insert.run(...one).changes;
        continue;
      }
      place = setColumns(many, place, row);
      if (place < many.length) continue;
      added += insertMany.run(...many).changes;
      place = 0;
    }
    return added;
  };

  /** Those of the rows that have been added behind a rowid. */
  const rowsBehind = (rowid: number, rows: readonly UsageRow[]): readonly UsageRow[] => {
    const ids = new Set(idsBehind.all(rowid).map((row) => readText(row, "id")));
    // Of two with one id the first one is here.
    return rows.filter(({ id }) => ids.delete(id));
  };

  const hasUsage = (from: number, until: number): boolean =>
    from < until && any.get(toText(from), toText(until)) !== null;

  /** Takes a part of a day as the whole one where nothing lies in the rest of it: today until now, for one, is all of today. */
  const widen = ({ days, edges }: Span): Span => {
    let { from, until } = days;
    const left = [];
    for (const edge of edges) {
      const day = startOfDay(edge.from);
      const end = day + DAY_MS;
      if (hasUsage(day, edge.from) || hasUsage(edge.until, end)) left.push(edge);
      else if (from >= until) [from, until] = [day, end];
      else [from, until] = [Math.min(from, day), Math.max(until, end)];
    }
    return { days: { from, until }, edges: left };
  };

  /** Sums, grouped by columns, of the whole days' totals and of the rows of the rest. */
  const sum = (columns: string, span: Span, tenantId: string | undefined, order: string) => {
    const { days, edges } = widen(span);
    const ofTenant = tenantId === undefined ? "" : "and tenant_id = ?";
    const tenant = tenantId === undefined ? [] : [tenantId];
    // Of one edge the day is a value, which costs nothing for each row.
    const [named, grouped] = columns === "day" ? ["? as day", "1"] : [columns, columns];
    const parts = edges.map(
      () => `union all select ${named}, ${ROW_SUMS} from usage_logs
      where created_at >= ? and created_at < ? ${ofTenant} group by ${grouped}`,
    );
    return prepareOnce(
      `select ${columns}, ${DAY_SUMS} from (
        select ${columns}, ${DAY_SUMS} from usage_daily where day >= ? and day < ? ${ofTenant} group by ${columns}
        ${parts.join("\n")}
      ) group by ${columns} having sum(requests) > 0 order by ${order}`,
    ).all(
      dayName(days.from),
      dayName(days.until),
      ...tenant,
      ...edges.flatMap(({ from, until }) =>
        (columns === "day" ? [dayName(from)] : []).concat(toText(from), toText(until), tenant),
      ),
    );
  };
  const read = <T>(work: () => T): Promise<T> => patiently(sqlite, () => sqlite.snapshot(work));

  return {
    async recordUsage(rows) {
      if (rows.length === 0) return;
      await patiently(sqlite, () =>
        sqlite.transaction(() => {
          const before = readNumber(last.get() ?? {}, "last");
          holdTrigger.run();
          const added = insertAll(rows);
          const fresh = added === rows.length ? rows : rowsBehind(before, rows);
          for (const sums of sumUsage(fresh)) addUp.run(...toSums(sums));
          freeTrigger.run();
        }),
      );
    },
    async usageReport({ by, since, until, tenantId }) {
      const span = splitSpan(since, until);
      const column = GROUP_COLUMN[by];
      const order =
        by === "day" ? "day" : `cost_nano_usd desc, total_tokens desc, requests desc, ${column}`;
      return read(() =>
        sum(column, span, tenantId, order).map((row) => toReportRow(readText(row, column), row)),
      );
    },
    async usageTotals(since) {
      const span = splitSpan(since, Number.POSITIVE_INFINITY);
      const columns = "api_key_id, tenant_id, logical_model";
      return read(() =>
        sum(columns, span, undefined, columns).map((row) => ({
          apiKeyId: readText(row, "api_key_id"),
          tenantId: readText(row, "tenant_id"),
          logicalModel: readText(row, "logical_model"),
          requests: readNumber(row, "requests"),
          tokens: readNumber(row, "total_tokens"),
          costNanoUsd: readNumber(row, "cost_nano_usd"),
        })),
      );
    },
    async pruneUsage(before) {
      const border = toBorder(before);
      let pruned = 0;
      for (;;) {
        const changes = await patiently(sqlite, () =>
          sqlite.transaction(() => {
            // First, so that what goes for its age stays in the totals.
            keepSince.run(border);
            return prune.run(border, PRUNE_ROWS).changes;
          }),
        );
        pruned += changes;
        if (changes < PRUNE_ROWS) return pruned;
        await Bun.sleep(PRUNE_PAUSE_MS);
      }
    },
  };
}

/** Puts a row's values, in the order of the columns, into their places; answers where the next row's begin. */
function setColumns(values: Value[], at: number, row: UsageRow): number {
  values[at] = row.id;
  values[at + 1] = row.apiKeyId;
  values[at + 2] = row.tenantId;
  values[at + 3] = row.logicalModel;
  values[at + 4] = row.provider;
  values[at + 5] = row.providerModelId;
  values[at + 6] = row.inputTokens;
  values[at + 7] = row.outputTokens;
  values[at + 8] = row.cacheReadTokens;
  values[at + 9] = row.cacheWriteTokens;
  values[at + 10] = row.reasoningTokens;
  values[at + 11] = row.estimated ? 1 : 0;
  values[at + 12] = row.costNanoUsd;
  // Clocks give fractions; the columns hold whole milliseconds.
  values[at + 13] = Math.round(row.latencyMs);
  values[at + 14] = row.timeToFirstTokenMs === null ? null : Math.round(row.timeToFirstTokenMs);
  values[at + 15] = row.statusCode;
  values[at + 16] = row.status;
  values[at + 17] = row.errorMessage;
  values[at + 18] = row.requestId;
  values[at + 19] = row.stream ? 1 : 0;
  values[at + 20] = row.attempts;
  values[at + 21] = toText(row.createdAt);
  return at + COLUMNS;
}

function toSums(sums: UsageSums): (string | number)[] {
  return [
    sums.day,
    sums.tenant_id,
    sums.api_key_id,
    sums.logical_model,
    sums.provider,
    sums.requests,
    sums.errors,
    sums.input_tokens,
    sums.output_tokens,
    sums.total_tokens,
    sums.cached,
    sums.cache_write_tokens,
    sums.reasoning,
    sums.estimated,
    sums.cost_nano_usd,
    sums.latency_ms,
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
    averageLatencyMs: readNumber(row, "latency_ms") / readNumber(row, "requests"),
  };
}
