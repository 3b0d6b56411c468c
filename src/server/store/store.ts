/**
 * What the gateway and the commands ask of storage, in their own words, not in those of tables. Ids, times and costs are made
 * above; a store writes what it is given. Times are Unix milliseconds, money is whole billionths of a US dollar ("nano").
 */
import type { Answers } from "./answers.ts";

export type KeyRecord = {
  /** UUID. */
  readonly id: string;
  /** SHA-256 of the whole key string, lower-case hex. */
  readonly keyHash: string;
  /** The first characters of the key, for people; empty on keys of the earlier gateway. */
  readonly keyPrefix: string;
  readonly tenantId: string;
  readonly description: string | null;
  /** Requests a minute; null takes the configuration's default, 0 is unlimited. */
  readonly rpm: number | null;
  /** Requests a UTC day; null or 0 is unlimited. */
  readonly rpd: number | null;
  /** Tokens a minute; null is unlimited. */
  readonly tpm: number | null;
  readonly tokensPerDay: number | null;
  /** Spend per UTC calendar month. */
  readonly budgetNanoUsd: number | null;
  /** Spend per UTC day. */
  readonly budgetPerDayNanoUsd: number | null;
  /** Requests in flight. */
  readonly concurrency: number | null;
  /** Logical models this key may use; null is all. A trailing `*` matches any rest. */
  readonly models: readonly string[] | null;
  readonly isActive: boolean;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
  readonly revokedAt: number | null;
};

/** What changed since a version, in order: new or altered keys as they are now, each once, and ids of rows that are gone. */
export type KeyChanges = {
  readonly version: number;
  readonly changed: readonly KeyRecord[];
  readonly removed: readonly string[];
};

export const USAGE_STATUSES = ["ok", "failed", "cut", "cancelled", "lost"] as const;

/**
 * How a request ended. `cut`: the provider's stream broke off; `cancelled`: the client went away; `lost`: the gateway's process
 * died under it, and its tokens are what could be estimated.
 */
export type UsageStatus = (typeof USAGE_STATUSES)[number];

/** A word of the tables as a status; one that nobody here knows is a failure. */
export function toUsageStatus(word: string): UsageStatus {
  return USAGE_STATUSES.find((status) => status === word) ?? "failed";
}

/** One request that reached routing. */
export type UsageRow = {
  /** UUID; writing the same id twice changes nothing. */
  readonly id: string;
  readonly apiKeyId: string;
  readonly tenantId: string;
  readonly logicalModel: string;
  /** Empty when no provider was reached. */
  readonly provider: string;
  readonly providerModelId: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  /** True when the gateway counted because the provider reported nothing. */
  readonly estimated: boolean;
  readonly costNanoUsd: number;
  readonly latencyMs: number;
  readonly timeToFirstTokenMs: number | null;
  readonly statusCode: number;
  readonly status: UsageStatus;
  readonly errorMessage: string | null;
  readonly requestId: string;
  readonly stream: boolean;
  readonly attempts: number;
  readonly createdAt: number;
};

export type UsageGroup = "day" | "model" | "key" | "tenant" | "provider";

export type UsageQuery = {
  readonly tenantId?: string;
  /** Inclusive. */
  readonly since: number;
  /** Exclusive. */
  readonly until: number;
  readonly by: UsageGroup;
};

export type UsageReportRow = {
  /** The day as YYYY-MM-DD (UTC), or the name of what is grouped by; for `key` the key's id. */
  readonly group: string;
  readonly requests: number;
  /** Requests that ended `failed`, `cut` or `lost`; one that its client cancelled is no error. */
  readonly errors: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly reasoningTokens: number;
  readonly totalTokens: number;
  /** Requests whose tokens are estimates. */
  readonly estimatedRequests: number;
  readonly costNanoUsd: number;
  readonly averageLatencyMs: number;
};

/** What one key has used of one model since a moment, to rebuild counters after a start. */
export type KeyTotals = {
  readonly apiKeyId: string;
  readonly tenantId: string;
  readonly logicalModel: string;
  readonly requests: number;
  readonly tokens: number;
  readonly costNanoUsd: number;
};

export type Store = Answers & {
  readonly kind: "sqlite" | "postgres";
  /** Throws StoreError on a duplicate hash. */
  insertKey(key: KeyRecord): Promise<void>;
  /** The key with this id, else the keys whose printed prefix starts with it, newest first. None for an empty text. */
  findKeys(idOrPrefix: string): Promise<readonly KeyRecord[]>;
  /** Newest first. */
  listKeys(filter: { readonly tenantId?: string }): Promise<readonly KeyRecord[]>;
  /** False when it was already revoked or does not exist. */
  revokeKey(id: string, at: number): Promise<boolean>;
  /**
   * Stores the replacement and lets the old key live until `oldExpiresAt` or its own earlier end, in one transaction. Throws
   * StoreError when the old key does not exist or is revoked, or the replacement's hash is taken.
   */
  rotateKey(id: string, replacement: KeyRecord, oldExpiresAt: number): Promise<void>;
  /** Writes when keys, by id, were last used; never moves a key's time back, and is no change to `keyChanges`. */
  touchKeys(lastUsed: ReadonlyMap<string, number>): Promise<void>;
  /**
   * Cheap when nothing changed: called several times a second. `since` 0 gives every key, the newest first; so does a version newer than the
   * store's own, which then answers with its lower one (the database was replaced by an older copy).
   */
  keyChanges(since: number): Promise<KeyChanges>;
  /**
   * Calls `onChange` when keys may have changed, as soon as the database tells; absent where databases tell nothing. Answers how to
   * stop listening.
   */
  watchKeys?(onChange: () => void): Promise<() => Promise<void>>;
  /** All rows or none, in one transaction. Idempotent by row id. Rows of a key that no longer exists are kept. */
  recordUsage(rows: readonly UsageRow[]): Promise<void>;
  /** Days in order; other groups by cost, then tokens, then requests, the most first, then by name. Sums are exact to 2^53. */
  usageReport(query: UsageQuery): Promise<readonly UsageReportRow[]>;
  /** Totals of rows created at or after `since`, per key, tenant and model. */
  usageTotals(since: number): Promise<readonly KeyTotals[]>;
  /** Makes room for rows of a moment to come, where that is a matter of more than writing them. */
  prepareUsage?(at: number): Promise<void>;
  /** Deletes rows created before a moment, and answers how many; the sums by day that reports are made of stay. */
  pruneUsage(before: number): Promise<number>;
  /** Throws StoreError when the store cannot be read. */
  ping(): Promise<void>;
  /**
   * Whether what its address names is still this store: `gone` when it names nothing, `replaced` when another. What is written here
   * then is seen by nobody.
   */
  whereabouts?(): "here" | "gone" | "replaced";
  close(): Promise<void>;
};

/** What failed in storage, said so that an operator knows what to do. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  /** True when the store works but refuses this very data, so that trying again is useless. */
  readonly rejected: boolean;
  /** True when nothing is down, and somebody has to change the address, the rights or the tables. */
  readonly needsSetup: boolean;

  constructor(
    message: string,
    options: ErrorOptions & { readonly rejected?: boolean; readonly needsSetup?: boolean } = {},
  ) {
    super(message, options);
    this.rejected = options.rejected ?? false;
    this.needsSetup = options.needsSetup ?? false;
  }
}
