/**
 * Every key in memory, so that checking one costs no query, and a flood of unknown ones next to none: looks at the store are
 * shared by all who ask, start the less often the longer the flood lasts, and are not made at all for a key that was just found
 * to be unknown. A few hundred bytes a key.
 *
 * While the store is down the keys that are known go on working, also after a start, from a copy on the local disk. Nothing is
 * heard of revocations meanwhile; `heardAt` lets the caller put a limit to that.
 */
import { createAttempt } from "./attempt.ts";
import type { CachedKeys, KeyCache } from "./key-cache.ts";
import { createKeyCopy } from "./key-copy.ts";
import { createKeyWatch } from "./key-watch.ts";
import { createLooks, type LookResult } from "./looks.ts";
import { type KeyRecord, type Store, StoreError } from "./store.ts";
import { wordsOf } from "../words.ts";

export type Keyring = {
  /** Memory only, never touches the store. Says nothing about whether the key may be used: see `isActive`, `expiresAt`. */
  find(keyHash: string): KeyRecord | undefined;
  /**
   * For a key that `find` does not know, since it may have been made a moment ago: knows every key that was stored half a second
   * before the call. Throws StoreError when the store cannot be asked; soon, and without asking while it is known to be down.
   */
  seek(keyHash: string): Promise<KeyRecord | undefined>;
  /** Looks for changes; after it `find` knows every key stored before the call. False when the store could not be asked. */
  refresh(): Promise<boolean>;
  /** Notes that a key was used at a Unix millisecond; written in batches. */
  touch(id: string, at: number): void;
  readonly size: number;
  /** Unix milliseconds: when the store last said what keys there are. */
  readonly heardAt: number;
  /** Why the store could not be asked at the last look; undefined when it could. */
  readonly fault: string | undefined;
  /** What keeps the copy on the local disk from being written. */
  readonly cacheFault: string | undefined;
  /** Writes what `touch` noted. The store stays open. */
  close(): Promise<void>;
};

export type KeyringOptions = {
  /** How often changes are looked for; a key revoked elsewhere stops working this much later. */
  readonly pollMs: number;
  /** Called once per outage of the store or of the copy's disk; keys go on being served from memory. */
  readonly onError: (error: unknown) => void;
  /** Called when an outage of the store is over. */
  readonly onRecovered?: (() => void) | undefined;
  /** How often uses are written; 10 s unless told. */
  readonly touchMs?: number | undefined;
  /** The copy on the local disk. */
  readonly cache?: KeyCache | undefined;
  /** How old the copy may be at a start; 0 is any age, as is none. Milliseconds. */
  readonly graceMs?: number | undefined;
  /** Unix milliseconds; the machine's clock unless told. */
  readonly clock?: (() => number) | undefined;
};

/** How long a key that was found unknown is taken to be so, and how many are remembered. */
const UNKNOWN_MS = 500;
const MOST_UNKNOWN = 10_000;
/**
 * Reads every key, then follows changes. Throws StoreError if the first read fails, unless the store is down and there is a copy
 * that is not older than `graceMs`: then it opens with that, and reads as soon as the store can be read.
 */
export async function openKeyring(
  store: Pick<Store, "keyChanges" | "touchKeys" | "watchKeys">,
  options: KeyringOptions,
): Promise<Keyring> {
  const { pollMs, onError, touchMs = 10_000, cache, graceMs = 0, clock = Date.now } = options;
  const byHash = new Map<string, KeyRecord>();
  const hashes = new Map<string, string>();
  /** Hashes that were not found, and until when (`performance.now()`) that holds; the oldest first. */
  const unknown = new Map<string, number>();
  let version = 0;
  let heardAt = 0;
  let touched = new Map<string, number>();
  let closed = false;
  let fault: string | undefined;

  function forget(id: string): void {
    const hash = hashes.get(id);
    hashes.delete(id);
    // Another key may have taken the hash over.
    if (hash !== undefined && byHash.get(hash)?.id === id) byHash.delete(hash);
  }

  function put(keys: readonly KeyRecord[]): void {
    for (const key of keys) {
      forget(key.id);
      byHash.set(key.keyHash, key);
      hashes.set(key.id, key.keyHash);
    }
  }

  /** Answers whether anything changed. */
  async function read(): Promise<boolean> {
    const askedAt = clock();
    const since = version;
    const changes = await store.keyChanges(since);
    // All there are: the first time, or because the store is an older copy of itself.
    if (since === 0 || changes.version < since) {
      byHash.clear();
      hashes.clear();
    }
    for (const id of changes.removed) forget(id);
    put(changes.changed);
    version = changes.version;
    heardAt = askedAt;
    fault = undefined;
    return version !== since;
  }

  const attempt = createAttempt(onError, options.onRecovered);
  const attemptRead = (work: () => Promise<void>): Promise<boolean> =>
    attempt(() =>
      work().catch((thrown: unknown) => {
        fault = wordsOf(thrown);
        throw thrown;
      }),
    );
  const attemptWrite = createAttempt(onError);
  const copy =
    cache &&
    createKeyCopy({
      cache,
      graceMs,
      current: () => ({ keys: [...byHash.values()], asOf: heardAt }),
      onError,
    });

  async function look(): Promise<LookResult> {
    let changed = false;
    const answered = await attemptRead(async () => {
      changed = await read();
    });
    if (!answered) return "failed";
    if (changed) copy?.changed();
    else copy?.confirmed(heardAt);
    return changed ? "changed" : "same";
  }

  async function writeTouched(): Promise<void> {
    if (touched.size === 0) return;
    const batch = touched;
    touched = new Map();
    if (await attemptWrite(() => store.touchKeys(batch))) return;
    // What was noted meanwhile is newer.
    touched = new Map([...batch, ...touched]);
  }

  function noteUnknown(keyHash: string): void {
    const [oldest] = unknown.keys();
    if (oldest !== undefined && unknown.size >= MOST_UNKNOWN) unknown.delete(oldest);
    unknown.delete(keyHash);
    unknown.set(keyHash, performance.now() + UNKNOWN_MS);
  }

  let isDown = false;
  try {
    await read();
    copy?.changed();
  } catch (thrown) {
    // What will not mend itself is better told now than served around.
    if (thrown instanceof StoreError && thrown.needsSetup) throw thrown;
    const cached = cache && readCopy(cache, onError);
    if (cached === undefined || (graceMs > 0 && clock() - cached.asOf > graceMs)) throw thrown;
    put(cached.keys);
    heardAt = cached.asOf;
    isDown = true;
    await attemptRead(() => Promise.reject(thrown));
  }
  const looks = createLooks(look, isDown);

  const watch = createKeyWatch(store, () => void looks.refresh());
  void watch.begin();
  const poll = setInterval(() => {
    void watch.begin();
    void looks.refresh();
  }, pollMs);
  const write = setInterval(() => void writeTouched(), touchMs);
  poll.unref();
  write.unref();

  return {
    find: (keyHash) => byHash.get(keyHash),
    async seek(keyHash) {
      const until = unknown.get(keyHash);
      if (until !== undefined && performance.now() < until) return undefined;
      // The poll finds out when it is back.
      if (looks.isDown || !(await looks.refresh())) {
        throw new StoreError("the key is not among those known, and the database cannot be asked");
      }
      const found = byHash.get(keyHash);
      if (found === undefined) noteUnknown(keyHash);
      return found;
    },
    refresh: () => looks.refresh(),
    touch(id, at) {
      if (at > (touched.get(id) ?? 0)) touched.set(id, at);
    },
    get size() {
      return byHash.size;
    },
    get heardAt() {
      return heardAt;
    },
    get fault() {
      return fault;
    },
    get cacheFault() {
      return copy?.fault;
    },
    async close() {
      if (closed) return;
      closed = true;
      clearInterval(poll);
      clearInterval(write);
      await watch.close().catch(onError);
      await looks.close();
      await writeTouched();
      // Not of a store that was never heard of.
      if (version > 0) await copy?.close();
    },
  };
}

/** The copy, if there is one of any use. */
function readCopy(cache: KeyCache, onError: (error: unknown) => void): CachedKeys | undefined {
  try {
    const cached = cache.load();
    return cached !== undefined && cached.keys.length > 0 ? cached : undefined;
  } catch (thrown) {
    onError(thrown);
    return undefined;
  }
}
