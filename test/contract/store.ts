/** What every store does alike. One suite, run on each: `storeContract("embedded store", …)`. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  type KeyTotals,
  type Store,
  StoreError,
  type UsageQuery,
} from "../../src/server/store/store.ts";
import { aKey, aRow, DAY, HOUR, NOON, uuid } from "./records.ts";
import { rejection } from "../support/rejection.ts";

export type FreshStore = {
  /** On a migrated database without rows. */
  readonly store: Store;
  /** One more connection to the same database. */
  open(): Promise<Store>;
  /** Runs a statement by hand, past every store. */
  sql(statement: string): Promise<void>;
  close(): Promise<void>;
};

export function storeContract(name: string, openFresh: () => Promise<FreshStore>): void {
  let fresh: FreshStore;
  let store: Store;
  beforeEach(async () => {
    fresh = await openFresh();
    store = fresh.store;
  });
  afterEach(() => fresh.close());

  describe(`${name}: keys`, () => {
    test("a key comes back as it was stored", async () => {
      const bare = aKey(1);
      const full = aKey(2, {
        tenantId: "Ä ☕ 租户 'quoted' \"twice\" -- x",
        description: "für Prüfungen\n🚀 %_",
        rpm: 0,
        rpd: 1,
        tpm: 2_147_483_648,
        tokensPerDay: 5_000_000_000,
        budgetNanoUsd: Number.MAX_SAFE_INTEGER,
        budgetPerDayNanoUsd: 25_000_000_000,
        concurrency: 7,
        models: ["fast", "openrouter/*", "名前"],
        isActive: false,
        expiresAt: NOON + 1,
        lastUsedAt: NOON + 2,
        revokedAt: NOON + 3,
      });
      await store.insertKey(bare);
      await store.insertKey(full);
      expect(await store.findKeys(bare.id)).toEqual([bare]);
      expect(await store.findKeys(full.id)).toEqual([full]);
    });

    test("an empty list of models stays apart from no list", async () => {
      await store.insertKey(aKey(1, { models: [] }));
      expect((await store.findKeys(uuid(1)))[0]?.models).toEqual([]);
    });

    test("a second key with the same hash is refused and leaves nothing", async () => {
      await store.insertKey(aKey(1));
      const twin = aKey(2, { keyHash: aKey(1).keyHash });
      expect(await rejection(store.insertKey(twin))).toMatchObject({ rejected: true });
      expect(await store.listKeys({})).toEqual([aKey(1)]);
    });

    test("keys are found by id, and by the beginning of their prefix, newest first", async () => {
      await store.insertKey(aKey(1, { keyPrefix: "XJP_abcdefgh" }));
      await store.insertKey(aKey(2, { keyPrefix: "XJP_abcdXYZ_" }));
      await store.insertKey(aKey(3, { keyPrefix: "XJP_zzzzzzzz" }));
      expect(ids(await store.findKeys(uuid(3)))).toEqual([3]);
      expect(ids(await store.findKeys("XJP_abcd"))).toEqual([2, 1]);
      expect(ids(await store.findKeys("XJP_abcde"))).toEqual([1]);
      expect(ids(await store.findKeys("XJP_abcdXYZ_"))).toEqual([2]);
      expect(await store.findKeys("XJP_abcdefghi")).toEqual([]);
      expect(await store.findKeys("xjp_abcd")).toEqual([]);
    });

    test("a prefix is taken literally", async () => {
      await store.insertKey(aKey(1, { keyPrefix: "XJP_a_cdefgh" }));
      await store.insertKey(aKey(2, { keyPrefix: "XJP_abcdefgh" }));
      expect(ids(await store.findKeys("XJP_a_"))).toEqual([1]);
      expect(await store.findKeys("XJP_%")).toEqual([]);
      expect(await store.findKeys("*")).toEqual([]);
      expect(await store.findKeys("' or true --")).toEqual([]);
    });

    test("keys without a printed prefix are found by id only", async () => {
      await store.insertKey(aKey(1, { keyPrefix: "" }));
      expect(await store.findKeys("")).toEqual([]);
      expect(await store.findKeys("XJP_")).toEqual([]);
      expect(ids(await store.findKeys(uuid(1)))).toEqual([1]);
    });

    test("keys are listed newest first, all or of one tenant", async () => {
      await store.insertKey(aKey(1, { tenantId: "café", createdAt: NOON }));
      await store.insertKey(aKey(2, { createdAt: NOON - DAY }));
      await store.insertKey(aKey(3, { tenantId: "café", createdAt: NOON + DAY }));
      expect(ids(await store.listKeys({}))).toEqual([3, 1, 2]);
      expect(ids(await store.listKeys({ tenantId: "café" }))).toEqual([3, 1]);
      expect(ids(await store.listKeys({ tenantId: "CAFÉ" }))).toEqual([]);
      expect(ids(await store.listKeys({ tenantId: "cafe\u0301" }))).toEqual([]);
    });

    test("a key is revoked once", async () => {
      await store.insertKey(aKey(1));
      expect(await store.revokeKey(uuid(1), NOON + HOUR)).toBe(true);
      expect(await store.revokeKey(uuid(1), NOON + DAY)).toBe(false);
      expect(await store.revokeKey(uuid(9), NOON)).toBe(false);
      expect(await store.findKeys(uuid(1))).toEqual([
        aKey(1, { isActive: false, revokedAt: NOON + HOUR }),
      ]);
    });

    test("a rotated key lives on for the grace it is given", async () => {
      await store.insertKey(aKey(1));
      await store.rotateKey(uuid(1), aKey(2), NOON + HOUR);
      expect(await store.listKeys({})).toEqual([aKey(2), aKey(1, { expiresAt: NOON + HOUR })]);
    });

    test("a rotated key never lives longer than it would have", async () => {
      await store.insertKey(aKey(1, { expiresAt: NOON + HOUR }));
      await store.rotateKey(uuid(1), aKey(2), NOON + DAY);
      expect((await store.findKeys(uuid(1)))[0]?.expiresAt).toBe(NOON + HOUR);
    });

    test("rotating a key that is revoked or unknown, or to a taken hash, changes nothing", async () => {
      await store.insertKey(aKey(1));
      await store.insertKey(aKey(2, { isActive: false, revokedAt: NOON }));
      const before = await store.listKeys({});
      const twin = aKey(4, { keyHash: aKey(2).keyHash });
      expect(await rejection(store.rotateKey(uuid(9), aKey(3), NOON))).toBeInstanceOf(StoreError);
      expect(await rejection(store.rotateKey(uuid(2), aKey(3), NOON))).toBeInstanceOf(StoreError);
      expect(await rejection(store.rotateKey(uuid(1), twin, NOON))).toBeInstanceOf(StoreError);
      expect(await store.listKeys({})).toEqual(before);
    });

    test("the last use only moves forward", async () => {
      await store.insertKey(aKey(1));
      await store.insertKey(aKey(2, { lastUsedAt: NOON }));
      await store.touchKeys(
        new Map([
          [uuid(1), NOON],
          [uuid(2), NOON - 1],
          [uuid(9), NOON],
        ]),
      );
      await store.touchKeys(new Map([[uuid(2), NOON + 1]]));
      await store.touchKeys(new Map());
      const lastUsed = (await store.listKeys({})).map((key) => key.lastUsedAt);
      expect(lastUsed).toEqual([NOON + 1, NOON]);
    });
  });

  describe(`${name}: changes of keys`, () => {
    test("since 0 gives every key, and nothing more until something changes", async () => {
      expect((await store.keyChanges(0)).changed).toEqual([]);
      await store.insertKey(aKey(1));
      await store.insertKey(aKey(2));
      const all = await store.keyChanges(0);
      expect(ids(all.changed)).toEqual([2, 1]);
      const none = { version: all.version, changed: [], removed: [] };
      expect(await store.keyChanges(all.version)).toEqual(none);
      expect(await store.keyChanges(all.version)).toEqual(none);
      expect(ids((await store.keyChanges(0)).changed)).toEqual([2, 1]);
    });

    test("every way to change a key is told, by the same and by another connection", async () => {
      const other = await fresh.open();
      for (const writer of [store, other]) {
        const number = writer === store ? 10 : 20;
        let { version } = await store.keyChanges(0);
        const next = async () => {
          const changes = await store.keyChanges(version);
          expect(changes.version).toBeGreaterThan(version);
          version = changes.version;
          return changes;
        };
        await writer.insertKey(aKey(number));
        expect((await next()).changed).toEqual([aKey(number)]);
        await writer.rotateKey(uuid(number), aKey(number + 1), NOON + DAY);
        expect(ids((await next()).changed)).toEqual([number, number + 1]);
        await writer.revokeKey(uuid(number), NOON);
        expect((await next()).changed).toMatchObject([{ id: uuid(number), isActive: false }]);
        expect((await store.keyChanges(version)).changed).toEqual([]);
      }
      await other.close();
    });

    test("edits and deletes by hand are told", async () => {
      await store.insertKey(aKey(1));
      await store.insertKey(aKey(2));
      const { version } = await store.keyChanges(0);
      await fresh.sql(`update api_keys set rate_limit_rpm = 7 where id = '${uuid(1)}'`);
      await fresh.sql(`delete from api_keys where id = '${uuid(2)}'`);
      const changes = await store.keyChanges(version);
      expect(changes.changed).toEqual([aKey(1, { rpm: 7 })]);
      expect(changes.removed).toEqual([uuid(2)]);
      expect(ids((await store.keyChanges(0)).changed)).toEqual([1]);
    });

    test("a key that gets another id is told as one gone and one new", async () => {
      await store.insertKey(aKey(1));
      const { version } = await store.keyChanges(0);
      await fresh.sql(`update api_keys set id = '${uuid(2)}' where id = '${uuid(1)}'`);
      const changes = await store.keyChanges(version);
      expect(ids(changes.changed)).toEqual([2]);
      expect(changes.removed).toEqual([uuid(1)]);
    });

    test("a key that changed twice is told once, as it is now", async () => {
      await store.insertKey(aKey(1));
      const { version } = await store.keyChanges(0);
      await fresh.sql(`update api_keys set rate_limit_rpm = 7`);
      await fresh.sql(`update api_keys set rate_limit_rpm = 8`);
      expect((await store.keyChanges(version)).changed).toEqual([aKey(1, { rpm: 8 })]);
    });

    test("being used is no change", async () => {
      await store.insertKey(aKey(1));
      const { version } = await store.keyChanges(0);
      await store.touchKeys(new Map([[uuid(1), NOON]]));
      await store.recordUsage([aRow(1)]);
      expect(await store.keyChanges(version)).toEqual({ version, changed: [], removed: [] });
    });

    test("a version newer than the store's gives every key and the store's own version", async () => {
      await store.insertKey(aKey(1));
      const { version } = await store.keyChanges(0);
      expect(await store.keyChanges(version + 100)).toEqual({
        version,
        changed: [aKey(1)],
        removed: [],
      });
    });
  });

  describe(`${name}: usage`, () => {
    const all = { since: NOON - 400 * DAY, until: NOON + 400 * DAY };
    const report = (query: Partial<UsageQuery>) =>
      store.usageReport({ ...all, by: "tenant", ...query });

    test("a report adds up every column", async () => {
      await store.recordUsage([
        aRow(1, { cacheReadTokens: 4, reasoningTokens: 3, costNanoUsd: 7, latencyMs: 100 }),
        aRow(2, { inputTokens: 90, outputTokens: 45, estimated: true, latencyMs: 200 }),
        aRow(3, { status: "failed", statusCode: 502, latencyMs: 600 }),
        aRow(4, { status: "cut", latencyMs: 100 }),
        aRow(5, { status: "cancelled", statusCode: 499, latencyMs: 0 }),
        aRow(6, { status: "lost", statusCode: 500, latencyMs: 200 }),
      ]);
      expect(await report({})).toEqual([
        {
          group: "acme",
          requests: 6,
          errors: 3,
          inputTokens: 140,
          outputTokens: 70,
          cacheReadTokens: 4,
          reasoningTokens: 3,
          totalTokens: 210,
          estimatedRequests: 1,
          costNanoUsd: 5_007,
          averageLatencyMs: 200,
        },
      ]);
    });

    test("the same rows again, in another batch or the same, change nothing", async () => {
      await store.recordUsage([aRow(1), aRow(2)]);
      await store.recordUsage([aRow(2, { costNanoUsd: 9 }), aRow(3), aRow(3)]);
      await store.recordUsage([]);
      expect(await report({})).toMatchObject([{ requests: 3, costNanoUsd: 3_000 }]);
    });

    test("many rows at once, some of them again, count once each", async () => {
      const many = Array.from({ length: 130 }, (_, number) => aRow(number));
      await store.recordUsage(many.slice(0, 60));
      await store.recordUsage([...many.slice(40), aRow(77), aRow(129)]);
      expect(await report({})).toMatchObject([{ requests: 130, costNanoUsd: 130_000 }]);
      const bad = [
        ...Array.from({ length: 60 }, (_, number) => aRow(200 + number)),
        aRow(300, { latencyMs: Number.NaN }),
      ];
      expect(await rejection(store.recordUsage(bad))).toMatchObject({ rejected: true });
      expect(await report({})).toMatchObject([{ requests: 130 }]);
    });

    test("a batch with a row that cannot be stored is refused whole", async () => {
      const bad = aRow(2, { inputTokens: Number.NaN });
      expect(await rejection(store.recordUsage([aRow(1), bad]))).toMatchObject({ rejected: true });
      const never = aRow(3, { createdAt: Number.NaN });
      expect(await rejection(store.recordUsage([aRow(1), never]))).toMatchObject({
        rejected: true,
      });
      expect(await report({})).toEqual([]);
    });

    test("days are those of UTC, in order, without empty ones", async () => {
      const midnight = NOON - 12 * HOUR;
      await store.recordUsage([
        aRow(1, { createdAt: midnight }),
        aRow(2, { createdAt: midnight - 1 }),
        aRow(3, { createdAt: midnight + DAY - 1 }),
        aRow(4, { createdAt: midnight + 3 * DAY, costNanoUsd: 5 }),
      ]);
      expect(groups(await report({ by: "day" }))).toEqual([
        ["2026-05-14", 1],
        ["2026-05-15", 2],
        ["2026-05-18", 1],
      ]);
    });

    test("since is within, until is without, for every grouping", async () => {
      await store.recordUsage([
        aRow(1, { createdAt: NOON - 1 }),
        aRow(2, { createdAt: NOON }),
        aRow(3, { createdAt: NOON + DAY - 1 }),
        aRow(4, { createdAt: NOON + DAY }),
      ]);
      for (const by of ["day", "model", "key", "tenant", "provider"] as const) {
        const rows = await report({ by, since: NOON, until: NOON + DAY });
        expect(rows.reduce((sum, row) => sum + row.requests, 0)).toBe(2);
      }
      expect(await report({ since: NOON, until: NOON })).toEqual([]);
      expect(await report({ by: "day", since: NOON + 2 * DAY, until: NOON + 3 * DAY })).toEqual([]);
    });

    test("borders may lie at the ends of time", async () => {
      await store.recordUsage([aRow(1)]);
      for (const by of ["day", "model"] as const) {
        const rows = await report({ by, since: 0, until: Number.POSITIVE_INFINITY });
        expect(rows).toMatchObject([{ requests: 1 }]);
      }
    });

    test("groups come by cost, then tokens, then requests, then name", async () => {
      await store.recordUsage([
        aRow(1, { logicalModel: "b" }),
        aRow(2, { logicalModel: "a" }),
        aRow(3, { logicalModel: "dear", costNanoUsd: 2_000 }),
        aRow(4, { logicalModel: "long", outputTokens: 6 }),
        aRow(5, { logicalModel: "often", inputTokens: 5, costNanoUsd: 500, outputTokens: 0 }),
        aRow(6, { logicalModel: "often", inputTokens: 10, costNanoUsd: 500, outputTokens: 0 }),
      ]);
      expect(groups(await report({ by: "model" })).map(([group]) => group)).toEqual([
        "dear",
        "long",
        "often",
        "a",
        "b",
      ]);
    });

    test("what is grouped by is named, also when it is empty or not ASCII", async () => {
      await store.recordUsage([
        aRow(1, { provider: "", tenantId: "日本" }),
        aRow(2, { apiKeyId: uuid(7), tenantId: "Ünï ☕", costNanoUsd: 2_000 }),
      ]);
      expect(groups(await report({ by: "provider" }))).toEqual([
        ["openrouter", 1],
        ["", 1],
      ]);
      expect(groups(await report({ by: "key" }))).toEqual([
        [uuid(7), 1],
        [uuid(1), 1],
      ]);
      expect(groups(await report({ by: "tenant" }))).toEqual([
        ["Ünï ☕", 1],
        ["日本", 1],
      ]);
    });

    test("a report of one tenant holds nothing of others", async () => {
      await store.recordUsage([aRow(1), aRow(2, { tenantId: "acme2" }), aRow(3)]);
      for (const by of ["day", "model", "key", "tenant", "provider"] as const) {
        expect(await report({ by, tenantId: "acme" })).toMatchObject([{ requests: 2 }]);
        expect(await report({ by, tenantId: "nobody" })).toEqual([]);
      }
    });

    test("totals per key, tenant and model count from a moment on", async () => {
      await store.recordUsage([
        aRow(1, { createdAt: NOON - 1 }),
        aRow(2, { costNanoUsd: 3 }),
        aRow(3, { createdAt: NOON + DAY, costNanoUsd: 4, status: "failed" }),
        aRow(4, { apiKeyId: uuid(2), inputTokens: 0, outputTokens: 0, costNanoUsd: 0 }),
        aRow(5, { apiKeyId: uuid(2), logicalModel: "slow" }),
        aRow(6, { apiKeyId: uuid(3), tenantId: "emca" }),
      ]);
      const totals = await store.usageTotals(NOON);
      const owners = { tenantId: "acme", logicalModel: "fast" };
      expect(totals.toSorted((one, two) => (labelOf(one) < labelOf(two) ? -1 : 1))).toEqual([
        { ...owners, apiKeyId: uuid(1), requests: 2, tokens: 30, costNanoUsd: 7 },
        { ...owners, apiKeyId: uuid(2), requests: 1, tokens: 0, costNanoUsd: 0 },
        {
          ...owners,
          apiKeyId: uuid(2),
          logicalModel: "slow",
          requests: 1,
          tokens: 15,
          costNanoUsd: 1000,
        },
        {
          ...owners,
          apiKeyId: uuid(3),
          tenantId: "emca",
          requests: 1,
          tokens: 15,
          costNanoUsd: 1000,
        },
      ]);
      expect(await store.usageTotals(NOON + 2 * DAY)).toEqual([]);
    });

    test("a part of a day is counted from its rows, and the whole of it from its totals", async () => {
      await store.recordUsage([
        aRow(1, { createdAt: NOON - HOUR, latencyMs: 300 }),
        aRow(2, { createdAt: NOON, costNanoUsd: 7, status: "failed" }),
        aRow(3, { createdAt: NOON + HOUR, logicalModel: "slow" }),
        aRow(4, { createdAt: NOON + DAY, cacheReadTokens: 4 }),
        aRow(5, { createdAt: NOON + 2 * DAY, estimated: true }),
        aRow(6, { createdAt: NOON + 2 * DAY + HOUR, reasoningTokens: 2 }),
      ]);
      const borders = [-DAY, -HOUR, 0, 1, HOUR, HOUR + 1, 12 * HOUR, DAY, DAY + 1, 2 * DAY];
      borders.push(2 * DAY + HOUR, 2 * DAY + HOUR + 1, 2 * DAY + 12 * HOUR, 9 * DAY);
      const rows = [-HOUR, 0, HOUR, DAY, 2 * DAY, 2 * DAY + HOUR];
      for (const [index, since] of borders.entries()) {
        for (const until of borders.slice(index + 1)) {
          const within = rows.filter((at) => at >= since && at < until).length;
          for (const by of ["tenant", "day", "model"] as const) {
            const found = await report({ by, since: NOON + since, until: NOON + until });
            expect(found.reduce((sum, row) => sum + row.requests, 0)).toBe(within);
          }
        }
      }
    });

    test("rows that a hand writes, corrects or removes are in the reports as they are", async () => {
      await store.recordUsage([aRow(1), aRow(2), aRow(3, { createdAt: NOON + DAY })]);
      await fresh.sql(
        `update usage_logs set cost_nano_usd = 7, tenant_id = 'emca' where id = '${uuid(2)}'`,
      );
      await fresh.sql(`delete from usage_logs where id = '${uuid(3)}'`);
      await fresh.sql(
        `insert into usage_logs (id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens,
          latency_ms, status_code, status, request_id, created_at)
        values ('${uuid(4)}', '${uuid(1)}', 'acme', 'fast', 'openrouter', 'm', 5, 6, 7, 200, 'ok', 'r', '2019-12-31T23:59:59.999Z')`,
      );
      expect(await report({ since: 0 })).toMatchObject([
        { group: "acme", requests: 2, costNanoUsd: 1_000, totalTokens: 26 },
        { group: "emca", requests: 1, costNanoUsd: 7 },
      ]);
      expect(groups(await report({ by: "day", since: 0 }))).toEqual([
        ["2019-12-31", 1],
        ["2026-05-15", 2],
      ]);
    });

    test("rows are removed for their age, and their days stay in the reports", async () => {
      const old = Array.from({ length: 40 }, (_, index) =>
        aRow(index, { createdAt: NOON - (index + 1) * DAY }),
      );
      await store.recordUsage([...old, aRow(41), aRow(42, { createdAt: NOON - 12 * HOUR })]);
      const before = await report({ by: "day" });
      const midnight = NOON - 12 * HOUR;
      expect(await store.pruneUsage(midnight)).toBe(40);
      expect(await store.pruneUsage(midnight)).toBe(0);
      expect(await report({ by: "day" })).toEqual(before);
      // Late ones are counted before they go as well.
      await store.recordUsage([aRow(50, { createdAt: NOON - 3 * DAY })]);
      expect(await store.pruneUsage(midnight - DAY)).toBe(1);
      expect((await report({})).map((row) => row.requests)).toEqual([43]);
      await fresh.sql(`delete from usage_logs where id = '${uuid(41)}'`);
      expect((await report({})).map((row) => row.requests)).toEqual([42]);
    });

    test("sums are exact up to 2^53 and close beyond", async () => {
      const half = (Number.MAX_SAFE_INTEGER - 1) / 2;
      await store.recordUsage([
        aRow(1, { costNanoUsd: half, inputTokens: half, outputTokens: 1 }),
        aRow(2, { costNanoUsd: half + 1, inputTokens: half, outputTokens: 0 }),
      ]);
      expect(await report({})).toMatchObject([
        { costNanoUsd: Number.MAX_SAFE_INTEGER, totalTokens: Number.MAX_SAFE_INTEGER },
      ]);
      await store.recordUsage([aRow(3, { costNanoUsd: Number.MAX_SAFE_INTEGER })]);
      expect((await report({}))[0]?.costNanoUsd).toBeCloseTo(2 * Number.MAX_SAFE_INTEGER, -2);
    });

    test("fractions of a millisecond are rounded, odd words are kept", async () => {
      const said = "it's; drop table usage_logs; -- 💥\n\"";
      await store.recordUsage([
        aRow(1, {
          latencyMs: 12.6,
          timeToFirstTokenMs: 3.2,
          errorMessage: said,
          logicalModel: said,
        }),
      ]);
      expect(await report({ by: "model" })).toMatchObject([{ group: said, averageLatencyMs: 13 }]);
    });

    test("names as long as they may be are kept whole, whatever they are written in", async () => {
      const names = [`${long(1)}a`, `${long(1)}b`, `${"x".repeat(253)}🙂`];
      await store.recordUsage(
        names.map((logicalModel, at) =>
          aRow(at, { logicalModel, tenantId: `${long(2)}c`, provider: "p".repeat(255) }),
        ),
      );
      expect((await report({ by: "model" })).map(({ group }) => group).toSorted()).toEqual(
        names.toSorted(),
      );
      expect(await report({ by: "tenant" })).toMatchObject([{ group: `${long(2)}c`, requests: 3 }]);
      const totals = await store.usageTotals(0);
      expect(totals.map(({ logicalModel }) => logicalModel).toSorted()).toEqual(names.toSorted());
    });

    test("usage of a deleted key stays on the books", async () => {
      await store.insertKey(aKey(1));
      await store.recordUsage([aRow(1)]);
      await fresh.sql("delete from api_keys");
      await store.recordUsage([aRow(2)]);
      expect(groups(await report({ by: "key" }))).toEqual([[uuid(1), 2]]);
    });

    test("connections that write at the same time lose nothing", async () => {
      const other = await fresh.open();
      const batches = Array.from({ length: 20 }, (_, batch) =>
        Array.from({ length: 10 }, (__, row) => aRow(batch * 10 + row)),
      );
      await Promise.all(
        batches.flatMap((rows, index) => [
          (index % 2 === 0 ? store : other).recordUsage(rows),
          (index % 2 === 0 ? other : store).insertKey(aKey(index)),
          store.recordUsage(rows),
        ]),
      );
      expect(await report({})).toMatchObject([{ requests: 200 }]);
      expect(await other.listKeys({})).toHaveLength(20);
      await other.close();
    });
  });

  describe(`${name}: life`, () => {
    test("it answers a ping, and says so when it is closed", async () => {
      await store.ping();
      const other = await fresh.open();
      await other.close();
      expect(await rejection(other.ping())).toBeInstanceOf(StoreError);
      expect(await rejection(other.recordUsage([aRow(1)]))).toBeInstanceOf(StoreError);
      await store.ping();
    });

    test("a database that has come to lack a migration answers no ping", async () => {
      await store.ping();
      for (const lost of ["number = (select max(number) from xjp_migrations)", "true"]) {
        await fresh.sql(`update xjp_migrations set number = -number where ${lost}`);
        const said = await store.ping().catch((thrown: unknown) => thrown);
        await fresh.sql("update xjp_migrations set number = abs(number)");
        expect(said).toMatchObject({ needsSetup: true });
        expect(String(said)).toContain("run `xjp migrate`");
        await store.ping();
      }
    });

    test("a database that a newer xjp has migrated meanwhile still answers", async () => {
      await store.ping();
      await fresh.sql(
        "insert into xjp_migrations values (99, '0099_x', 'x', '2030-01-01T00:00:00.000Z')",
      );
      const answered = await store.ping().then(() => "yes", String);
      await fresh.sql("delete from xjp_migrations where number = 99");
      expect(answered).toBe("yes");
    });
  });
}

/** A name of 254 characters that no index could compress. */
function long(seed: number): string {
  return Array.from({ length: 254 }, (_, at) =>
    String.fromCodePoint(0x4e00 + ((seed + at * at * 7919) % 20_000)),
  ).join("");
}

function ids(keys: readonly { readonly id: string }[]): readonly number[] {
  return keys.map((key) => Number(key.id.slice(-12)));
}

function groups(rows: readonly { readonly group: string; readonly requests: number }[]) {
  return rows.map((row): [string, number] => [row.group, row.requests]);
}

function labelOf({ apiKeyId, logicalModel }: KeyTotals): string {
  return apiKeyId + logicalModel;
}
