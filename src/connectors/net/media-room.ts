/**
 * Room in memory for the files that are fetched for requests under way, one for all of them together. Who finds it full waits, and
 * its download with it. The request that has been there longest never does, or all might hold a part of what they need and wait
 * for each other; so the room can be exceeded by what one request may fetch.
 */
export type MediaRoom = {
  enter(): Share;
  /** Bytes, of all shares. */
  readonly held: number;
};

/** What one request has of it. */
export type Share = {
  /** Counts bytes that have come; with a promise where they must wait for room, which rejects when the signal aborts. */
  take(bytes: number, most: number, signal: AbortSignal): Promise<void> | undefined;
  give(bytes: number): void;
  /** What it holds is in use, as it is at first. */
  resume(): void;
  /** What it holds is for a later attempt. It goes when others need the room, and is counted no longer than `owner` lives. */
  rest(owner: Resting): void;
};

export type Resting = { forget(): void };

type Holder = { bytes: number; owner: WeakRef<Resting> | undefined };

type Waiter = {
  readonly holder: Holder;
  readonly bytes: number;
  readonly most: number;
  readonly go: () => void;
};

/** Empty room. */
export function createMediaRoom(): MediaRoom {
  /** In the order of their coming. */
  const active = new Set<Holder>();
  /** In the order in which they came to rest. */
  const resting = new Set<Holder>();
  const waiting = new Set<Waiter>();
  let held = 0;
  /** Of them, what rests. */
  let spare = 0;

  const count = (holder: Holder, bytes: number): void => {
    holder.bytes += bytes;
    held += bytes;
    if (resting.has(holder)) spare += bytes;
  };
  const isFirst = (holder: Holder): boolean => active.values().next().value === holder;
  const remove = (holder: Holder): void => {
    holder.owner?.deref()?.forget();
    count(holder, -holder.bytes);
    resting.delete(holder);
  };
  const fits = (bytes: number, most: number): boolean => {
    if (held - spare + bytes > most) return false;
    for (const holder of resting) {
      if (held + bytes <= most) break;
      remove(holder);
    }
    return true;
  };
  const letIn = (): void => {
    for (const waiter of waiting) {
      const { holder, bytes, most, go } = waiter;
      if (!isFirst(holder) && !fits(bytes, most)) continue;
      waiting.delete(waiter);
      count(holder, bytes);
      go();
    }
  };

  const wait = (
    holder: Holder,
    bytes: number,
    most: number,
    signal: AbortSignal,
  ): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { holder, bytes, most, go: resolve };
    const leave = (): void => {
      waiting.delete(waiter);
      reject(signal.reason);
    };
    waiting.add(waiter);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    return promise.finally(() => signal.removeEventListener("abort", leave));
  };

  return {
    enter() {
      const holder: Holder = { bytes: 0, owner: undefined };
      active.add(holder);
      return {
        take(bytes, most, signal) {
          if (!isFirst(holder) && !fits(bytes, most)) return wait(holder, bytes, most, signal);
          count(holder, bytes);
          return undefined;
        },
        give(bytes) {
          // It may have had to make room meanwhile.
          count(holder, -Math.min(bytes, holder.bytes));
          letIn();
        },
        resume() {
          if (resting.has(holder)) spare -= holder.bytes;
          resting.delete(holder);
          active.add(holder);
        },
        rest(owner) {
          // Those whose requests are over, the oldest first.
          for (const one of resting) {
            if (one.owner?.deref()) break;
            remove(one);
          }
          holder.owner = new WeakRef(owner);
          active.delete(holder);
          if (!resting.has(holder)) spare += holder.bytes;
          resting.add(holder);
          letIn();
        },
      };
    },
    get held() {
      return held;
    },
  };
}
