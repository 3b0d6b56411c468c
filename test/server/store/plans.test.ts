/**
 * How each hot query finds its rows, on both stores: by an index, or by all of a table where all of it is asked for. A plan is that
 * of the very statement that the store runs.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import type postgres from "postgres";
import { createAnswerMethods } from "../../../src/server/store/embedded/answers.ts";
import { createKeyMethods } from "../../../src/server/store/embedded/keys.ts";
import { openSqlite, type Sqlite } from "../../../src/server/store/embedded/sqlite.ts";
import { createUsageMethods } from "../../../src/server/store/embedded/usage.ts";
import { createPostgresAnswerMethods } from "../../../src/server/store/postgres/answers.ts";
import { openPostgres } from "../../../src/server/store/postgres/connection.ts";
import { createPostgresKeyMethods } from "../../../src/server/store/postgres/keys.ts";
import { createPostgresUsageMethods } from "../../../src/server/store/postgres/usage.ts";
import type { Store } from "../../../src/server/store/store.ts";
import { aRow, DAY, HOUR, NOON, uuid } from "../../contract/records.ts";
import { makeDatabase, testServers } from "../../support/postgres.ts";
import { freshDatabase, temporaryFolder } from "./temporary.ts";

/** The words of each plan, one a statement, by what was asked. */
type Plans = Record<string, string[]>;
type Asked = Pick<
  Store,
  | "findKeys"
  | "listKeys"
  | "keyChanges"
  | "touchKeys"
  | "revokeKey"
  | "recordUsage"
  | "usageReport"
  | "usageTotals"
  | "pruneUsage"
  | "claimAnswer"
>;

const KEYS = 50_000;
const DAYS = 60;

/** Keys of which the number is the id, as a statement for either database. */
const fillKeys = (numbers: string, id: string, createdAt: string): string =>
  `insert into api_keys (id, key_hash, key_prefix, tenant_id, created_at)
  select ${id}, 'hash-' || n, 'XJP_' || n, 'tenant-' || (n % 1000), ${createdAt} from (${numbers}) as numbers`;

const fillAnswers = (numbers: string, expiresAt: string): string =>
  `insert into idempotent_answers (id, fingerprint, answer, size, expires_at)
  select 'answer-' || n, 'f', '{}', 2, ${expiresAt} from (${numbers}) as numbers`;

const CLAIM = { id: "answer-7", fingerprint: "f", holder: "me", now: NOON, until: NOON + HOUR };

async function fillUsage(store: Asked): Promise<void> {
  for (let day = 0; day < DAYS; day++) {
    await store.recordUsage(
      Array.from({ length: 300 }, (_, index) =>
        aRow(day * 300 + index, {
          createdAt: NOON - day * DAY + (index - 150) * 60_000,
          apiKeyId: uuid(index),
          tenantId: `tenant-${index % 100}`,
        }),
      ),
    );
  }
}

const DAYS_OF_A_WEEK = { since: NOON - 10 * DAY + 12 * HOUR, until: NOON - 3 * DAY + 12 * HOUR };
const PARTS_OF_DAYS = { since: NOON - 3 * DAY, until: NOON - DAY };

/** Everything that runs often, or over much. What is asked for a whole table is not here: every key at a start. */
const QUERIES: Record<string, (store: Asked) => Promise<unknown>> = {
  "a key by its id": (store) => store.findKeys(uuid(7)),
  "keys by their prefix": (store) => store.findKeys("XJP_4700"),
  "keys of a tenant": (store) => store.listKeys({ tenantId: "tenant-7" }),
  "changes of keys": (store) => store.keyChanges(KEYS - 1),
  "last uses": (store) => store.touchKeys(new Map([[uuid(7), NOON + 1]])),
  revocation: (store) => store.revokeKey(uuid(8), NOON),
  "a report of whole days": (store) => store.usageReport({ ...DAYS_OF_A_WEEK, by: "model" }),
  "a report of a tenant": (store) =>
    store.usageReport({ ...DAYS_OF_A_WEEK, by: "day", tenantId: "tenant-7" }),
  "a report of parts of days": (store) => store.usageReport({ ...PARTS_OF_DAYS, by: "key" }),
  "totals of today": (store) => store.usageTotals(NOON - 12 * HOUR),
  "an answer that was kept": (store) => store.claimAnswer(CLAIM),
  retention: (store) => store.pruneUsage(NOON - (DAYS - 1) * DAY - HOUR),
};

async function plansOf(store: Asked, take: () => Promise<string[]>): Promise<Plans> {
  const plans: Plans = {};
  await take();
  for (const [name, ask] of Object.entries(QUERIES)) {
    await ask(store);
    plans[name] = await take();
  }
  return plans;
}

test("the embedded store reads by indexes", async () => {
  const folder = temporaryFolder();
  const { path } = await freshDatabase(folder.path);
  const sqlite = openSqlite(path, "write");
  const ran = new Set<string>();
  const listening: Sqlite = {
    ...sqlite,
    get isClosed() {
      return sqlite.isClosed;
    },
    prepare(sql) {
      const statement = sqlite.prepare(sql);
      return new Proxy(statement, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== "function") return value;
          return (...values: unknown[]): unknown => {
            if (name === "all" || name === "get" || name === "run") ran.add(sql);
            return Reflect.apply(value, target, values);
          };
        },
      });
    },
  };
  const store = {
    ...createKeyMethods(listening),
    ...createUsageMethods(listening),
    ...createAnswerMethods(listening),
  };
  const explaining = new Database(path);
  explaining.run(
    fillKeys(
      `with recursive c (n) as (select 0 union all select n + 1 from c where n < ${KEYS - 1}) select n from c`,
      "printf('00000000-0000-4000-8000-%012d', n)",
      "'2026-01-01T00:00:00.000Z'",
    ),
  );
  explaining.run(
    fillAnswers(
      `with recursive c (n) as (select 0 union all select n + 1 from c where n < 20000) select n from c`,
      "'2027-01-01T00:00:00.000Z'",
    ),
  );
  await fillUsage(store);
  explaining.run("analyze");
  const plans = await plansOf(store, async () => {
    const texts = [...ran].map((sql) =>
      explaining
        .query<{ detail: string }, []>(`explain query plan ${sql}`)
        .all()
        .map(({ detail }) => detail)
        .filter((detail) => /^(?:SCAN|SEARCH)/.test(detail))
        .join("; "),
    );
    ran.clear();
    return texts.filter((text) => text !== "");
  });
  explaining.close();
  sqlite.close();
  folder.remove();
  expect(Object.values(plans).every((texts) => texts.length > 0)).toBe(true);
  expect(JSON.stringify(plans)).not.toMatch(
    /SCAN (?:api_keys|usage_logs|usage_daily|key_changes|idempotent_answers)/,
  );
  expect(plans).toMatchSnapshot();
}, 60_000);

describe.each(testServers().map((server) => [server.name, server] as const))("%s", (_, server) => {
  test("the store reads by indexes", async () => {
    const database = await makeDatabase(server);
    const opened = openPostgres(database.url, 2);
    const ran: postgres.PendingQuery<postgres.Row[]>[] = [];
    const sql = listen(opened.sql, (query) => ran.push(query));
    const store = {
      ...createPostgresKeyMethods({ ...opened, sql }),
      ...createPostgresUsageMethods({ ...opened, sql }),
      ...createPostgresAnswerMethods({ ...opened, sql }),
    };
    await database.sql(
      fillKeys(
        `select generate_series(0, ${KEYS - 1}) as n`,
        "('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid",
        "'2026-01-01T00:00:00.000Z'::timestamptz",
      ),
    );
    await database.sql(
      fillAnswers(
        "select generate_series(0, 20000) as n",
        "'2027-01-01T00:00:00.000Z'::timestamptz",
      ),
    );
    await fillUsage(store);
    await database.sql("analyze");
    const plans = await plansOf(store, async () => {
      const texts: string[] = [];
      for (const query of ran.splice(0)) {
        const rows = await opened.sql`explain (costs off) ${query}`;
        const lines = rows.map((row) => String(row["QUERY PLAN"]).trim());
        texts.push(lines.filter((line) => / (?:Scan|Seek)\b/.test(line)).join("; "));
      }
      return texts;
    });
    await opened.sql.end();
    await database.drop();
    expect(Object.values(plans).every((texts) => texts.length > 0)).toBe(true);
    expect(JSON.stringify(plans)).not.toMatch(
      /Seq Scan on (?:api_keys|usage_logs_2|usage_daily|key_changes|idempotent_answers)/,
    );
    expect(JSON.stringify(plans)).toMatch(/Index (?:Only )?Scan/);
  }, 120_000);
});

const STATEMENT = /^\s*(?:select|insert|update|delete|with)\b/;

/** The same client, which tells of each statement that is made with it. */
function listen<Client extends postgres.Sql | postgres.TransactionSql>(
  client: Client,
  tell: (query: postgres.PendingQuery<postgres.Row[]>) => void,
): Client {
  return new Proxy(client, {
    apply(target, self, values: unknown[]) {
      const [strings] = values;
      const query: unknown = Reflect.apply(target, self, values);
      if (Array.isArray(strings) && "raw" in strings && STATEMENT.test(String(strings[0]))) {
        // Made once more: one that ran cannot be a part of another.
        tell(Reflect.apply(target, self, values));
      }
      return query;
    },
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== "begin" || typeof value !== "function") return value;
      return (options: string, work: (sql: postgres.TransactionSql) => unknown): unknown =>
        Reflect.apply(value, target, [
          options,
          (inner: postgres.TransactionSql) => work(listen(inner, tell)),
        ]);
    },
  });
}
