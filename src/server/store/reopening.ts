/**
 * A store that may be away: not there yet when the gateway starts, broken, or another file under the same name. It is opened when
 * it is first asked for something, and again when the one that was open is of no use any more; who uses it needs not know.
 */
import { isBusy } from "./sqlite-error.ts";
import { type Store, StoreError } from "./store.ts";
import { within } from "./within.ts";

export type ReopeningOptions = {
  readonly kind: Store["kind"];
  /** Opens it; `again` when it was open before. */
  readonly open: (again: boolean) => Promise<Store>;
  /** Told when it is open that was not, except the first time if that went well at once. */
  readonly onReopened: () => void;
};

/** Between two tries to open it. */
const RETRY_MS = 500;
/** How long those who ask wait for it to open; opening goes on. */
const OPEN_MS = 5_000;

export function createReopeningStore({ kind, open, onReopened }: ReopeningOptions): Store {
  let live: Store | undefined;
  let opening: Promise<Store> | undefined;
  let failure: unknown;
  let retryAt = 0;
  let wasOpen = false;
  let closed = false;

  async function openNow(): Promise<Store> {
    try {
      const fresh = await open(wasOpen);
      if (closed) {
        await fresh.close();
        throw new StoreError("the store is closed");
      }
      live = fresh;
      if (wasOpen || failure !== undefined) onReopened();
      wasOpen = true;
      failure = undefined;
      return fresh;
    } catch (thrown) {
      failure = thrown;
      retryAt = performance.now() + RETRY_MS;
      throw thrown;
    } finally {
      opening = undefined;
    }
  }

  /** Closed before another one is opened in its place. */
  async function retire(old: Store): Promise<void> {
    if (live !== old) return;
    live = undefined;
    await old.close();
  }

  /** Throws at once while the last try to open it has just failed. */
  async function current(): Promise<Store> {
    const whereabouts = live?.whereabouts?.();
    if (live !== undefined && whereabouts === "replaced") await retire(live);
    if (whereabouts === "gone") {
      throw new StoreError("the database is gone: put it back, or restart to begin a new one");
    }
    if (live !== undefined) return live;
    if (closed) throw new StoreError("the store is closed");
    if (opening === undefined && performance.now() < retryAt) throw failure;
    opening ??= openNow();
    const found = await within(OPEN_MS, opening);
    if (found === undefined) {
      throw new StoreError(`the database does not answer within ${OPEN_MS / 1000} s`);
    }
    return found;
  }

  async function use<Result>(work: (store: Store) => Promise<Result>): Promise<Result> {
    const used = await current();
    try {
      return await work(used);
    } catch (thrown) {
      if (isBroken(used, thrown)) await retire(used);
      throw thrown;
    }
  }

  return {
    kind,
    insertKey: (key) => use((store) => store.insertKey(key)),
    findKeys: (idOrPrefix) => use((store) => store.findKeys(idOrPrefix)),
    listKeys: (filter) => use((store) => store.listKeys(filter)),
    revokeKey: (id, at) => use((store) => store.revokeKey(id, at)),
    rotateKey: (id, replacement, oldExpiresAt) =>
      use((store) => store.rotateKey(id, replacement, oldExpiresAt)),
    touchKeys: (lastUsed) => use((store) => store.touchKeys(lastUsed)),
    keyChanges: (since) => use((store) => store.keyChanges(since)),
    recordUsage: (rows) => use((store) => store.recordUsage(rows)),
    usageReport: (query) => use((store) => store.usageReport(query)),
    usageTotals: (since) => use((store) => store.usageTotals(since)),
    pruneUsage: (before) => use((store) => store.pruneUsage(before)),
    ...(kind === "postgres"
      ? { watchKeys: (onChange) => use((store) => watch(store, onChange)) }
      : {}),
    ping: () => use((store) => store.ping()),
    async close() {
      if (closed) return;
      closed = true;
      await live?.close();
    },
  };
}

/** A server's store that is open stays the one, so what listens to it goes on listening. */
async function watch(store: Store, onChange: () => void): Promise<() => Promise<void>> {
  if (!store.watchKeys) throw new StoreError("the store tells of no changes");
  return store.watchKeys(onChange);
}

/** A connection to a server mends itself; one to a file does not, if it was not the data or a lock that was in the way. */
function isBroken(store: Store, thrown: unknown): boolean {
  if (store.kind !== "sqlite" || !(thrown instanceof StoreError)) return false;
  return !thrown.rejected && !isBusy(thrown.cause);
}
