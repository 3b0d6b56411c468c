/**
 * What a gateway needs to check keys when it starts without its database: a copy of them on the local disk, as it last heard of
 * them. It holds hashes, limits and expiry, never a key, nor what people call it; only this user may read it (mode 0600).
 */
import { mkdirSync, readFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type KeyRecord, StoreError } from "./store.ts";
import { wordsOf } from "../words.ts";

export type CachedKeys = {
  readonly keys: readonly KeyRecord[];
  /** Unix milliseconds: when the database said so. */
  readonly asOf: number;
};

export type KeyCache = {
  readonly path: string;
  /** What was saved last, of this database. Undefined when there is nothing; throws StoreError when what is there cannot be used. */
  load(): CachedKeys | undefined;
  /** Replaces it at once, or not at all. Throws StoreError. */
  save(cached: CachedKeys): Promise<void>;
};

const FORMAT = 1;

const isText = (value: unknown): boolean => typeof value === "string";
const isNumber = (value: unknown): boolean => typeof value === "number";
const isBoolean = (value: unknown): boolean => typeof value === "boolean";
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const orNull =
  (is: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === null || is(value);

const FIELDS: Readonly<Record<keyof KeyRecord, (value: unknown) => boolean>> = {
  id: isText,
  keyHash: isText,
  keyPrefix: isText,
  tenantId: isText,
  description: orNull(isText),
  rpm: orNull(isNumber),
  rpd: orNull(isNumber),
  tpm: orNull(isNumber),
  tokensPerDay: orNull(isNumber),
  budgetNanoUsd: orNull(isNumber),
  budgetPerDayNanoUsd: orNull(isNumber),
  concurrency: orNull(isNumber),
  models: orNull(isTexts),
  isActive: isBoolean,
  createdAt: isNumber,
  expiresAt: orNull(isNumber),
  lastUsedAt: orNull(isNumber),
  revokedAt: orNull(isNumber),
};
const CHECKS = Object.entries(FIELDS);

/** `database` says which one the keys are of, without a password: those of another one are not taken. */
export function createKeyCache(path: string, database: string): KeyCache {
  const origin = Bun.CryptoHasher.hash("sha256", database, "hex");
  /** Processes that share the folder must not write into each other's. */
  const draft = `${path}.${process.pid}-${crypto.randomUUID().slice(0, 8)}`;

  const fail = (what: string, thrown: unknown): StoreError =>
    new StoreError(`key cache ${path}: cannot be ${what} (${wordsOf(thrown)})`, { cause: thrown });

  return {
    path,
    load() {
      let content: unknown;
      try {
        content = JSON.parse(readFileSync(path, "utf8"));
      } catch (thrown) {
        if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") {
          return undefined;
        }
        throw fail("read", thrown);
      }
      if (!isFile(content)) throw fail("read", new Error("it is damaged, or of another xjp"));
      return content.database === origin ? { keys: content.keys, asOf: content.asOf } : undefined;
    },
    async save({ keys, asOf }) {
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        const content: CacheFile = {
          format: FORMAT,
          database: origin,
          asOf,
          keys: keys.map((key) => ({ ...key, keyPrefix: "", description: null })),
        };
        await writeFile(draft, JSON.stringify(content), { mode: 0o600, flush: true });
        await rename(draft, path);
      } catch (thrown) {
        // It may never have been made.
        await rm(draft, { force: true }).catch(() => undefined);
        throw fail("written", thrown);
      }
    },
  };
}

type CacheFile = CachedKeys & { readonly format: typeof FORMAT; readonly database: string };

function isFile(content: unknown): content is CacheFile {
  if (typeof content !== "object" || content === null) return false;
  const { format, database, asOf, keys }: Partial<Record<keyof CacheFile, unknown>> = content;
  return (
    format === FORMAT &&
    isText(database) &&
    isNumber(asOf) &&
    Array.isArray(keys) &&
    keys.every(isKey)
  );
}

function isKey(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  return CHECKS.every(([name, check]) => check(fields.get(name)));
}
