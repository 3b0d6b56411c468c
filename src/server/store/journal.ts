/**
 * Usage rows on their way to the store. A row is appended to a file at once, so that it survives `kill -9` (the kernel has it),
 * and moved into the store in batches; it does not survive the machine losing power, for that would cost a disk sync per request.
 * A segment file is removed when all its rows are stored; a crash in between stores them again, which changes nothing.
 *
 * While the store is down, rows stay in their segments and at most `memoryRows` (twice, at worst) also in memory. While the disk
 * is full they stay in memory only; what finds no room there is lost, counted and shouted about.
 */
import { BATCH_ROWS, createDrain, type Segment, spill } from "./journal-drain.ts";
import {
  claimWriters,
  countLines,
  createSegmentFile,
  type DeadWriter,
  removeFile,
  removeWriter,
  type SegmentFile,
  segmentPath,
} from "./journal-files.ts";
import { type Store, StoreError, type UsageRow } from "./store.ts";
import { encodeUsageLine } from "./usage-line.ts";

export type Journal = {
  /** Appends one row; once it returns, the row survives the death of the process (not of the machine). Never throws. */
  write(row: UsageRow): void;
  /**
   * The same for many at once: the rows of one turn of the event loop are appended together, and each promise resolves when
   * its row survives. An answer must not end before that. Never rejects.
   */
  keep(row: UsageRow): Promise<void>;
  /** Rows not yet in the store. */
  readonly pending: number;
  /** Rows that reached neither a file nor the store, or that the store refused (those are kept in `rejected.jsonl`). */
  readonly lost: number;
  /** Tries to move everything pending into the store now. Never rejects. */
  flush(): Promise<void>;
  /** Flushes once more and lets go. What the store would not take stays in the folder for the next journal opened there. */
  close(): Promise<void>;
};

export type JournalOptions = {
  /** Several processes may share it. */
  readonly directory: string;
  readonly store: Pick<Store, "recordUsage">;
  /** How often rows are moved into the store. */
  readonly flushMs: number;
  /** Called once per outage of the store or of the disk, and for what was found damaged or refused. */
  readonly onError: (error: unknown) => void;
  /** Rows kept in memory while the store is down; 10,000 unless told. */
  readonly memoryRows?: number | undefined;
};

const LONGEST_BACKOFF_MS = 30_000;

/**
 * Opens a journal in `directory`, takes over what dead processes left there and stores that before it returns, unless the store
 * fails. Throws StoreError when the folder cannot be used.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { directory, store, flushMs, onError } = options;
  const memoryRows = options.memoryRows ?? 10_000;
  const { own, dead } = claimWriters(directory);

  /** Closed segments, oldest first; the first may be on its way into the store. */
  const queue: Segment[] = dead.flatMap(toSegments);
  let number = 1;
  let current = emptySegment();
  let file: SegmentFile | undefined;
  let lost = 0;
  let unfiled = 0;
  let diskFailed = false;
  let storeFailures = 0;
  let retryAt = 0;
  let draining = false;
  let flushSoon = false;
  let closed = false;
  let gathered = gathering();

  const storeSegment = createDrain({
    directory,
    store,
    onError,
    onLost(rows) {
      lost += rows;
    },
  });

  function emptySegment(): Segment {
    return { path: segmentPath(own, number), count: 0, rows: [], unfiled: [], inspected: false };
  }

  /** True when the rows are in the file, all of them. */
  function append(rows: readonly UsageRow[]): boolean {
    let failure: Error | undefined;
    try {
      file ??= createSegmentFile(current.path);
      failure = file.append(rows.map(encodeUsageLine).join(""));
    } catch (thrown) {
      failure = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    if (failure !== undefined && !diskFailed) {
      onError(
        new StoreError(
          `journal ${directory}: cannot be written (${failure.message}): until it can, up to ${memoryRows} rows of usage are kept in memory only`,
          { cause: failure },
        ),
      );
    }
    diskFailed = failure !== undefined;
    return failure === undefined;
  }

  /** Closes the current segment, if it has rows, and puts it in the queue. */
  function seal(): void {
    if (current.count === 0) return;
    file?.close();
    file = undefined;
    queue.push(current);
    number += 1;
    current = emptySegment();
  }

  async function drainQueue(): Promise<void> {
    for (let segment = queue[0]; segment !== undefined; segment = queue[0]) {
      await storeSegment(segment);
      unfiled -= segment.unfiled.length;
      queue.shift();
      storeFailures = 0;
    }
  }

  async function drain(): Promise<void> {
    draining = true;
    flushSoon = false;
    try {
      // The current segment only when nothing is left behind it: an outage must not leave a file for every attempt.
      await drainQueue();
      seal();
      await drainQueue();
    } catch (thrown) {
      if (queue[0] !== undefined) spill(queue[0]);
      if (storeFailures === 0) onError(thrown);
      retryAt = performance.now() + Math.min(flushMs * 2 ** storeFailures, LONGEST_BACKOFF_MS);
      storeFailures += 1;
    } finally {
      draining = false;
    }
  }

  function admit(row: UsageRow, filed: boolean): void {
    if (closed || (!filed && unfiled >= memoryRows)) {
      lost += 1;
      return;
    }
    if (!filed) {
      unfiled += 1;
      current.unfiled.push(row);
    }
    current.rows?.push(row);
    current.count += 1;
  }

  function write(rows: readonly UsageRow[]): void {
    const filed = !closed && append(rows);
    for (const row of rows) admit(row, filed);
    if (current.count >= memoryRows) {
      spill(current);
      seal();
    }
    if (current.count >= BATCH_ROWS && !flushSoon && storeFailures === 0) {
      flushSoon = true;
      setImmediate(() => void flush());
    }
  }

  function writeGathered(): void {
    const { rows, written } = gathered;
    if (rows.length === 0) return;
    gathered = gathering();
    write(rows);
    written.resolve();
  }

  let running: Promise<void> = Promise.resolve();
  const flush = (): Promise<void> => {
    writeGathered();
    running = running.then(drain);
    return running;
  };

  await flush();
  const timer = setInterval(() => {
    if (draining || current.count + queue.length === 0 || performance.now() < retryAt) return;
    void flush();
  }, flushMs);
  timer.unref();

  return {
    write: (row) => write([row]),
    keep(row) {
      // One system call for all whose answers end together; it costs as much as a good part of a request.
      if (gathered.rows.push(row) === 1) setImmediate(writeGathered);
      return gathered.written.promise;
    },
    get pending() {
      return queue.reduce(
        (sum, segment) => sum + segment.count,
        current.count + gathered.rows.length,
      );
    },
    get lost() {
      return lost;
    },
    flush,
    async close() {
      if (closed) return running;
      writeGathered();
      closed = true;
      clearInterval(timer);
      await flush();
      file?.close();
      for (const segment of queue) segment.lastOf?.lock.release();
      if (unfiled > 0) {
        lost += unfiled;
        onError(
          new StoreError(
            `journal ${directory}: ${unfiled} rows of usage are lost: neither disk nor store took them`,
          ),
        );
      }
      if (queue.length > 0 || current.count > 0) {
        own.lock.release();
        return;
      }
      try {
        removeFile(current.path);
        removeWriter(own);
      } catch (thrown) {
        // Harmless: the next one who opens clears it away.
        onError(thrown);
      }
    },
  };
}

/** A dead writer's files as segments to store; one without any is ended at once. */
function toSegments(writer: DeadWriter): readonly Segment[] {
  if (writer.segments.length === 0) removeWriter(writer);
  return writer.segments.map((path, index) => ({
    path,
    count: countLines(path),
    rows: undefined,
    unfiled: [],
    inspected: false,
    ...(index === writer.segments.length - 1 ? { lastOf: writer } : {}),
  }));
}

/** Rows that wait for the end of this turn of the event loop. */
function gathering(): {
  readonly rows: UsageRow[];
  readonly written: PromiseWithResolvers<void>;
} {
  return { rows: [], written: Promise.withResolvers() };
}
