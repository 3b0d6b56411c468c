/**
 * A store that may be away: not there yet when the gateway starts, broken, or another file under the same name. It is opened when
 * it is first asked for something, and again when the one that was open is of no use any more; who uses it needs not know.
 */
import { isBusy } from "./embedded/sqlite-error.ts";
import { type Store, StoreError } from "./store.ts";
import { within } from "../within.ts";

export type ReopeningOptions = {
  readonly kind: Store["kind"];
  /** Opens it; `again` when it was open before. */
  readonly open: (again: boolean) => Promise<Store>;
  /** Told when it is open that was not, except the first time if that went well at once. */
  readonly onReopened: () => void;
  /** How long a server may take to answer what a gateway asks in passing; ten seconds unless told. */
  readonly answerMs?: number | undefined;
};

/** Between two tries to open it. */
const RETRY_MS = 500;
/** How long those who ask wait for it to open; opening goes on. */
const OPEN_MS = 5_000;
/** A dead connection takes for ever. */
const ANSWER_MS = 10_000;
const STOP_MS = 1_000;

/** Opens nothing yet. What fails while the store is away is thrown as the StoreError that says why. */
export function createReopeningStore(options: ReopeningOptions): Store {
  const { kind, open, onReopened, answerMs = ANSWER_MS } = options;
  let live: Store | undefined;
  let opening: Promise<Store> | undefined;
  let failure: unknown;
  let openingSince = 0;
  let retryAt = 0;
  let wasOpen = false;
  let closed = false;
  /** Who hears of changes, and how to end that. */
  const listeners = new Map<() => void, () => Promise<void>>();

  async function openNow(): Promise<Store> {
    try {
      const fresh = await open(wasOpen);
      if (closed) {
        await fresh.close();
        throw new StoreError("the store is closed");
      }
      live = fresh;
      for (const listener of listeners.keys()) void listen(fresh, listener);
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

  /** A file is closed before another one is opened in its place; a server's connections end when they can. */
  async function retire(old: Store): Promise<void> {
    if (live !== old) return;
    live = undefined;
    const closing = old.close();
    if (kind === "sqlite") await closing;
    else closing.catch(() => undefined);
  }

  /** Lets a listener hear of changes in this store, too. Never rejects: who looks for changes finds out that it is away. */
  async function listen(store: Store, listener: () => void): Promise<void> {
    try {
      const stop = await store.watchKeys?.(listener);
      if (stop && listeners.has(listener)) listeners.set(listener, stop);
      else await stop?.();
    } catch {
      // Without it changes are found at the next look.
    }
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
    if (opening === undefined) {
      opening = openNow();
      openingSince = performance.now();
    }
    // Not for each of those who ask one after the other.
    const left = openingSince + OPEN_MS - performance.now();
    const found = left > 0 ? await within(left, opening) : undefined;
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

  /** The same for what is asked all the time: a server that does not answer is connected to anew. */
  async function ask<Result>(work: (store: Store) => Promise<Result>): Promise<Result> {
    if (kind === "sqlite") return use(work);
    const used = await current();
    const asked = work(used);
    const answered = await within(
      answerMs,
      asked.then((result) => ({ result })),
    );
    if (answered !== undefined) return answered.result;
    await retire(used);
    throw new StoreError(`the database does not answer within ${answerMs / 1000} s`);
  }

  /** Hears of changes in every store that is opened from now on. */
  async function watchKeys(onChange: () => void): Promise<() => Promise<void>> {
    // An object of its own for every call, so that two with the same function are two.
    const listener = (): void => onChange();
    listeners.set(listener, async () => {});
    if (live !== undefined) await listen(live, listener);
    return async () => {
      const stop = listeners.get(listener);
      listeners.delete(listener);
      // On a dead connection it takes for ever.
      if (stop) await within(STOP_MS, stop());
    };
  }

  return {
    kind,
    insertKey: (key) => use((store) => store.insertKey(key)),
    findKeys: (idOrPrefix) => use((store) => store.findKeys(idOrPrefix)),
    listKeys: (filter) => use((store) => store.listKeys(filter)),
    revokeKey: (id, at) => use((store) => store.revokeKey(id, at)),
    rotateKey: (id, replacement, oldExpiresAt) =>
      use((store) => store.rotateKey(id, replacement, oldExpiresAt)),
    touchKeys: (lastUsed) => ask((store) => store.touchKeys(lastUsed)),
    keyChanges: (since) => ask((store) => store.keyChanges(since)),
    recordUsage: (rows) => ask((store) => store.recordUsage(rows)),
    usageReport: (query) => use((store) => store.usageReport(query)),
    usageTotals: (since) => use((store) => store.usageTotals(since)),
    prepareUsage: (at) => use(async (store) => store.prepareUsage?.(at)),
    pruneUsage: (before) => use((store) => store.pruneUsage(before)),
    ...(kind === "sqlite" ? {} : { watchKeys }),
    claimAnswer: (claim) => ask((store) => store.claimAnswer(claim)),
    renewAnswers: (ids, holder, until) => ask((store) => store.renewAnswers(ids, holder, until)),
    keepAnswer: (id, holder, answer, until) =>
      ask((store) => store.keepAnswer(id, holder, answer, until)),
    releaseAnswer: (id, holder) => ask((store) => store.releaseAnswer(id, holder)),
    pruneAnswers: (now, mostBytes) => use((store) => store.pruneAnswers(now, mostBytes)),
    ping: () => ask((store) => store.ping()),
    async close() {
      if (closed) return;
      closed = true;
      await live?.close();
    },
  };
}

/** A connection to a server mends itself; one to a file does not, if it was not the data or a lock that was in the way. */
function isBroken(store: Store, thrown: unknown): boolean {
  if (store.kind !== "sqlite" || !(thrown instanceof StoreError)) return false;
  return !thrown.rejected && !isBusy(thrown.cause);
}
