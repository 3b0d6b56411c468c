/**
 * Every key in memory, so that checking one costs no query, and a flood of unknown ones none either: looks at the store are
 * shared by all who ask and start at most one in `LOOK_GAP_MS`. A few hundred bytes a key.
 */
import type { KeyRecord, Store } from "./store.ts";

export type Keyring = {
  /** Memory only, never touches the store. Says nothing about whether the key may be used: see `isActive`, `expiresAt`. */
  find(keyHash: string): KeyRecord | undefined;
  /** Looks for changes; after it `find` knows every key stored before the call. Never rejects: while the store fails, nothing changes. */
  refresh(): Promise<void>;
  /** Notes that a key was used at a Unix millisecond; written in batches. */
  touch(id: string, at: number): void;
  readonly size: number;
  /** Writes what `touch` noted. The store stays open. */
  close(): Promise<void>;
};

export type KeyringOptions = {
  /** How often changes are looked for; a key revoked elsewhere stops working this much later. */
  readonly pollMs: number;
  /** Called once per outage of the store; keys go on being served from memory. */
  readonly onError: (error: unknown) => void;
  /** How often uses are written; 10 s unless told. */
  readonly touchMs?: number | undefined;
};

const LOOK_GAP_MS = 10;

/** Reads every key, then follows changes. Throws StoreError if the first read fails. */
export async function openKeyring(
  store: Pick<Store, "keyChanges" | "touchKeys">,
  options: KeyringOptions,
): Promise<Keyring> {
  const { pollMs, onError, touchMs = 10_000 } = options;
  const byHash = new Map<string, KeyRecord>();
  const hashes = new Map<string, string>();
  let version = 0;
  let touched = new Map<string, number>();
  let closed = false;

  function forget(id: string): void {
    const hash = hashes.get(id);
    hashes.delete(id);
    // Another key may have taken the hash over.
    if (hash !== undefined && byHash.get(hash)?.id === id) byHash.delete(hash);
  }

  async function look(): Promise<void> {
    const changes = await store.keyChanges(version);
    if (changes.version < version) {
      // The store is an older copy of itself and has told all it has.
      byHash.clear();
      hashes.clear();
    }
    for (const id of changes.removed) forget(id);
    for (const key of changes.changed) {
      forget(key.id);
      byHash.set(key.keyHash, key);
      hashes.set(key.id, key.keyHash);
    }
    version = changes.version;
  }

  const attemptRead = createAttempt(onError);
  const attemptWrite = createAttempt(onError);

  await look();
  let lastLook = performance.now();
  let waiting: Promise<void> | undefined;
  let looking: Promise<unknown> = Promise.resolve();

  /** A look that begins after this call: the one that others wait for already, or a new one. */
  function refresh(): Promise<void> {
    waiting ??= (async () => {
      await looking;
      const gap = lastLook + LOOK_GAP_MS - performance.now();
      if (gap > 0) await Bun.sleep(gap);
      waiting = undefined;
      if (closed) return;
      lastLook = performance.now();
      looking = attemptRead(look);
      await looking;
    })();
    return waiting;
  }

  async function writeTouched(): Promise<void> {
    if (touched.size === 0) return;
    const batch = touched;
    touched = new Map();
    if (await attemptWrite(() => store.touchKeys(batch))) return;
    // What was noted meanwhile is newer.
    touched = new Map([...batch, ...touched]);
  }

  const poll = setInterval(() => void refresh(), pollMs);
  const write = setInterval(() => void writeTouched(), touchMs);
  poll.unref();
  write.unref();

  return {
    find: (keyHash) => byHash.get(keyHash),
    refresh,
    touch(id, at) {
      if (at > (touched.get(id) ?? 0)) touched.set(id, at);
    },
    get size() {
      return byHash.size;
    },
    async close() {
      if (closed) return;
      closed = true;
      clearInterval(poll);
      clearInterval(write);
      await looking;
      await writeTouched();
    },
  };
}

/** Runs work that may fail: true when it did not, and one report for failures in a row. */
function createAttempt(
  onError: (error: unknown) => void,
): (work: () => Promise<void>) => Promise<boolean> {
  let failing = false;
  return async (work) => {
    try {
      await work();
      failing = false;
      return true;
    } catch (thrown) {
      if (!failing) onError(thrown);
      failing = true;
      return false;
    }
  };
}
