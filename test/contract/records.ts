import type { KeyRecord, UsageRow } from "../../src/server/store/store.ts";

/** Noon of a day in the middle of everything. */
export const NOON = Date.UTC(2026, 4, 15, 12);
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** A UUID with this number in it. */
export function uuid(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

/** A key whose id, hash and prefix follow from the number. */
export function aKey(number: number, fields: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id: uuid(number),
    keyHash: String(number).padStart(64, "0"),
    keyPrefix: `XJP_${String(number).padStart(8, "0")}`,
    tenantId: "acme",
    description: null,
    rpm: null,
    rpd: null,
    tpm: null,
    tokensPerDay: null,
    budgetNanoUsd: null,
    budgetPerDayNanoUsd: null,
    concurrency: null,
    models: null,
    isActive: true,
    createdAt: NOON + number,
    expiresAt: null,
    lastUsedAt: null,
    revokedAt: null,
    ...fields,
  };
}

/** A request that went well, whose id follows from the number. */
export function aRow(number: number, fields: Partial<UsageRow> = {}): UsageRow {
  return {
    id: uuid(number),
    apiKeyId: uuid(1),
    tenantId: "acme",
    logicalModel: "fast",
    provider: "openrouter",
    providerModelId: "maker/model-1",
    inputTokens: 10,
    outputTokens: 5,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    estimated: false,
    costNanoUsd: 1_000,
    latencyMs: 100,
    timeToFirstTokenMs: null,
    statusCode: 200,
    status: "ok",
    errorMessage: null,
    requestId: `request-${number}`,
    stream: false,
    attempts: 1,
    createdAt: NOON,
    ...fields,
  };
}
