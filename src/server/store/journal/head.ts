/**
 * Where the journal writes: the segment that grows. It begins with a line for every request under way, so that older segments
 * may go as soon as their rows are stored, and what a dead process had under way is found in what it left.
 */
import type { Present, Roster } from "../../roster.ts";
import type { UsageRow } from "../store.ts";
import {
  createSegmentFile,
  removeFile,
  type SegmentFile,
  segmentPath,
  type Writer,
} from "./files.ts";
import { encodeDraftLine } from "./line.ts";

export type Segment = {
  readonly path: string;
  /** Rows not yet stored. */
  count: number;
  /** The same rows in memory; undefined when they must be read from the file. */
  rows: UsageRow[] | undefined;
  /** Those of them that the disk refused. */
  unfiled: UsageRow[];
  /** True once damage in the file has been told, or is known to be what a full disk left. */
  inspected: boolean;
  /** The dead process it was taken over from. */
  readonly heritage?: Heritage;
};

/** What a dead process left, over all its segments. */
export type Heritage = {
  readonly writer: Writer;
  /** Its last segment: when that is stored it is done with. */
  readonly last: string;
  /** Of the segments read so far: the rows of requests that were under way at their end. */
  readonly drafts: Map<string, UsageRow>;
};

export type Head = {
  readonly segment: Segment;
  /** Why the last write failed; undefined when the disk takes what it is given. */
  readonly failure: Error | undefined;
  /** True when all of the lines are in the file. */
  append(lines: string): boolean;
  /** Ends the segment, begins the next, and gives the ended one. */
  seal(): Segment;
  /** Writes anew what requests under way have come to. */
  checkpoint(): void;
  /** Lets go of the file, and removes it if it is of no use any more. */
  close(isDone: boolean): void;
};

/** A request under way: what knows the row that it would leave now. */
export type Drafting = Present & { draft(): UsageRow };

/** `drafts` are the requests under way. */
export function createHead(
  writer: Writer,
  drafts: Roster<Drafting>,
  onFailure: (error: Error) => void,
): Head {
  let number = 1;
  let segment = emptySegment(segmentPath(writer, number));
  let file: SegmentFile | undefined;
  let failure: Error | undefined;
  /** The requests under way are not, or not all, in the file. */
  let isBare = true;
  /** Segments without rows whose place another one has taken. */
  const outdated: string[] = [];

  const draftLines = (): string => {
    let lines = "";
    for (const request of drafts.all) lines += encodeDraftLine(request.draft());
    return lines;
  };

  function append(lines: string): boolean {
    let failed: Error | undefined;
    try {
      file ??= createSegmentFile(segment.path);
      const before = isBare && drafts.count > 0 ? draftLines() : "";
      failed = file.append(before + lines);
    } catch (thrown) {
      failed = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    isBare = failed !== undefined;
    if (failed !== undefined) {
      segment.inspected = true;
      if (failure === undefined) onFailure(failed);
    }
    failure = failed;
    return failed === undefined;
  }

  function clearAway(): void {
    while (outdated[0] !== undefined) {
      removeFile(outdated[0]);
      outdated.shift();
    }
  }

  function next(): void {
    file?.close();
    file = undefined;
    number += 1;
    segment = emptySegment(segmentPath(writer, number));
    isBare = true;
    // Before the old one can go.
    if (drafts.count > 0) append("");
  }

  return {
    get segment() {
      return segment;
    },
    get failure() {
      return failure;
    },
    append,
    seal() {
      const sealed = segment;
      next();
      return sealed;
    },
    checkpoint() {
      if (segment.count > 0) {
        append(draftLines());
        return;
      }
      outdated.push(segment.path);
      next();
      // Otherwise what the old one says still holds, though it is older.
      if (failure === undefined) clearAway();
    },
    close(isDone) {
      file?.close();
      file = undefined;
      if (!isDone) return;
      outdated.push(segment.path);
      clearAway();
    },
  };
}

function emptySegment(path: string): Segment {
  return { path, count: 0, rows: [], unfiled: [], inspected: false };
}
