/** The journal's way from a closed segment into the store. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { type Store, StoreError, type UsageRow } from "../store.ts";
import { readSegment, removeFile, removeWriter, type SegmentContent } from "./files.ts";
import type { Heritage, Segment } from "./head.ts";
import { encodeUsageLine } from "./line.ts";

export type DrainOptions = {
  readonly directory: string;
  readonly store: Pick<Store, "recordUsage">;
  readonly onError: (error: unknown) => void;
  readonly onLost: (rows: number) => void;
  /** Told how many requests a dead process had under way; their rows, with status `lost`, are on their way. */
  readonly onCutOff: (requests: number) => void;
};

/** One transaction; about 3 ms of the event loop on the embedded store. */
const BATCH_ROWS = 500;

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
  const { directory, store, onError, onLost, onCutOff } = options;

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
    const isNews = !segment.inspected;
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
    const { heritage } = segment;
    const cutOff = heritage === undefined ? [] : inherit(heritage, segment.path, content);
    if (isNews && cutOff.length > 0) onCutOff(cutOff.length);
    return [...content.rows, ...segment.unfiled, ...cutOff];
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
      const { heritage } = segment;
      if (heritage?.last === segment.path) removeWriter(heritage.writer);
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
        if (segment.heritage?.last === segment.path) segment.heritage.writer.lock.release();
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

/** Follows a dead process through its segments, in their order; after the last one, the rows of what it had under way. */
function inherit(
  heritage: Heritage,
  path: string,
  { rows, drafts }: SegmentContent,
): readonly UsageRow[] {
  for (const { id } of rows) heritage.drafts.delete(id);
  for (const [id, draft] of drafts) heritage.drafts.set(id, draft);
  return path === heritage.last ? [...heritage.drafts.values()] : [];
}
