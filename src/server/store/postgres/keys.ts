import type postgres from "postgres";
import { type KeyChanges, type KeyRecord, type Store, StoreError } from "../store.ts";
import type { Postgres } from "./connection.ts";

type KeyMethods = Pick<
  Store,
  | "insertKey"
  | "findKeys"
  | "listKeys"
  | "revokeKey"
  | "rotateKey"
  | "touchKeys"
  | "keyChanges"
  | "watchKeys"
>;

type Runner = postgres.Sql | postgres.TransactionSql;

const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;
/** The channel that the triggers of migration 0001 notify. */
const CHANNEL = "xjp_keys";

/** The methods of the PostgreSQL store that are about keys. */
export function createPostgresKeyMethods({ sql, run, address }: Postgres): KeyMethods {
  const columns = sql`id, key_hash, key_prefix, tenant_id, description, rate_limit_rpm, rate_limit_rpd, rate_limit_tpm,
    tokens_per_day, budget_nano_usd, budget_day_nano_usd, concurrency, models, is_active, created_at, expires_at, last_used_at, revoked_at`;
  const newestFirst = sql`order by created_at desc, id desc`;

  const latestVersion = async (): Promise<number> => {
    const [row] = await sql`select coalesce(max(version), 0) as version from key_changes`;
    return Number(row?.["version"]);
  };
  const everyKey = async (): Promise<KeyChanges> => {
    // The version first: what changes between the two reads is then told again, not missed.
    const version = await latestVersion();
    const rows = await sql`select ${columns} from api_keys ${newestFirst}`;
    return { version, changed: rows.map(toKey), removed: [] };
  };
  const changesSince = async (since: number): Promise<KeyChanges> => {
    const rows = await sql`
      select c.version, c.key_id, k.* from key_changes c left join api_keys k on k.id = c.key_id
      where c.version > ${since} order by c.version`;
    const last = rows.at(-1);
    if (last === undefined) {
      const version = await latestVersion();
      return version < since ? everyKey() : { version: since, changed: [], removed: [] };
    }
    return {
      version: Number(last["version"]),
      changed: rows.filter((row) => row["id"] !== null).map(toKey),
      removed: rows.filter((row) => row["id"] === null).map((row) => String(row["key_id"])),
    };
  };

  return {
    insertKey: (key) => run(() => insert(sql, key)),
    findKeys: (idOrPrefix) =>
      run(async () => {
        if (idOrPrefix === "") return [];
        if (UUID.test(idOrPrefix)) {
          const byId = await sql`select ${columns} from api_keys where id = ${idOrPrefix}`;
          return byId.map(toKey);
        }
        const found = await sql`
          select ${columns} from api_keys
          where key_prefix collate "C" >= ${idOrPrefix} and key_prefix collate "C" < ${idOrPrefix} || chr(1114111)
            and key_prefix <> '' ${newestFirst}`;
        return found.map(toKey);
      }),
    listKeys: ({ tenantId }) =>
      run(async () => {
        const where = tenantId === undefined ? sql`` : sql`where tenant_id = ${tenantId}`;
        const rows = await sql`select ${columns} from api_keys ${where} ${newestFirst}`;
        return rows.map(toKey);
      }),
    revokeKey: (id, at) =>
      run(async () => {
        if (!UUID.test(id)) return false;
        const { count } = await sql`
          update api_keys set is_active = false, revoked_at = ${new Date(at)} where id = ${id} and revoked_at is null`;
        return count > 0;
      }),
    rotateKey: (id, replacement, oldExpiresAt) =>
      run(async () => {
        await sql.begin(async (transaction) => {
          const [old] = UUID.test(id)
            ? await transaction`select revoked_at from api_keys where id = ${id} for update`
            : [];
          if (!old) throw new StoreError(`there is no key ${id}`, { rejected: true });
          if (old["revoked_at"] !== null) {
            throw new StoreError(`key ${id} is revoked: make a new one`, { rejected: true });
          }
          await transaction`
            update api_keys set expires_at = least(expires_at, ${new Date(oldExpiresAt)}) where id = ${id}`;
          await insert(transaction, replacement);
        });
      }),
    touchKeys: (lastUsed) =>
      run(async () => {
        if (lastUsed.size === 0) return;
        // In one order everywhere, so that two gateways cannot wait for each other.
        const rows = [...lastUsed]
          .map(([id, at]) => ({ id, at: new Date(at).toISOString() }))
          .toSorted((a, b) => (a.id < b.id ? -1 : 1));
        await sql`
          update api_keys k set last_used_at = t.at
          from (
            select k.id, t.at from jsonb_to_recordset(${sql.json(rows)}) as t (id uuid, at timestamptz)
            join api_keys k on k.id = t.id
            where k.last_used_at is null or k.last_used_at < t.at order by k.id for update of k
          ) t where k.id = t.id`;
      }),
    keyChanges: (since) => run(() => (since > 0 ? changesSince(since) : everyKey())),
    // A notification goes to the connection that asked for it, which with a pooler is nobody's.
    ...(address.isPooled
      ? {}
      : {
          watchKeys: (onChange: () => void) =>
            run(async () => {
              // Also when the connection has been lost and is there again: something may have been missed.
              const listening = await sql.listen(CHANNEL, onChange, onChange);
              return () => listening.unlisten();
            }),
        }),
  };
}

async function insert(on: Runner, key: KeyRecord): Promise<void> {
  await on`insert into api_keys ${on(toColumns(key))}`;
}

/** Writes a key, over the one with its id if there is one. */
export async function upsertKey(sql: postgres.Sql, key: KeyRecord): Promise<void> {
  const columns = toColumns(key);
  await sql`insert into api_keys ${sql(columns)} on conflict (id) do update set ${sql(columns)}`;
}

function toColumns(key: KeyRecord) {
  return {
    id: key.id,
    key_hash: key.keyHash,
    key_prefix: key.keyPrefix,
    tenant_id: key.tenantId,
    description: key.description,
    rate_limit_rpm: key.rpm,
    rate_limit_rpd: key.rpd,
    rate_limit_tpm: key.tpm,
    tokens_per_day: key.tokensPerDay,
    budget_nano_usd: key.budgetNanoUsd,
    budget_day_nano_usd: key.budgetPerDayNanoUsd,
    concurrency: key.concurrency,
    models: key.models === null ? null : [...key.models],
    is_active: key.isActive,
    created_at: new Date(key.createdAt),
    expires_at: toDate(key.expiresAt),
    last_used_at: toDate(key.lastUsedAt),
    revoked_at: toDate(key.revokedAt),
  };
}

function toDate(time: number | null): Date | null {
  return time === null ? null : new Date(time);
}

function toKey(row: postgres.Row): KeyRecord {
  return {
    id: String(row["id"]),
    keyHash: String(row["key_hash"]),
    keyPrefix: String(row["key_prefix"]),
    tenantId: String(row["tenant_id"]),
    description: row["description"] === null ? null : String(row["description"]),
    rpm: toNumber(row["rate_limit_rpm"]),
    rpd: toNumber(row["rate_limit_rpd"]),
    tpm: toNumber(row["rate_limit_tpm"]),
    tokensPerDay: toNumber(row["tokens_per_day"]),
    budgetNanoUsd: toNumber(row["budget_nano_usd"]),
    budgetPerDayNanoUsd: toNumber(row["budget_day_nano_usd"]),
    concurrency: toNumber(row["concurrency"]),
    models: Array.isArray(row["models"]) ? row["models"].map(String) : null,
    isActive: row["is_active"] === true,
    createdAt: toTime(row["created_at"]) ?? 0,
    expiresAt: toTime(row["expires_at"]),
    lastUsedAt: toTime(row["last_used_at"]),
    revokedAt: toTime(row["revoked_at"]),
  };
}

/** Eight-byte integers arrive as text. */
function toNumber(value: unknown): number | null {
  return value === null ? null : Number(value);
}

function toTime(value: unknown): number | null {
  return value instanceof Date ? value.getTime() : null;
}
