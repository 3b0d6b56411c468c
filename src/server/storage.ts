/** Everything that a running server keeps in storage, opened so that the server outlives its database being away. */
import { existsSync } from "node:fs";
import type { Config } from "./config/config.ts";
import { databasePlace } from "./config/database-url.ts";
import { type Log, messageOf } from "./observe/log.ts";
import type { Health } from "./observe/health.ts";
import { type Journal, openJournal } from "./store/journal.ts";
import { createKeyCache } from "./store/key-cache.ts";
import { type Keyring, openKeyring } from "./store/keyring.ts";
import { migrate } from "./store/migrate.ts";
import { openStore } from "./store/open.ts";
import { createReopeningStore } from "./store/reopening.ts";
import { type Store, StoreError } from "./store/store.ts";
import { startUpkeep } from "./store/upkeep.ts";

/** How often keys made, changed or revoked by other processes are looked for; a revoked key works no longer than this. */
const KEY_POLL_MS = 400;
const JOURNAL_FLUSH_MS = 250;

export type Storage = {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly journal: Journal;
  /** Has `listener` called whenever the database is back after an outage and has the usage that waited for it. */
  onRecovered(listener: () => Promise<void>): void;
  close(): Promise<void>;
};

type Around = {
  readonly log: Log;
  readonly health: Health;
  /** Unix milliseconds. */
  readonly clock: () => number;
};

/**
 * Opens it. When the database is away, the keys come from their copy on the local disk, and everything else follows when it is
 * back. Throws StoreError when it is away and there is no such copy, or when the local folder cannot be used.
 */
export async function openStorage(config: Config, around: Around): Promise<Storage> {
  const { log, health, clock } = around;
  const { database, keys, usage } = config;
  const listeners: (() => Promise<void>)[] = [];
  let keyring: Keyring | undefined;
  let journal: Journal | undefined;
  const store = createReopeningStore({
    kind: database.startsWith("sqlite:") ? "sqlite" : "postgres",
    open: (again) => openDatabase(database, again),
    onReopened: () => void keyring?.refresh(),
  });
  const cache = createKeyCache(`${usage.journalDir}/keys.json`, databasePlace(database));
  keyring = await openKeyring(store, {
    pollMs: KEY_POLL_MS,
    cache,
    graceMs: keys.graceMs,
    clock,
    onError: (error) => log.error("key storage", { error: messageOf(error) }),
    onRecovered() {
      log.warn("key storage", { notice: "answers again" });
      void journal?.flush().then(() => {
        for (const listener of listeners) void listener();
      });
    },
  });
  journal = await openJournal({
    directory: usage.journalDir,
    store,
    flushMs: JOURNAL_FLUSH_MS,
    onError: (error) => log.error("usage journal", { error: messageOf(error) }),
    onNotice: (notice) => log.warn("usage journal", { notice }),
  });

  const upkeep = startUpkeep({
    store,
    retentionDays: usage.retentionDays,
    clock,
    onPruned: (rows) => log.info("usage retention", { rows_removed: rows }),
    onError: (error) => log.warn("usage upkeep", { error: messageOf(error) }),
  });

  health.watch("store", async () => {
    // A store may answer and its keys not be readable: tables, columns or rights may be missing.
    const fault = (await faultOf(store)) ?? keyring.fault;
    if (fault === undefined) return undefined;
    const heard = new Date(keyring.heardAt).toISOString();
    return `${fault}; keys are those of ${heard}, ${journal.pending} rows of usage wait`;
  });
  health.watch("journal", () => journal.fault);
  health.watch("key-cache", () => keyring.cacheFault);

  return {
    store,
    keyring,
    journal,
    onRecovered(listener) {
      listeners.push(listener);
    },
    async close() {
      await upkeep.close();
      await journal.close();
      await keyring.close();
      await store.close();
    },
  };
}

async function openDatabase(database: string, again: boolean): Promise<Store> {
  if (database.startsWith("sqlite:")) {
    const path = database.slice("sqlite:".length);
    // An empty one in its place would know no key, and its rows would be missing when the right one is put back.
    if (again && !existsSync(path)) {
      throw new StoreError(`database ${path}: is gone: put it back, or restart to begin a new one`);
    }
    await migrate(database);
  }
  return openStore(database);
}

async function faultOf(store: Store): Promise<string | undefined> {
  try {
    await store.ping();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
