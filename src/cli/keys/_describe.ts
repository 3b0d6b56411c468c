import type { KeyRecord } from "../../server/store/store.ts";
import { usd } from "../_money.ts";
import { digits } from "../_number.ts";
import { isoTime, when } from "../_time.ts";

/** How a key stands at a moment. */
export type KeyState = "active" | "revoked" | "expired";

/** A revoked key stays revoked whatever else is true of it. */
export function keyState(key: KeyRecord, now: number): KeyState {
  if (!key.isActive) return "revoked";
  return key.expiresAt !== null && key.expiresAt <= now ? "expired" : "active";
}

/** The limits in words, e.g. `60 requests/minute, 1,000 requests/day`. */
function limitsInWords(key: KeyRecord): string {
  const rate =
    key.rpm === null ? "requests/minute as configured" : limit(key.rpm, "requests/minute");
  const rest = [
    limit(key.rpd, "requests/day"),
    limit(key.tpm, "tokens/minute"),
    limit(key.tokensPerDay, "tokens/day"),
    limit(key.concurrency, "at once"),
    key.budgetPerDayNanoUsd === null ? undefined : `$${usd(key.budgetPerDayNanoUsd)}/day`,
    key.budgetNanoUsd === null ? undefined : `$${usd(key.budgetNanoUsd)}/month`,
  ];
  const words = [rate, ...rest].filter((word) => word !== undefined);
  return words.length === 0 ? "none" : words.join(", ");
}

function limit(value: number | null, unit: string): string | undefined {
  return value === null || value === 0 ? undefined : `${digits(value)} ${unit}`;
}

/** Name and value of everything that is known about a key, for people. */
export function keyDetails(key: KeyRecord, now: number): readonly (readonly [string, string])[] {
  return [
    ["Key ID", key.id],
    [
      "Key prefix",
      key.keyPrefix === "" ? "(not kept by the earlier gateway)" : `${key.keyPrefix}…`,
    ],
    ["Tenant", key.tenantId],
    ["Description", key.description ?? "-"],
    ["State", keyState(key, now)],
    ["Limits", limitsInWords(key)],
    ["Models", key.models === null ? "all" : key.models.join(", ")],
    ["Created", when(key.createdAt)],
    ["Expires", key.expiresAt === null ? "never" : when(key.expiresAt)],
    ["Last used", key.lastUsedAt === null ? "never" : when(key.lastUsedAt)],
    ...(key.revokedAt === null ? [] : [["Revoked", when(key.revokedAt)] as const]),
  ];
}

/** A key as `--json` prints it: the columns' names, times in ISO 8601, money exact as text and as an integer. */
export function keyJson(key: KeyRecord, now: number): Readonly<Record<string, unknown>> {
  return {
    id: key.id,
    key_prefix: key.keyPrefix,
    tenant_id: key.tenantId,
    description: key.description,
    state: keyState(key, now),
    rate_limit_rpm: key.rpm,
    rate_limit_rpd: key.rpd,
    rate_limit_tpm: key.tpm,
    tokens_per_day: key.tokensPerDay,
    budget_usd: key.budgetNanoUsd === null ? null : usd(key.budgetNanoUsd),
    budget_nano_usd: key.budgetNanoUsd,
    budget_per_day_usd: key.budgetPerDayNanoUsd === null ? null : usd(key.budgetPerDayNanoUsd),
    budget_day_nano_usd: key.budgetPerDayNanoUsd,
    concurrency: key.concurrency,
    models: key.models,
    is_active: key.isActive,
    created_at: isoTime(key.createdAt),
    expires_at: isoTime(key.expiresAt),
    last_used_at: isoTime(key.lastUsedAt),
    revoked_at: isoTime(key.revokedAt),
  };
}
