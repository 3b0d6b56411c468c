import { patiently, type Sqlite, type SqliteRow } from "./sqlite.ts";
import {
  readNumber,
  readOptionalNumber,
  readOptionalText,
  readOptionalTime,
  readText,
  readTime,
  toText,
} from "./sqlite-value.ts";
import { type KeyChanges, type KeyRecord, type Store, StoreError } from "../store.ts";

type KeyMethods = Pick<
  Store,
  "insertKey" | "findKeys" | "listKeys" | "revokeKey" | "rotateKey" | "touchKeys" | "keyChanges"
>;

const COLUMNS = `id, key_hash, key_prefix, tenant_id, description, rate_limit_rpm, rate_limit_rpd, rate_limit_tpm,
  tokens_per_day, budget_nano_usd, budget_day_nano_usd, concurrency, models, is_active, created_at, expires_at, last_used_at, revoked_at`;
const PLACES = COLUMNS.split(",")
  .map(() => "?")
  .join(", ");

/** Writes a key, over the one with its id if there is one. */
export const keyUpsert = {
  sql: `insert into api_keys (${COLUMNS}) values (${PLACES})
    on conflict (id) do update set (${COLUMNS}) = (${COLUMNS.replaceAll(/\w+/g, (column) => `excluded.${column}`)})`,
  values: toColumns,
};

const NEWEST_FIRST = "order by created_at desc, id desc";

/** The methods of the embedded store that are about keys. */
export function createKeyMethods(sqlite: Sqlite): KeyMethods {
  const insert = sqlite.prepare(`insert into api_keys (${COLUMNS}) values (${PLACES})`);
  const selectById = sqlite.prepare(`select ${COLUMNS} from api_keys where id = ?`);
  const selectByPrefix = sqlite.prepare(
    `select ${COLUMNS} from api_keys where key_prefix >= ?1 and key_prefix < ?1 || char(0x10ffff) ${NEWEST_FIRST}`,
  );
  const selectAll = sqlite.prepare(`select ${COLUMNS} from api_keys ${NEWEST_FIRST}`);
  const selectByTenant = sqlite.prepare(
    `select ${COLUMNS} from api_keys where tenant_id = ? ${NEWEST_FIRST}`,
  );
  const revoke = sqlite.prepare(
    "update api_keys set is_active = 0, revoked_at = ? where id = ? and revoked_at is null",
  );
  const shorten = sqlite.prepare(
    "update api_keys set expires_at = ?1 where id = ?2 and (expires_at is null or expires_at > ?1)",
  );
  const touch = sqlite.prepare(
    "update api_keys set last_used_at = ?1 where id = ?2 and (last_used_at is null or last_used_at < ?1)",
  );
  const dataVersion = sqlite.prepare("pragma data_version");
  const latestVersion = sqlite.prepare(
    "select coalesce(max(version), 0) as version from key_changes",
  );
  const selectChanges = sqlite.prepare(
    `select version, key_id, ${COLUMNS} from key_changes left join api_keys on id = key_id where version > ? order by version`,
  );

  /** What `pragma data_version` said before the last look, and what that look found; undefined after a write of our own. */
  let looked: { readonly data: number; readonly version: number } | undefined;

  const read = <T>(work: () => T): Promise<T> => patiently(sqlite, work);
  const write = <T>(work: () => T): Promise<T> =>
    patiently(sqlite, () => {
      // The pragma moves for the writes of other connections only.
      looked = undefined;
      return sqlite.transaction(work);
    });

  const everyKey = (): KeyChanges => {
    // The version first: what changes between the two reads is then told again, not missed.
    const version = readNumber(latestVersion.get() ?? {}, "version");
    return { version, changed: selectAll.all().map(toKey), removed: [] };
  };
  const changesSince = (since: number): KeyChanges => {
    const rows = selectChanges.all(since);
    const last = rows.at(-1);
    if (last === undefined) {
      const version = readNumber(latestVersion.get() ?? {}, "version");
      return version < since ? everyKey() : { version: since, changed: [], removed: [] };
    }
    return {
      version: readNumber(last, "version"),
      changed: rows.filter((row) => row["id"] !== null).map(toKey),
      removed: rows.filter((row) => row["id"] === null).map((row) => readText(row, "key_id")),
    };
  };

  return {
    async insertKey(key) {
      await write(() => insert.run(...toColumns(key)));
    },
    async findKeys(idOrPrefix) {
      if (idOrPrefix === "") return [];
      return read(() => {
        const byId = selectById.all(idOrPrefix);
        return (byId.length > 0 ? byId : selectByPrefix.all(idOrPrefix)).map(toKey);
      });
    },
    async listKeys({ tenantId }) {
      return read(() =>
        (tenantId === undefined ? selectAll.all() : selectByTenant.all(tenantId)).map(toKey),
      );
    },
    revokeKey(id, at) {
      return write(() => revoke.run(toText(at), id).changes > 0);
    },
    async rotateKey(id, replacement, oldExpiresAt) {
      await write(() => {
        const old = selectById.get(id);
        if (old === null) throw new StoreError(`there is no key ${id}`, { rejected: true });
        if (old["revoked_at"] !== null) {
          throw new StoreError(`key ${id} is revoked: make a new one`, { rejected: true });
        }
        shorten.run(toText(oldExpiresAt), id);
        insert.run(...toColumns(replacement));
      });
    },
    async touchKeys(lastUsed) {
      if (lastUsed.size === 0) return;
      await patiently(sqlite, () =>
        sqlite.transaction(() => {
          for (const [id, at] of lastUsed) touch.run(toText(at), id);
        }),
      );
    },
    async keyChanges(since) {
      return read(() => {
        const data = readNumber(dataVersion.get() ?? {}, "data_version");
        if (since > 0 && looked?.data === data && looked.version === since) {
          return { version: since, changed: [], removed: [] };
        }
        const changes = since > 0 ? changesSince(since) : everyKey();
        looked = { data, version: changes.version };
        return changes;
      });
    },
  };
}

function toColumns(key: KeyRecord): (string | number | null)[] {
  return [
    key.id,
    key.keyHash,
    key.keyPrefix,
    key.tenantId,
    key.description,
    key.rpm,
    key.rpd,
    key.tpm,
    key.tokensPerDay,
    key.budgetNanoUsd,
    key.budgetPerDayNanoUsd,
    key.concurrency,
    key.models === null ? null : JSON.stringify(key.models),
    key.isActive ? 1 : 0,
    toText(key.createdAt),
    key.expiresAt === null ? null : toText(key.expiresAt),
    key.lastUsedAt === null ? null : toText(key.lastUsedAt),
    key.revokedAt === null ? null : toText(key.revokedAt),
  ];
}

function toKey(row: SqliteRow): KeyRecord {
  return {
    id: readText(row, "id"),
    keyHash: readText(row, "key_hash"),
    keyPrefix: readText(row, "key_prefix"),
    tenantId: readText(row, "tenant_id"),
    description: readOptionalText(row, "description"),
    rpm: readOptionalNumber(row, "rate_limit_rpm"),
    rpd: readOptionalNumber(row, "rate_limit_rpd"),
    tpm: readOptionalNumber(row, "rate_limit_tpm"),
    tokensPerDay: readOptionalNumber(row, "tokens_per_day"),
    budgetNanoUsd: readOptionalNumber(row, "budget_nano_usd"),
    budgetPerDayNanoUsd: readOptionalNumber(row, "budget_day_nano_usd"),
    concurrency: readOptionalNumber(row, "concurrency"),
    models: readModels(row),
    isActive: row["is_active"] === 1,
    createdAt: readTime(row, "created_at"),
    expiresAt: readOptionalTime(row, "expires_at"),
    lastUsedAt: readOptionalTime(row, "last_used_at"),
    revokedAt: readOptionalTime(row, "revoked_at"),
  };
}

function readModels(row: SqliteRow): readonly string[] | null {
  const text = readOptionalText(row, "models");
  if (text === null) return null;
  const models: unknown = JSON.parse(text);
  return Array.isArray(models) ? models.map(String) : [];
}
