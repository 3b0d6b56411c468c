/** The rows that the store does not have yet: segments that wait for it, and what of them only memory has. */
import type { UsageRow } from "../store.ts";
import type { Head, Segment } from "./head.ts";
import { encodeUsageLine } from "./line.ts";

/** Written at once when the disk recovers: few, so that one with little room takes some. */
const REFILE_ROWS = 16;

export type Backlog = {
  /** The oldest segment that waits. */
  readonly first: Segment | undefined;
  readonly isEmpty: boolean;
  /** Rows, those of the head included. */
  readonly rows: number;
  /** Rows that only memory has. */
  readonly unfiled: number;
  /** Puts rows on the head's account; answers how many of the unfiled found no room. */
  admit(rows: readonly UsageRow[], filed: boolean): number;
  /** Ends the head's segment and lets it wait. */
  seal(): void;
  /** The first segment is stored. */
  shift(): void;
  /** Writes what only memory has into the head's file, as much as the disk takes; not of the first segment if that is in use. */
  refile(isFirstInUse: boolean): void;
  [Symbol.iterator](): Iterator<Segment>;
};

/** `memoryRows` bounds those that only memory has. */
export function createBacklog(head: Head, left: readonly Segment[], memoryRows: number): Backlog {
  const queue = [...left];
  let unfiled = 0;

  function admit(rows: readonly UsageRow[], filed: boolean): number {
    const { segment } = head;
    const room = filed ? rows.length : Math.max(0, memoryRows - unfiled);
    const admitted = rows.slice(0, room);
    if (!filed) {
      unfiled += admitted.length;
      segment.unfiled.push(...admitted);
    }
    segment.rows?.push(...admitted);
    segment.count += admitted.length;
    return rows.length - admitted.length;
  }

  return {
    get first() {
      return queue[0];
    },
    get isEmpty() {
      return queue.length === 0 && head.segment.count === 0;
    },
    get rows() {
      return queue.reduce((sum, segment) => sum + segment.count, head.segment.count);
    },
    get unfiled() {
      return unfiled;
    },
    admit,
    seal() {
      if (head.segment.count > 0) queue.push(head.seal());
    },
    shift() {
      unfiled -= queue.shift()?.unfiled.length ?? 0;
    },
    refile(isFirstInUse) {
      // Something must be written, or a full disk would take it.
      if (!head.append("\n")) return;
      for (const segment of [...queue.slice(isFirstInUse ? 1 : 0), head.segment]) {
        const moved = new Set<UsageRow>();
        for (const rows of portions(segment.unfiled)) {
          if (!head.append(rows.map(encodeUsageLine).join(""))) break;
          for (const row of rows) moved.add(row);
        }
        segment.unfiled = segment.unfiled.slice(moved.size);
        unfiled -= moved.size;
        if (segment !== head.segment && moved.size > 0) {
          segment.rows = segment.rows?.filter((row) => !moved.has(row));
          segment.count -= moved.size;
          admit([...moved], true);
        }
        if (head.failure !== undefined) return;
      }
    },
    [Symbol.iterator]: () => queue.values(),
  };
}

function* portions(rows: readonly UsageRow[]): Generator<readonly UsageRow[]> {
  for (let from = 0; from < rows.length; from += REFILE_ROWS) {
    yield rows.slice(from, from + REFILE_ROWS);
  }
}
