/** The journal's way from a closed segment into the store. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { readSegment, removeFile, removeWriter, type Writer } from "./journal-files.ts";
import { type Store, StoreError, type UsageRow } from "./store.ts";
import { encodeUsageLine } from "./usage-line.ts";

export type Segment = {
  readonly path: string;
  /** Not yet stored. */
  count: number;
  /** The same rows in memory; undefined when they must be read from the file. */
  rows: UsageRow[] | undefined;
  /** Those of them that the disk refused. */
  unfiled: UsageRow[];
  /** True once damage in the file has been told, or is known to be what a full disk left of `unfiled`. */
  inspected: boolean;
  /** Whose last segment it is: a dead process that is done with when this is stored. */
  readonly lastOf?: Writer;
};

export type DrainOptions = {
  readonly directory: string;
  readonly store: Pick<Store, "recordUsage">;
  readonly onError: (error: unknown) => void;
  readonly onLost: (rows: number) => void;
};

/** One transaction; about 3 ms of the event loop on the embedded store. */
export const BATCH_ROWS = 500;

/** Lets go of rows in memory that their file has as well. */
export function spill(segment: Segment): void {
  if (segment.rows !== undefined && segment.rows.length > segment.unfiled.length) {
    segment.rows = undefined;
  }
}

/**
 * Makes the function that stores a whole segment and removes its file. It throws what the store throws, and may then be called
 * again; whatever is wrong with single rows or with the file is reported, counted and left behind.
 */
export function createDrain(options: DrainOptions): (segment: Segment) => Promise<void> {
  const { directory, store, onError, onLost } = options;

  function reject(lines: readonly string[], why: string): void {
    onLost(lines.length);
    try {
      appendFileSync(join(directory, "rejected.jsonl"), lines.join(""), { mode: 0o600 });
      onError(new StoreError(`journal ${directory}: ${why}; kept in rejected.jsonl`));
    } catch (thrown) {
      onError(new StoreError(`journal ${directory}: ${why}; lost`, { cause: thrown }));
    }
  }

  function load(segment: Segment): UsageRow[] {
    const content = readSegment(segment.path);
    const isNews = !segment.inspected && segment.unfiled.length === 0;
    segment.inspected = true;
    if (isNews && content.torn) {
      onError(
        new StoreError(
          `journal ${segment.path}: 1 row was cut off when its process or the machine died, and is skipped`,
        ),
      );
    }
    if (isNews && content.damaged.length > 0) {
      const lines = content.damaged.map((line) => `${line}\n`);
      reject(
        lines,
        `${lines.length} damaged line${lines.length === 1 ? "" : "s"} in ${segment.path}`,
      );
    }
    return [...content.rows, ...segment.unfiled];
  }

  async function record(rows: readonly UsageRow[]): Promise<void> {
    try {
      await store.recordUsage(rows);
    } catch (thrown) {
      if (!(thrown instanceof StoreError && thrown.rejected)) throw thrown;
      if (rows.length > 1) {
        for (const row of rows) await record([row]);
      } else {
        reject(rows.map(encodeUsageLine), `the store refused a row (${thrown.message})`);
      }
    }
  }

  function remove(segment: Segment): void {
    try {
      removeFile(segment.path);
      if (segment.lastOf !== undefined) removeWriter(segment.lastOf);
    } catch (thrown) {
      // Harmless but for the work: the next start stores the same rows again, which changes nothing.
      onError(
        new StoreError(`journal ${segment.path}: is stored but cannot be removed: remove it`, {
          cause: thrown,
        }),
      );
    }
  }

  return async (segment) => {
    if (segment.rows === undefined) {
      try {
        segment.rows = load(segment);
      } catch (thrown) {
        onLost(segment.count);
        onError(
          new StoreError(`journal ${segment.path}: cannot be read: left there for the next start`, {
            cause: thrown,
          }),
        );
        segment.lastOf?.lock.release();
        return;
      }
    }
    const rows = segment.rows;
    segment.count = rows.length;
    while (rows.length > 0) {
      const batch = rows.slice(0, BATCH_ROWS);
      await record(batch);
      rows.splice(0, batch.length);
      segment.count = rows.length;
      // Between two transactions requests have their turn.
      if (rows.length > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    remove(segment);
  };
}
