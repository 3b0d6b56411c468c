import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { migrate } from "../../../src/server/store/migrate.ts";
import { openStore } from "../../../src/server/store/open.ts";
import { createReopeningStore } from "../../../src/server/store/reopening.ts";
import { type Store, StoreError } from "../../../src/server/store/store.ts";
import { aKey, aRow, uuid } from "../../contract/records.ts";
import { refusal } from "../../support/rejection.ts";
import { storeContract } from "../../contract/store.ts";
import { waitFor } from "../../support/wait-for.ts";
import { freshDatabase, temporaryFolder } from "./temporary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
let url: string;
let store: Store;
let reopened: number;
function open(how: (again: boolean) => Promise<Store> = () => openStore(url)): void {
  store = createReopeningStore({
    kind: "sqlite",
    open: how,
    onReopened() {
      reopened += 1;
    },
  });
}

storeContract("embedded store that may be away", async () => {
  const home = temporaryFolder();
  const fresh = await freshDatabase(home.path);
  const away = createReopeningStore({
    kind: "sqlite",
    open: () => openStore(fresh.url),
    onReopened() {},
  });
  return {
    store: away,
    open: () => openStore(fresh.url),
    async sql(statement) {
      const database = new Database(fresh.path, { readwrite: true });
      database.run(statement);
      database.close();
    },
    async close() {
      await away.close();
      home.remove();
    },
  };
});

describe("a store that may be away", () => {
  beforeEach(async () => {
    folder = temporaryFolder();
    ({ path, url } = await freshDatabase(folder.path));
    reopened = 0;
  });
  afterEach(async () => {
    await store.close();
    folder.remove();
  });

  test("is opened when it is first asked, once for all who ask", async () => {
    let opens = 0;
    open(async () => {
      opens += 1;
      return openStore(url);
    });
    expect(opens).toBe(0);
    await Promise.all([store.ping(), store.keyChanges(0), store.recordUsage([aRow(1)])]);
    expect([opens, reopened]).toEqual([1, 0]);
  });

  test("is tried again by itself, and not for everybody who asks", async () => {
    let opens = 0;
    open(async () => {
      opens += 1;
      if (opens < 3) throw new StoreError("nobody is there");
      return openStore(url);
    });
    for (let asked = 0; asked < 100; asked++) {
      expect(await refusal(store.ping())).toBe("nobody is there");
    }
    expect(opens).toBe(1);
    await waitFor("it to be there", () =>
      store.ping().then(
        () => true,
        () => false,
      ),
    );
    expect([opens, reopened]).toEqual([3, 1]);
  });

  test("is opened anew when another file has taken its place", async () => {
    open();
    await store.insertKey(aKey(1));
    const copy = join(folder.path, "copy.db");
    const other = await openStore((await freshDatabase(join(folder.path, "other"))).url);
    await other.insertKey(aKey(2));
    await other.close();
    copyFileSync(join(folder.path, "other", "xjp.db"), copy);
    renameSync(copy, path);
    expect((await store.listKeys({})).map(({ id }) => id)).toEqual([uuid(2)]);
    expect(reopened).toBe(1);
  });

  test("takes no rows into a file that is gone, and goes on with it when it is back", async () => {
    open();
    await store.recordUsage([aRow(1)]);
    const aside = join(folder.path, "aside.db");
    renameSync(path, aside);
    for (const work of [store.recordUsage([aRow(2)]), store.ping(), store.keyChanges(0)]) {
      expect(await refusal(work)).toContain("the database is gone: put it back");
    }
    expect(existsSync(path)).toBe(false);
    renameSync(aside, path);
    await store.recordUsage([aRow(3)]);
    expect(await store.usageTotals(0)).toMatchObject([{ requests: 2 }]);
    expect(reopened).toBe(0);
  });

  test("is opened anew when its connection broke", async () => {
    let opens = 0;
    open(async () => {
      opens += 1;
      const real = await openStore(url);
      if (opens > 1) return real;
      return { ...real, ping: () => Promise.reject(new StoreError("the disk failed")) };
    });
    expect(await refusal(store.ping())).toBe("the disk failed");
    await store.ping();
    expect([opens, reopened]).toEqual([2, 1]);
  });

  test("is opened anew, and so migrated, when older tables were put into its file", async () => {
    open(async () => {
      await migrate(url);
      return openStore(url);
    });
    await store.insertKey(aKey(1));
    const other = new Database(path, { readwrite: true });
    const tables = other.query<{ type: string; name: string }, []>(
      "select type, name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%'",
    );
    for (const { type, name } of tables.all()) other.run(`drop ${type} ${name}`);
    other.close();
    await migrate(url, { to: 2 });
    expect(await refusal(store.ping())).toContain("is at migration 2, this binary needs");
    await store.insertKey(aKey(2));
    expect(await store.listKeys({})).toEqual([aKey(2)]);
    expect(reopened).toBe(1);
  });

  test("is not opened anew for data that it refuses", async () => {
    open();
    const bad = aRow(1, { inputTokens: Number.NaN });
    expect(await refusal(store.recordUsage([bad]))).toContain("refused the data");
    await store.ping();
    expect(reopened).toBe(0);
  });

  test("is closed for good, also when it opens only afterwards", async () => {
    const held = Promise.withResolvers<Store>();
    let closes = 0;
    open(() => held.promise);
    const asked = refusal(store.ping());
    await store.close();
    const late = await openStore(url);
    held.resolve({
      ...late,
      async close() {
        closes += 1;
        await late.close();
      },
    });
    expect(await asked).toBe("the store is closed");
    expect(closes).toBe(1);
    expect(await refusal(store.ping())).toBe("the store is closed");
  });

  test("on a server is connected to anew when it does not answer, and goes on telling of changes", async () => {
    open();
    const listening: (() => void)[] = [];
    let opens = 0;
    let closes = 0;
    const server = createReopeningStore({
      kind: "postgres",
      answerMs: 20,
      onReopened() {},
      async open() {
        opens += 1;
        const hangs = opens === 1;
        const real = await openStore(url);
        return {
          ...real,
          ...(hangs ? { keyChanges: () => new Promise<never>(() => {}) } : {}),
          async watchKeys(onChange) {
            listening.push(onChange);
            return async () => void listening.splice(listening.indexOf(onChange), 1);
          },
          async close() {
            closes += 1;
            await real.close();
          },
        };
      },
    });
    let heard = 0;
    await server.ping();
    const stop = await server.watchKeys?.(() => {
      heard += 1;
    });
    expect(await refusal(server.keyChanges(0))).toBe("the database does not answer within 0.02 s");
    await server.keyChanges(0);
    expect([opens, closes, listening.length]).toEqual([2, 1, 2]);
    listening[1]?.();
    expect(heard).toBe(1);
    await stop?.();
    expect(listening).toHaveLength(1);
    await server.close();
  });
});
