import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { copyDatabase } from "../../../src/server/store/copy.ts";
import { migrate } from "../../../src/server/store/migrate.ts";
import { openStore } from "../../../src/server/store/open.ts";
import type { Store } from "../../../src/server/store/store.ts";
import { aKey, aRow, DAY, HOUR, NOON, uuid } from "../../contract/records.ts";
import { refusal } from "../../support/rejection.ts";
import { makeDatabase, newestServer, type TestDatabase } from "../../support/postgres.ts";
import { makeEarlierGateway } from "./earlier-gateway.ts";
import { freshDatabase, temporaryFolder } from "./temporary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let database: TestDatabase;
let urls: { readonly sqlite: string; readonly postgres: string };
beforeEach(async () => {
  folder = temporaryFolder();
  database = await makeDatabase(newestServer());
  urls = { sqlite: (await freshDatabase(folder.path)).url, postgres: database.url };
}, 60_000);
afterEach(async () => {
  await database.drop();
  folder.remove();
}, 60_000);

async function using<T>(url: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore(url);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Everything that can be read of a store. */
async function read(url: string): Promise<unknown> {
  return using(url, async (store) => {
    const all = { since: 0, until: Number.POSITIVE_INFINITY };
    const reports = [];
    for (const by of ["day", "model", "key", "tenant", "provider"] as const) {
      reports.push(await store.usageReport({ ...all, by }));
      reports.push(await store.usageReport({ since: NOON, until: NOON + DAY, by }));
    }
    return { keys: await store.listKeys({}), reports };
  });
}

async function fill(url: string): Promise<void> {
  await using(url, async (store) => {
    await store.insertKey(
      aKey(1, { models: ["a", "b*"], budgetNanoUsd: 5, description: "it's one" }),
    );
    await store.insertKey(aKey(2, { isActive: false, revokedAt: NOON, lastUsedAt: NOON }));
    await store.recordUsage(
      Array.from({ length: 5_000 }, (_, index) =>
        aRow(index, {
          // Thousands in the same millisecond, and so on both sides of a page's border.
          createdAt: NOON + Math.floor(index / 2_400) * HOUR * 13,
          apiKeyId: uuid(index % 3),
          status: index % 7 === 0 ? "lost" : "ok",
          errorMessage: index % 7 === 0 ? "died ☕" : null,
          timeToFirstTokenMs: index % 2 === 0 ? null : index,
          estimated: index % 5 === 0,
          stream: index % 2 === 0,
          costNanoUsd: index,
        }),
      ),
    );
  });
}

describe.each(["sqlite", "postgres"] as const)("from %s", (kind) => {
  const other = kind === "sqlite" ? "postgres" : "sqlite";

  test("everything arrives, and a second run has nothing to do", async () => {
    await fill(urls[kind]);
    const told: [string, number][] = [];
    const first = await copyDatabase(urls[kind], urls[other], (...day) => told.push(day));
    expect(first).toEqual({
      keys: { copied: 2, unchanged: 0 },
      days: { copied: 2, unchanged: 0 },
      rows: 5_000,
      otherTotals: { rows: 0, tokens: 0 },
      requests: { from: 5_000, to: 5_000 },
    });
    expect(told).toEqual([
      ["2026-05-15", 2_400],
      ["2026-05-16", 2_600],
    ]);
    expect(await read(urls[other])).toEqual(await read(urls[kind]));
    expect(await copyDatabase(urls[kind], urls[other])).toMatchObject({
      keys: { copied: 0, unchanged: 2 },
      days: { copied: 0, unchanged: 2 },
      rows: 0,
    });
    // And back to where it came from: it is all there.
    expect(await copyDatabase(urls[other], urls[kind])).toMatchObject({
      keys: { copied: 0 },
      days: { copied: 0 },
    });
  }, 60_000);

  test("what was broken off or has come since is copied by the next run", async () => {
    await fill(urls[kind]);
    await using(urls[other], (store) =>
      store.recordUsage([aRow(0, { createdAt: NOON, apiKeyId: uuid(0), costNanoUsd: 0 })]),
    );
    await copyDatabase(urls[kind], urls[other]);
    await using(urls[kind], async (store) => {
      await store.revokeKey(uuid(1), NOON + HOUR);
      await store.insertKey(aKey(3));
      await store.recordUsage([aRow(9_000, { createdAt: NOON + 9 * DAY })]);
    });
    await using(urls[other], (store) => store.touchKeys(new Map([[uuid(2), NOON + DAY]])));
    expect(await copyDatabase(urls[kind], urls[other])).toMatchObject({
      keys: { copied: 2, unchanged: 1 },
      days: { copied: 1, unchanged: 2 },
      rows: 1,
    });
    await using(urls[other], async (store) => {
      expect(await store.findKeys(uuid(1))).toMatchObject([{ revokedAt: NOON + HOUR }]);
      expect(await store.findKeys(uuid(2))).toMatchObject([{ lastUsedAt: NOON + DAY }]);
    });
  }, 60_000);

  test("usage that the target has of its own stays", async () => {
    await fill(urls[kind]);
    await using(urls[other], (store) => store.recordUsage([aRow(8_000), aRow(8_001)]));
    expect(await copyDatabase(urls[kind], urls[other])).toMatchObject({
      requests: { from: 5_000, to: 5_002 },
    });
  }, 60_000);

  test("days whose rows are gone arrive with their totals", async () => {
    await fill(urls[kind]);
    await using(urls[kind], (store) => store.pruneUsage(NOON + 12 * HOUR));
    const before = await read(urls[kind]);
    expect(await copyDatabase(urls[kind], urls[other])).toMatchObject({ rows: 2_600 });
    expect(await read(urls[other])).toEqual(before);
    expect(await copyDatabase(urls[kind], urls[other])).toMatchObject({
      days: { copied: 0, unchanged: 2 },
    });
  }, 60_000);

  test("a database is not copied to itself", async () => {
    expect(await refusal(copyDatabase(urls[kind], urls[kind]))).toContain("to itself");
  });
});

test("total_tokens of an earlier gateway that are no sums stay in the totals of days, and the rows' loss is told", async () => {
  const earlier = await makeDatabase(newestServer(), "empty");
  await makeEarlierGateway(earlier, 3_000);
  // As the database of an earlier gateway may have it: nothing was added up.
  await earlier.sql("update usage_logs set total_tokens = 0 where request_id = 'request-7'");
  await migrate(earlier.url);
  const all = { since: 0, until: Number.POSITIVE_INFINITY };
  const tokensOf = (url: string) =>
    using(url, async (store) => {
      const reports = [];
      for (const by of ["day", "model", "tenant"] as const) {
        const report = await store.usageReport({ ...all, by });
        reports.push(
          new Map(report.map(({ group, totalTokens }): [string, number] => [group, totalTokens])),
        );
      }
      return reports;
    });
  const wanted = await tokensOf(earlier.url);
  for (const target of [urls.sqlite, urls.postgres]) {
    expect(await copyDatabase(earlier.url, target)).toMatchObject({
      rows: 3_000,
      otherTotals: { rows: 300, tokens: 1_500 },
    });
    expect(await tokensOf(target)).toEqual(wanted);
    expect(await copyDatabase(earlier.url, target)).toMatchObject({
      days: { copied: 0 },
      otherTotals: { rows: 0, tokens: 0 },
    });
  }
  // And on from there, where only the totals know.
  const third = await makeDatabase(newestServer());
  expect(await copyDatabase(urls.sqlite, third.url)).toMatchObject({
    rows: 3_000,
    otherTotals: { rows: 0, tokens: 0 },
  });
  expect(await tokensOf(third.url)).toEqual(wanted);
  await Promise.all([earlier.drop(), third.drop()]);
}, 60_000);

test("names of models too long for the target are cut, and the books hold as much as before", async () => {
  const begin = "🙂".repeat(255);
  const names = [begin, `${begin}one`, `${begin}two`];
  const rows = [...names, ...names].map((logicalModel, at) =>
    aRow(at, { logicalModel, createdAt: NOON + ((at % 3) % 2) * DAY }),
  );
  await using(urls.sqlite, async (store) => {
    await store.recordUsage(rows);
    await store.pruneUsage(NOON + 12 * HOUR);
  });
  expect(await copyDatabase(urls.sqlite, urls.postgres)).toMatchObject({
    rows: 2,
    requests: { from: 6, to: 6 },
  });
  await using(urls.postgres, async (store) => {
    const all = { since: 0, until: Number.POSITIVE_INFINITY, by: "model" } as const;
    expect(await store.usageReport(all)).toMatchObject([{ group: begin, requests: 6 }]);
  });
  expect(await copyDatabase(urls.sqlite, urls.postgres)).toMatchObject({ days: { copied: 0 } });
}, 60_000);

test("times of the earlier gateway, finer than a millisecond, are no trouble", async () => {
  const earlier = await makeDatabase(newestServer(), "empty");
  await makeEarlierGateway(earlier, 3_000);
  await earlier.sql("update usage_logs set created_at = '2025-05-01 10:00:00.123456+00'");
  await migrate(earlier.url);
  expect(await copyDatabase(earlier.url, urls.sqlite)).toMatchObject({
    keys: { copied: 3 },
    rows: 3_000,
  });
  await earlier.drop();
}, 60_000);

test("a place that is not there is refused", async () => {
  const missing = `sqlite:${join(folder.path, "missing.db")}`;
  expect(await refusal(copyDatabase(missing, urls.postgres))).toContain("does not exist");
});
