/** What usage needs from time to time: room for the rows of next month, and an end to those that are too old. */
import type { Store } from "./store.ts";
import { DAY_MS, startOfDay } from "./usage-span.ts";
import { within } from "../within.ts";

export type UpkeepOptions = {
  readonly store: Pick<Store, "prepareUsage" | "pruneUsage">;
  /** Whole days before today whose rows are kept; 0 is all. */
  readonly retentionDays: number;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** Told of rows that went for their age. */
  readonly onPruned: (rows: number) => void;
  /** Told once of failures in a row. */
  readonly onError: (error: unknown) => void;
};

export type Upkeep = {
  /** Does it once. Never rejects. */
  run(): Promise<void>;
  /** Ends it. Waits a moment for what is under way. */
  close(): Promise<void>;
};

const EVERY_MS = 3_600_000;
/** How long before its month begins the partition is made. */
const AHEAD_MS = 7 * DAY_MS;
const CLOSE_MS = 1_000;

/** Does it now and every hour. Several gateways on one database may do the same. */
export function startUpkeep(options: UpkeepOptions): Upkeep {
  const { store, retentionDays, clock, onPruned, onError } = options;
  let failing = false;
  let closed = false;

  async function once(): Promise<void> {
    try {
      const now = clock();
      await store.prepareUsage?.(now);
      await store.prepareUsage?.(now + AHEAD_MS);
      if (retentionDays > 0) {
        const pruned = await store.pruneUsage(startOfDay(now) - retentionDays * DAY_MS);
        if (pruned > 0) onPruned(pruned);
      }
      failing = false;
    } catch (thrown) {
      // A store that is being closed refuses what is under way.
      if (!failing && !closed) onError(thrown);
      failing = true;
    }
  }

  let last = Promise.resolve();
  const run = (): Promise<void> => (last = last.then(once));
  void run();
  const timer = setInterval(() => void run(), EVERY_MS);
  timer.unref();
  return {
    run,
    async close() {
      closed = true;
      clearInterval(timer);
      await within(CLOSE_MS, last);
    },
  };
}
