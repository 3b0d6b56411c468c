import { USAGE_STATUSES, type UsageRow } from "../store.ts";

const isText = (value: unknown): boolean => typeof value === "string";
const isNumber = (value: unknown): boolean => typeof value === "number";
const isBoolean = (value: unknown): boolean => typeof value === "boolean";
const orNull =
  (is: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === null || is(value);

const STATUSES: ReadonlySet<unknown> = new Set(USAGE_STATUSES);

/**
 * Every field of a row, in the order in which a line holds their values: a line without names is half as long, and written in
 * half the time. A field added later goes to the end, and needs a reading for lines that an older binary wrote without it.
 */
const FIELDS: Readonly<Record<keyof UsageRow, (value: unknown) => boolean>> = {
  id: isText,
  apiKeyId: isText,
  tenantId: isText,
  logicalModel: isText,
  provider: isText,
  providerModelId: isText,
  inputTokens: isNumber,
  outputTokens: isNumber,
  cacheReadTokens: isNumber,
  cacheWriteTokens: isNumber,
  reasoningTokens: isNumber,
  estimated: isBoolean,
  costNanoUsd: isNumber,
  latencyMs: isNumber,
  timeToFirstTokenMs: orNull(isNumber),
  statusCode: isNumber,
  status: (value) => STATUSES.has(value),
  errorMessage: orNull(isText),
  requestId: isText,
  stream: isBoolean,
  attempts: isNumber,
  createdAt: isNumber,
};
const CHECKS = Object.entries(FIELDS);

/** What a line begins with that tells of a request under way. Rows begin with a bracket. */
const UNDER_WAY = "+";

/** What a line says: a request has ended with this row, or it is under way and this row is its if nothing more is heard of it. */
export type UsageLine = { readonly row: UsageRow; readonly ended: boolean };

/** A row as one line of JSON, line feed included. */
export function encodeUsageLine(row: UsageRow): string {
  return `${encode(row)}\n`;
}

/** The line of a request under way, line feed included: the row that it leaves if its process dies now. */
export function encodeDraftLine(draft: UsageRow): string {
  return `${UNDER_WAY}${encode(draft)}\n`;
}

/** What a line without its line feed says; undefined when it is damaged or something else. */
export function decodeUsageLine(line: string): UsageLine | undefined {
  const ended = !line.startsWith(UNDER_WAY);
  let value: unknown;
  try {
    value = JSON.parse(ended ? line : line.slice(UNDER_WAY.length));
  } catch {
    return undefined;
  }
  const row = toUsageRow(value);
  return row && { row, ended };
}

/** How many lines of a file, as bytes, are rows, without reading them. */
export function countUsageLines(bytes: Uint8Array): number {
  const other = UNDER_WAY.charCodeAt(0);
  let lines = 0;
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(10, start);
    if (end === -1) break;
    if (end > start && bytes[start] !== other) lines += 1;
    start = end + 1;
  }
  return lines;
}

/** Written out, for a loop over the names would take longer than the encoding; the order is that of FIELDS. */
function encode(row: UsageRow): string {
  return JSON.stringify([
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
    row.estimated,
    row.costNanoUsd,
    row.latencyMs,
    row.timeToFirstTokenMs,
    row.statusCode,
    row.status,
    row.errorMessage,
    row.requestId,
    row.stream,
    row.attempts,
    row.createdAt,
  ]);
}

function toUsageRow(value: unknown): UsageRow | undefined {
  // What a newer binary added stands behind.
  if (!Array.isArray(value) || value.length < CHECKS.length) return undefined;
  const values: readonly unknown[] = value;
  const row: unknown = Object.fromEntries(CHECKS.map(([name], index) => [name, values[index]]));
  return isUsageRow(row) ? row : undefined;
}

function isUsageRow(value: unknown): value is UsageRow {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  return CHECKS.every(([name, check]) => check(fields.get(name)));
}
