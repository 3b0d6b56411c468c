import { describe, expect, test } from "bun:test";
import { StoreError } from "../../src/server/store/store.ts";
import { aKey, aRow, DAY, HOUR, NOON, uuid } from "./records.ts";
import { rejection } from "../support/rejection.ts";
import type { StoreRig } from "./store.ts";

/** Keys, and how changes of them are heard of. */
export function keys(rig: StoreRig): void {
  describe("keys", () => {
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
      await rig.store.insertKey(bare);
      await rig.store.insertKey(full);
      expect(await rig.store.findKeys(bare.id)).toEqual([bare]);
      expect(await rig.store.findKeys(full.id)).toEqual([full]);
    });

    test("an empty list of models stays apart from no list", async () => {
      await rig.store.insertKey(aKey(1, { models: [] }));
      expect((await rig.store.findKeys(uuid(1)))[0]?.models).toEqual([]);
    });

    test("a second key with the same hash is refused and leaves nothing", async () => {
      await rig.store.insertKey(aKey(1));
      const twin = aKey(2, { keyHash: aKey(1).keyHash });
      expect(await rejection(rig.store.insertKey(twin))).toMatchObject({ rejected: true });
      expect(await rig.store.listKeys({})).toEqual([aKey(1)]);
    });

    test("keys are found by id, and by the beginning of their prefix, newest first", async () => {
      await rig.store.insertKey(aKey(1, { keyPrefix: "XJP_abcdefgh" }));
      await rig.store.insertKey(aKey(2, { keyPrefix: "XJP_abcdXYZ_" }));
      await rig.store.insertKey(aKey(3, { keyPrefix: "XJP_zzzzzzzz" }));
      expect(ids(await rig.store.findKeys(uuid(3)))).toEqual([3]);
      expect(ids(await rig.store.findKeys("XJP_abcd"))).toEqual([2, 1]);
      expect(ids(await rig.store.findKeys("XJP_abcde"))).toEqual([1]);
      expect(ids(await rig.store.findKeys("XJP_abcdXYZ_"))).toEqual([2]);
      expect(await rig.store.findKeys("XJP_abcdefghi")).toEqual([]);
      expect(await rig.store.findKeys("xjp_abcd")).toEqual([]);
    });

    test("a prefix is taken literally", async () => {
      await rig.store.insertKey(aKey(1, { keyPrefix: "XJP_a_cdefgh" }));
      await rig.store.insertKey(aKey(2, { keyPrefix: "XJP_abcdefgh" }));
      expect(ids(await rig.store.findKeys("XJP_a_"))).toEqual([1]);
      expect(await rig.store.findKeys("XJP_%")).toEqual([]);
      expect(await rig.store.findKeys("*")).toEqual([]);
      expect(await rig.store.findKeys("' or true --")).toEqual([]);
    });

    test("keys without a printed prefix are found by id only", async () => {
      await rig.store.insertKey(aKey(1, { keyPrefix: "" }));
      expect(await rig.store.findKeys("")).toEqual([]);
      expect(await rig.store.findKeys("XJP_")).toEqual([]);
      expect(ids(await rig.store.findKeys(uuid(1)))).toEqual([1]);
    });

    test("keys are listed newest first, all or of one tenant", async () => {
      await rig.store.insertKey(aKey(1, { tenantId: "café", createdAt: NOON }));
      await rig.store.insertKey(aKey(2, { createdAt: NOON - DAY }));
      await rig.store.insertKey(aKey(3, { tenantId: "café", createdAt: NOON + DAY }));
      expect(ids(await rig.store.listKeys({}))).toEqual([3, 1, 2]);
      expect(ids(await rig.store.listKeys({ tenantId: "café" }))).toEqual([3, 1]);
      expect(ids(await rig.store.listKeys({ tenantId: "CAFÉ" }))).toEqual([]);
      expect(ids(await rig.store.listKeys({ tenantId: "cafe\u0301" }))).toEqual([]);
    });

    test("a key is revoked once", async () => {
      await rig.store.insertKey(aKey(1));
      expect(await rig.store.revokeKey(uuid(1), NOON + HOUR)).toBe(true);
      expect(await rig.store.revokeKey(uuid(1), NOON + DAY)).toBe(false);
      expect(await rig.store.revokeKey(uuid(9), NOON)).toBe(false);
      expect(await rig.store.findKeys(uuid(1))).toEqual([
        aKey(1, { isActive: false, revokedAt: NOON + HOUR }),
      ]);
    });

    test("a rotated key lives on for the grace it is given", async () => {
      await rig.store.insertKey(aKey(1));
      await rig.store.rotateKey(uuid(1), aKey(2), NOON + HOUR);
      expect(await rig.store.listKeys({})).toEqual([aKey(2), aKey(1, { expiresAt: NOON + HOUR })]);
    });

    test("a rotated key never lives longer than it would have", async () => {
      await rig.store.insertKey(aKey(1, { expiresAt: NOON + HOUR }));
      await rig.store.rotateKey(uuid(1), aKey(2), NOON + DAY);
      expect((await rig.store.findKeys(uuid(1)))[0]?.expiresAt).toBe(NOON + HOUR);
    });

    test("rotating a key that is revoked or unknown, or to a taken hash, changes nothing", async () => {
      await rig.store.insertKey(aKey(1));
      await rig.store.insertKey(aKey(2, { isActive: false, revokedAt: NOON }));
      const before = await rig.store.listKeys({});
      const twin = aKey(4, { keyHash: aKey(2).keyHash });
      expect(await rejection(rig.store.rotateKey(uuid(9), aKey(3), NOON))).toBeInstanceOf(
        StoreError,
      );
      expect(await rejection(rig.store.rotateKey(uuid(2), aKey(3), NOON))).toBeInstanceOf(
        StoreError,
      );
      expect(await rejection(rig.store.rotateKey(uuid(1), twin, NOON))).toBeInstanceOf(StoreError);
      expect(await rig.store.listKeys({})).toEqual(before);
    });

    test("the last use only moves forward", async () => {
      await rig.store.insertKey(aKey(1));
      await rig.store.insertKey(aKey(2, { lastUsedAt: NOON }));
      await rig.store.touchKeys(
        new Map([
          [uuid(1), NOON],
          [uuid(2), NOON - 1],
          [uuid(9), NOON],
        ]),
      );
      await rig.store.touchKeys(new Map([[uuid(2), NOON + 1]]));
      await rig.store.touchKeys(new Map());
      const lastUsed = (await rig.store.listKeys({})).map((key) => key.lastUsedAt);
      expect(lastUsed).toEqual([NOON + 1, NOON]);
    });
  });

  describe("changes of keys", () => {
    test("since 0 gives every key, and nothing more until something changes", async () => {
      expect((await rig.store.keyChanges(0)).changed).toEqual([]);
      await rig.store.insertKey(aKey(1));
      await rig.store.insertKey(aKey(2));
      const all = await rig.store.keyChanges(0);
      expect(ids(all.changed)).toEqual([2, 1]);
      const none = { version: all.version, changed: [], removed: [] };
      expect(await rig.store.keyChanges(all.version)).toEqual(none);
      expect(await rig.store.keyChanges(all.version)).toEqual(none);
      expect(ids((await rig.store.keyChanges(0)).changed)).toEqual([2, 1]);
    });

    test("every way to change a key is told, by the same and by another connection", async () => {
      const other = await rig.open();
      for (const writer of [rig.store, other]) {
        const number = writer === rig.store ? 10 : 20;
        let { version } = await rig.store.keyChanges(0);
        const next = async () => {
          const changes = await rig.store.keyChanges(version);
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
        expect((await rig.store.keyChanges(version)).changed).toEqual([]);
      }
      await other.close();
    });

    test("edits and deletes by hand are told", async () => {
      await rig.store.insertKey(aKey(1));
      await rig.store.insertKey(aKey(2));
      const { version } = await rig.store.keyChanges(0);
      await rig.sql(`update api_keys set rate_limit_rpm = 7 where id = '${uuid(1)}'`);
      await rig.sql(`delete from api_keys where id = '${uuid(2)}'`);
      const changes = await rig.store.keyChanges(version);
      expect(changes.changed).toEqual([aKey(1, { rpm: 7 })]);
      expect(changes.removed).toEqual([uuid(2)]);
      expect(ids((await rig.store.keyChanges(0)).changed)).toEqual([1]);
    });

    test("a key that gets another id is told as one gone and one new", async () => {
      await rig.store.insertKey(aKey(1));
      const { version } = await rig.store.keyChanges(0);
      await rig.sql(`update api_keys set id = '${uuid(2)}' where id = '${uuid(1)}'`);
      const changes = await rig.store.keyChanges(version);
      expect(ids(changes.changed)).toEqual([2]);
      expect(changes.removed).toEqual([uuid(1)]);
    });

    test("a key that changed twice is told once, as it is now", async () => {
      await rig.store.insertKey(aKey(1));
      const { version } = await rig.store.keyChanges(0);
      await rig.sql(`update api_keys set rate_limit_rpm = 7`);
      await rig.sql(`update api_keys set rate_limit_rpm = 8`);
      expect((await rig.store.keyChanges(version)).changed).toEqual([aKey(1, { rpm: 8 })]);
    });

    test("being used is no change", async () => {
      await rig.store.insertKey(aKey(1));
      const { version } = await rig.store.keyChanges(0);
      await rig.store.touchKeys(new Map([[uuid(1), NOON]]));
      await rig.store.recordUsage([aRow(1)]);
      expect(await rig.store.keyChanges(version)).toEqual({ version, changed: [], removed: [] });
    });

    test("a version newer than the store's gives every key and the store's own version", async () => {
      await rig.store.insertKey(aKey(1));
      const { version } = await rig.store.keyChanges(0);
      expect(await rig.store.keyChanges(version + 100)).toEqual({
        version,
        changed: [aKey(1)],
        removed: [],
      });
    });
  });
}

function ids(records: readonly { readonly id: string }[]): readonly number[] {
  return records.map(({ id }) => Number(id.slice(-12)));
}
