import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKey, hashKey } from "../../../src/server/store/key.ts";
import { createKeyCache, type KeyCache } from "../../../src/server/store/key-cache.ts";
import { type Keyring, openKeyring } from "../../../src/server/store/keyring.ts";
import { openStore } from "../../../src/server/store/open.ts";
import {
  type KeyChanges,
  type KeyRecord,
  type Store,
  StoreError,
} from "../../../src/server/store/store.ts";
import { aKey, DAY, NOON, uuid } from "../../contract/records.ts";
import { refusal } from "../../support/rejection.ts";
import { waitFor } from "../../support/wait-for.ts";
import { freshDatabase, temporaryFolder } from "./temporary.ts";

const NEVER = 3_600_000;
const touchKeys = async (): Promise<void> => {};
const noTable = (): Promise<KeyChanges> => Promise.reject(new Error("no such table"));
const hashOf = (number: number): string => aKey(number).keyHash;

/** A store that can be counted, stopped and held up. */
function watch(store: Pick<Store, "keyChanges" | "touchKeys">) {
  const watched = {
    looks: 0,
    looking: 0,
    mostAtOnce: 0,
    touches: 0,
    down: false,
    hold: undefined as Promise<void> | undefined,
    async keyChanges(since: number): Promise<KeyChanges> {
      watched.looks += 1;
      if (watched.down) throw new Error("the store is down");
      watched.looking += 1;
      watched.mostAtOnce = Math.max(watched.mostAtOnce, watched.looking);
      const changes = await store.keyChanges(since);
      await watched.hold;
      watched.looking -= 1;
      return changes;
    },
    async touchKeys(lastUsed: ReadonlyMap<string, number>): Promise<void> {
      watched.touches += 1;
      if (watched.down) throw new Error("the store is down");
      await store.touchKeys(lastUsed);
    },
  };
  return watched;
}

/** A store that holds these keys, and can be down. */
function storeOf(...keys: readonly KeyRecord[]) {
  return watch({ touchKeys, keyChanges: async () => ({ version: 7, changed: keys, removed: [] }) });
}

describe("a keyring over the embedded store", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let url: string;
  let store: Store;
  let watched: ReturnType<typeof watch>;
  let keyring: Keyring;
  let errors: unknown[];
  const open = async (options: { pollMs?: number; touchMs?: number } = {}) => {
    watched = watch(store);
    keyring = await openKeyring(watched, {
      pollMs: options.pollMs ?? NEVER,
      touchMs: options.touchMs ?? NEVER,
      onError: (error) => errors.push(error),
    });
  };
  beforeEach(async () => {
    folder = temporaryFolder();
    ({ url } = await freshDatabase(folder.path));
    store = await openStore(url);
    errors = [];
  });
  afterEach(async () => {
    await keyring.close();
    await store.close();
    folder.remove();
  });

  test("it knows every key that was stored before it was opened, and asks nothing to find one", async () => {
    await store.insertKey(aKey(1));
    await store.insertKey(aKey(2, { isActive: false }));
    await open();
    expect(keyring.size).toBe(2);
    expect(keyring.find(hashOf(1))).toEqual(aKey(1));
    expect(keyring.find(hashOf(2))?.isActive).toBe(false);
    expect(keyring.find(hashOf(3))).toBeUndefined();
    expect(watched.looks).toBe(1);
  });

  test("a key revoked by another process stops working within a second", async () => {
    await store.insertKey(aKey(1));
    await open({ pollMs: 250 });
    const child = Bun.spawn(
      [process.execPath, join(import.meta.dir, "revoke-child.ts"), url, uuid(1)],
      { stderr: "inherit" },
    );
    expect(await child.exited).toBe(0);
    await waitFor("the revocation", () => keyring.find(hashOf(1))?.isActive === false, 1_000);
  });

  test("a key that another connection has just made is known after a refresh", async () => {
    await open();
    const other = await openStore(url);
    for (let number = 1; number <= 20; number++) {
      await other.insertKey(aKey(number));
      await keyring.refresh();
      expect(keyring.find(hashOf(number))?.id).toBe(uuid(number));
    }
    await other.close();
  });

  test("a rotated key and its replacement are both known", async () => {
    await store.insertKey(aKey(1));
    await open();
    await store.rotateKey(uuid(1), aKey(2), NOON + DAY);
    await keyring.refresh();
    expect(keyring.find(hashOf(1))?.expiresAt).toBe(NOON + DAY);
    expect(keyring.find(hashOf(2))?.expiresAt).toBeNull();
    expect(keyring.size).toBe(2);
  });

  test("ten thousand unknown keys at once cost next to no looks at the store", async () => {
    await store.insertKey(aKey(1));
    await open();
    const begun = performance.now();
    for (let wave = 0; wave < 10; wave++) {
      await Promise.all(
        Array.from({ length: 1_000 }, async () => {
          const hash = hashKey(createKey());
          expect(await keyring.seek(hash)).toBeUndefined();
        }),
      );
    }
    const allowed = Math.ceil((performance.now() - begun) / 10) + 1;
    expect(watched.looks - 1).toBeLessThanOrEqual(allowed);
    expect(watched.looks - 1).toBeLessThanOrEqual(20);
  });

  test("uses are written in batches, the newest of each key, and at the end", async () => {
    await store.insertKey(aKey(1));
    await store.insertKey(aKey(2));
    await open({ touchMs: 5 });
    keyring.touch(uuid(1), NOON + 2);
    keyring.touch(uuid(1), NOON + 1);
    const lastUsed = async (number: number) => (await store.findKeys(uuid(number)))[0]?.lastUsedAt;
    await waitFor("the first batch", async () => (await lastUsed(1)) === NOON + 2);
    expect(watched.touches).toBe(1);
    keyring.touch(uuid(2), NOON + 3);
    await keyring.close();
    expect(await lastUsed(2)).toBe(NOON + 3);
  });

  test("while the store is down keys go on working, one report is made, and it recovers by itself", async () => {
    await store.insertKey(aKey(1));
    await open({ pollMs: 5, touchMs: 5 });
    for (let outage = 1; outage <= 2; outage++) {
      errors = [];
      watched.down = true;
      keyring.touch(uuid(1), NOON + outage);
      const { looks, touches } = watched;
      await waitFor(
        "several failures",
        () => watched.looks > looks + 3 && watched.touches > touches + 3,
      );
      await keyring.refresh();
      expect(keyring.find(hashOf(1))?.id).toBe(uuid(1));
      // One for reading, one for writing.
      expect(errors.map(String)).toEqual(["Error: the store is down", "Error: the store is down"]);
      await store.insertKey(aKey(10 + outage));
      watched.down = false;
      await waitFor("the new key", () => keyring.find(hashOf(10 + outage)) !== undefined);
      await waitFor("the use", async () => {
        const [key] = await store.findKeys(uuid(1));
        return key?.lastUsedAt === NOON + outage;
      });
    }
  });

  test("a flood that goes on costs fewer and fewer looks, and a new key is known all the same", async () => {
    await store.insertKey(aKey(1));
    await open();
    const begun = performance.now();
    while (performance.now() < begun + 600) await keyring.seek(hashKey(createKey()));
    // 10 + 20 + 40 + 80 + 160 + 250 ms between them.
    expect(watched.looks - 1).toBeLessThanOrEqual(8);
    const made = performance.now();
    await store.insertKey(aKey(2));
    expect(await keyring.seek(hashOf(2))).toEqual(aKey(2));
    expect(performance.now() - made).toBeLessThan(400);
  });

  test("a key that was just found unknown costs no look, and works soon after it was made", async () => {
    await open({ pollMs: 50 });
    expect(await keyring.seek(hashOf(1))).toBeUndefined();
    const { looks } = watched;
    for (let asked = 0; asked < 1_000; asked++) await keyring.seek(hashOf(1));
    expect(watched.looks - looks).toBeLessThanOrEqual(2);
    await store.insertKey(aKey(1));
    await waitFor("the key to be known", () => keyring.find(hashOf(1)) !== undefined, 1_000);
  });

  test("while the store is known to be down, an unknown key is answered at once", async () => {
    await store.insertKey(aKey(1));
    await open();
    watched.down = true;
    await keyring.refresh();
    const { looks } = watched;
    for (let asked = 0; asked < 1_000; asked++) {
      expect(await refusal(keyring.seek(hashOf(2)))).toContain("the database cannot be asked");
    }
    expect(watched.looks).toBe(looks);
    expect(keyring.find(hashOf(1))?.id).toBe(uuid(1));
    watched.down = false;
    await keyring.refresh();
    expect(await keyring.seek(hashOf(2))).toBeUndefined();
  });

  test("a store that hangs is taken to be down after a second, and does not stop the end", async () => {
    await store.insertKey(aKey(1));
    await open();
    const held = Promise.withResolvers<void>();
    watched.hold = held.promise;
    const asked = performance.now();
    expect(await refusal(keyring.seek(hashOf(2)))).toContain("the database cannot be asked");
    expect(performance.now() - asked).toBeGreaterThan(900);
    expect(await keyring.refresh()).toBe(false);
    expect(watched.mostAtOnce).toBe(1);
    watched.hold = undefined;
    held.resolve();
    await waitFor("it to answer", () => keyring.refresh());
    expect(await keyring.seek(hashOf(2))).toBeUndefined();
  });

  test("after it is closed it looks no more", async () => {
    await open({ pollMs: 1 });
    await keyring.close();
    const { looks } = watched;
    await keyring.refresh();
    expect(watched.looks).toBe(looks);
  });
});

describe("a keyring over a scripted store", () => {
  const options = { pollMs: NEVER, onError: () => {} };

  test("it does not open when the store cannot be read", async () => {
    expect(await refusal(openKeyring({ keyChanges: noTable, touchKeys }, options))).toBe(
      "no such table",
    );
  });

  test("a refresh waits for a look that began after it, not for one that was under way", async () => {
    let keys: readonly KeyRecord[] = [];
    const watched = watch({
      touchKeys,
      keyChanges: async () => ({ version: 1, changed: keys, removed: [] }),
    });
    const keyring = await openKeyring(watched, options);
    const held = Promise.withResolvers<void>();
    watched.hold = held.promise;
    const early = keyring.refresh();
    await waitFor("the first look", () => watched.looks === 2);
    keys = [aKey(1)];
    const late = keyring.refresh();
    const asked = performance.now();
    await waitFor("the gap between looks to pass", () => performance.now() > asked + 25);
    watched.hold = undefined;
    held.resolve();
    await early;
    expect(keyring.find(hashOf(1))).toBeUndefined();
    await late;
    expect(keyring.find(hashOf(1))?.id).toBe(uuid(1));
    // An older answer that comes late must not undo a newer one.
    expect(watched.mostAtOnce).toBe(1);
    await keyring.close();
  });

  test("it forgets a key's former hash, and does not forget a hash that moved to another key", async () => {
    const answers: KeyChanges[] = [
      { version: 2, changed: [aKey(1), aKey(2)], removed: [] },
      { version: 3, changed: [aKey(1, { keyHash: "new" })], removed: [] },
      { version: 4, changed: [aKey(3, { keyHash: "new" })], removed: [] },
      { version: 5, changed: [], removed: [uuid(1), uuid(2)] },
    ];
    const keyChanges = async () => answers.shift() ?? { version: 5, changed: [], removed: [] };
    const keyring = await openKeyring({ keyChanges, touchKeys }, options);
    await keyring.refresh();
    expect(keyring.find(hashOf(1))).toBeUndefined();
    expect(keyring.find("new")?.id).toBe(uuid(1));
    await keyring.refresh();
    await keyring.refresh();
    expect(keyring.find("new")?.id).toBe(uuid(3));
    expect(keyring.size).toBe(1);
    await keyring.close();
  });

  test("when the store is an older copy of itself, only what that holds counts", async () => {
    const answers: KeyChanges[] = [
      { version: 9, changed: [aKey(1), aKey(2)], removed: [] },
      { version: 4, changed: [aKey(2)], removed: [] },
    ];
    const keyChanges = async () => answers.shift() ?? { version: 4, changed: [], removed: [] };
    const keyring = await openKeyring({ keyChanges, touchKeys }, options);
    await keyring.refresh();
    expect(keyring.find(hashOf(1))).toBeUndefined();
    expect(keyring.find(hashOf(2))?.id).toBe(uuid(2));
    await keyring.close();
  });
});

describe("a keyring with a copy on the local disk", () => {
  const GRACE = 60_000;
  let folder: ReturnType<typeof temporaryFolder>;
  let cache: KeyCache;
  let now: number;
  let errors: string[];
  beforeEach(() => {
    folder = temporaryFolder();
    cache = createKeyCache(join(folder.path, "keys.json"), "here");
    now = NOON;
    errors = [];
  });
  afterEach(() => folder.remove());

  const open = (store: Pick<Store, "keyChanges" | "touchKeys">) =>
    openKeyring(store, {
      pollMs: NEVER,
      cache,
      graceMs: GRACE,
      clock: () => now,
      onError: (error) => errors.push(String(error)),
    });
  test("opens with it when the store is down, and takes over what the store says when it is back", async () => {
    const first = await open(storeOf(aKey(1), aKey(2)));
    await first.close();
    now += GRACE;
    const store = storeOf(aKey(2, { isActive: false }), aKey(3));
    store.down = true;
    const second = await open(store);
    expect(errors).toEqual(["Error: the store is down"]);
    expect(second.find(hashOf(1))?.id).toBe(uuid(1));
    expect(second.find(hashOf(2))?.isActive).toBe(true);
    expect(second.heardAt).toBe(NOON);
    expect(await refusal(second.seek(hashOf(3)))).toContain("the database cannot be asked");
    store.down = false;
    await second.refresh();
    // Revoked and deleted meanwhile, and made meanwhile.
    expect(second.find(hashOf(1))).toBeUndefined();
    expect(second.find(hashOf(2))?.isActive).toBe(false);
    expect(second.find(hashOf(3))?.id).toBe(uuid(3));
    expect(second.heardAt).toBe(NOON + GRACE);
    await second.close();
    expect(cache.load()?.keys.map(({ id }) => id)).toEqual([uuid(2), uuid(3)]);
  });

  test("does not open with one that is too old, of no keys, or damaged", async () => {
    const down = storeOf();
    down.down = true;
    expect(await refusal(open(down))).toBe("the store is down");
    await cache.save({ keys: [], asOf: NOON });
    expect(await refusal(open(down))).toBe("the store is down");
    await cache.save({ keys: [aKey(1)], asOf: NOON });
    now += GRACE + 1;
    expect(await refusal(open(down))).toBe("the store is down");
    writeFileSync(cache.path, "{");
    expect(await refusal(open(down))).toBe("the store is down");
    expect(errors).toEqual([expect.stringContaining("cannot be read")]);
  });

  test("does not serve around what somebody has to set right", async () => {
    await cache.save({ keys: [aKey(1)], asOf: NOON });
    const wrong = new StoreError("no such tables", { needsSetup: true });
    const keyChanges = (): Promise<KeyChanges> => Promise.reject(wrong);
    expect(await refusal(open({ keyChanges, touchKeys }))).toBe("no such tables");
  });

  test("writes it soon after a change, and anew before it is too old", async () => {
    const store = storeOf(aKey(1));
    const keyring = await open(store);
    await waitFor("the first copy", () => cache.load()?.keys.length === 1);
    await keyring.refresh();
    expect(cache.load()?.asOf).toBe(NOON);
    now += GRACE / 2;
    await keyring.refresh();
    await waitFor("a newer copy", () => cache.load()?.asOf === now);
    await keyring.close();
  });

  test("says why the store cannot be asked, until it can", async () => {
    const store = storeOf(aKey(1));
    const keyring = await open(store);
    expect(keyring.fault).toBeUndefined();
    store.down = true;
    await keyring.refresh();
    expect(keyring.fault).toBe("the store is down");
    store.down = false;
    await keyring.refresh();
    expect(keyring.fault).toBeUndefined();
    await keyring.close();
  });

  test("goes on when the disk takes no copy, says so, and tries again", async () => {
    rmSync(folder.path, { recursive: true });
    writeFileSync(folder.path, "");
    const keyring = await open(storeOf(aKey(1)));
    await waitFor("the failure", () => keyring.cacheFault?.includes("cannot be written"));
    expect(keyring.find(hashOf(1))?.id).toBe(uuid(1));
    expect(errors).toHaveLength(1);
    rmSync(folder.path);
    now += 1_000;
    await keyring.refresh();
    await waitFor("the copy", () => keyring.cacheFault === undefined);
    expect(cache.load()?.keys).toHaveLength(1);
    await keyring.close();
  });
});
