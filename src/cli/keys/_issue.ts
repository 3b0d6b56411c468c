import { createKey, hashKey, keyPrefix } from "../../server/store/key.ts";
import type { KeyRecord } from "../../server/store/store.ts";

/** What an operator says about a new key; null and 0 mean what `KeyRecord` says of them. */
export type KeyTerms = Pick<
  KeyRecord,
  | "tenantId"
  | "description"
  | "rpm"
  | "rpd"
  | "tpm"
  | "tokensPerDay"
  | "budgetNanoUsd"
  | "budgetPerDayNanoUsd"
  | "concurrency"
  | "models"
  | "expiresAt"
>;

/** A key that is about to be stored. `key` is the secret itself, known here and to the one who is told, nowhere else. */
export type IssuedKey = { readonly key: string; readonly record: KeyRecord };

/** The limits of the earlier gateway's keys. */
const earlierLimits = { rpm: 60, rpd: 1000 } as const;

/** Terms of a key without limits of its own beyond the earlier gateway's. */
export function plainTerms(tenantId: string): KeyTerms {
  return {
    tenantId,
    description: null,
    ...earlierLimits,
    tpm: null,
    tokensPerDay: null,
    budgetNanoUsd: null,
    budgetPerDayNanoUsd: null,
    concurrency: null,
    models: null,
    expiresAt: null,
  };
}

/** Makes a fresh key with these terms. Stores nothing. */
export function issueKey(terms: KeyTerms, now: number): IssuedKey {
  const key = createKey();
  return {
    key,
    record: {
      id: Bun.randomUUIDv7("hex", now),
      keyHash: hashKey(key),
      keyPrefix: keyPrefix(key),
      tenantId: terms.tenantId,
      description: terms.description,
      rpm: terms.rpm,
      rpd: terms.rpd,
      tpm: terms.tpm,
      tokensPerDay: terms.tokensPerDay,
      budgetNanoUsd: terms.budgetNanoUsd,
      budgetPerDayNanoUsd: terms.budgetPerDayNanoUsd,
      concurrency: terms.concurrency,
      models: terms.models,
      isActive: true,
      createdAt: now,
      expiresAt: terms.expiresAt,
      lastUsedAt: null,
      revokedAt: null,
    },
  };
}
