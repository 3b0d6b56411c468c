/** Keeps the copy of the keys on the local disk up to date. */
import { createAttempt } from "./attempt.ts";
import type { CachedKeys, KeyCache } from "./key-cache.ts";
import { wordsOf } from "../words.ts";

export type KeyCopy = {
  /** The store has told of changes. */
  changed(): void;
  /** The store has said at a Unix millisecond that nothing changed. */
  confirmed(at: number): void;
  /** What keeps it from being written; undefined when nothing does. */
  readonly fault: string | undefined;
  /** Writes it a last time. */
  close(): Promise<void>;
};

export type KeyCopyOptions = {
  readonly cache: KeyCache;
  /** How old a copy may be that is still of use; 0 is any age. Milliseconds. */
  readonly graceMs: number;
  /** What to write now. */
  readonly current: () => CachedKeys;
  /** Called once per outage of the disk. */
  readonly onError: (error: unknown) => void;
};

/** From a change until it is copied: several come together. */
const SAVE_MS = 500;
/** How old the copy's date may become when nothing changes. */
const RENEW_MS = 600_000;

/** Writes nothing until it is told of something; several changes at a time make one copy. */
export function createKeyCopy({ cache, graceMs, current, onError }: KeyCopyOptions): KeyCopy {
  const renewMs = graceMs > 0 ? Math.min(RENEW_MS, graceMs / 10) : RENEW_MS;
  let savedAt = Number.NEGATIVE_INFINITY;
  let fault: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let saving: Promise<void> = Promise.resolve();

  const attempt = createAttempt((error) => {
    fault = wordsOf(error);
    onError(error);
  });

  function save(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    saving = saving.then(async () => {
      const copied = current();
      // Also when it fails: then it is tried again as if it had become too old.
      savedAt = copied.asOf;
      if (await attempt(() => cache.save(copied))) fault = undefined;
    });
    return saving;
  }

  function saveSoon(): void {
    timer ??= setTimeout(() => void save(), SAVE_MS);
    timer.unref();
  }

  return {
    changed: saveSoon,
    confirmed(at) {
      if (at - savedAt > (fault === undefined ? renewMs : SAVE_MS)) saveSoon();
    },
    get fault() {
      return fault;
    },
    close: save,
  };
}
