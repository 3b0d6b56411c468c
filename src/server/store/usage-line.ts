import type { UsageRow } from "./store.ts";

const isText = (value: unknown): boolean => typeof value === "string";
const isNumber = (value: unknown): boolean => typeof value === "number";
const isBoolean = (value: unknown): boolean => typeof value === "boolean";
const orNull =
  (is: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === null || is(value);

/** Every field of a row. A field added later needs a reading for lines that an older binary wrote without it. */
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
  status: (value) =>
    value === "ok" || value === "failed" || value === "cut" || value === "cancelled",
  errorMessage: orNull(isText),
  requestId: isText,
  stream: isBoolean,
  attempts: isNumber,
  createdAt: isNumber,
};
const CHECKS = Object.entries(FIELDS);

/** A row as one line of JSON, line feed included. */
export function encodeUsageLine(row: UsageRow): string {
  return `${JSON.stringify(row)}\n`;
}

/** The row in a line without its line feed; undefined when the line is damaged or holds something else. */
export function decodeUsageLine(line: string): UsageRow | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isUsageRow(value) ? value : undefined;
}

function isUsageRow(value: unknown): value is UsageRow {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  return CHECKS.every(([name, check]) => check(fields.get(name)));
}
