import type { Store } from "./store.ts";

/** Listens for changes of keys where the store tells of them. Looking for them at intervals goes on beside it. */
export type KeyWatch = {
  /** Begins to listen, unless it does already or the store is one that tells nothing. Never rejects: the next call tries again. */
  begin(): Promise<void>;
  close(): Promise<void>;
};

/** `onChange` is called for each change that the store tells of, whoever made it. */
export function createKeyWatch(store: Pick<Store, "watchKeys">, onChange: () => void): KeyWatch {
  let stop: (() => Promise<void>) | undefined;
  let begun = false;
  let closed = false;
  return {
    async begin() {
      if (begun || closed || !store.watchKeys) return;
      begun = true;
      try {
        stop = await store.watchKeys(onChange);
      } catch {
        // The store is away; who looks for changes says so.
        begun = false;
      }
    },
    async close() {
      closed = true;
      await stop?.();
    },
  };
}
