/**
 * Usage on its way to the store. What happens is appended to a file at once, so that it survives `kill -9` (the kernel has it): that
 * a request is about to go to a provider, and the row with which it ends. Rows are moved into the store in batches; requests that
 * never ended, because their process died, become rows of status `lost` when the next process opens the journal.
 *
 * Nothing of it survives the machine losing power, for that would cost a disk sync per request, and a lost disk takes along what
 * the store did not have yet: usually a quarter of a second's rows. A segment file is removed when all its rows are stored; a crash
 * in between stores them again, which changes nothing, since a row is stored once by its id.
 *
 * While the store is down, rows stay in their segments and at most `memoryRows` (twice, at worst) also in memory. While the disk
 * is full they stay in memory only, and go into a file as soon as it takes them; what finds no room is lost, counted and shouted
 * about.
 */
import { createRoster } from "../roster.ts";
import { createBacklog } from "./journal/backlog.ts";
import { createDrain, spill } from "./journal/drain.ts";
import { claimWriters, countRows, type DeadWriter, removeWriter } from "./journal/files.ts";
import { createHead, type Drafting, type Segment } from "./journal/head.ts";
import { encodeDraftLine, encodeUsageLine } from "./journal/line.ts";
import { type Store, StoreError, type UsageRow } from "./store.ts";
import { wordsOf } from "../words.ts";

export type Journal = {
  /**
   * Notes that a request is about to go to a provider; when the promise resolves, the note survives the death of the process (not
   * of the machine). If the process dies before `keep` gets the row of this request, the next one stores what it drafted last: it
   * is asked then, and again every few seconds. The same one again renews the note. Never rejects.
   */
  begin(request: Drafting): Promise<void>;
  /**
   * Keeps the row with which a request ended, which `begin` knows if it was noted: the promise resolves when it survives likewise,
   * and an answer must not end before. Never rejects. Notes and rows of one turn of the event loop are appended together: writing
   * costs as much as a good part of a request.
   */
  keep(row: UsageRow, request?: Drafting): Promise<void>;
  /** Rows not yet in the store. */
  readonly pending: number;
  /** Rows that reached neither a file nor the store, or that the store refused (those are kept in `rejected.jsonl`). */
  readonly lost: number;
  /** What an operator must mend; undefined when the disk takes rows and the store has them soon afterwards. */
  readonly fault: string | undefined;
  /** Tries to move everything pending into the store now. Never rejects. */
  flush(): Promise<void>;
  /**
   * Flushes once more and lets go. What the store would not take stays in the folder for the next journal opened there; requests
   * that are still under way leave their drafts.
   */
  close(): Promise<void>;
};

export type JournalOptions = {
  /** Several processes may share it. */
  readonly directory: string;
  readonly store: Pick<Store, "recordUsage">;
  /** How often rows are moved into the store. */
  readonly flushMs: number;
  /** Called once per outage of the store or of the disk, once a minute while rows are lost, and for what was damaged or refused. */
  readonly onError: (error: unknown) => void;
  /** Told what has mended itself, and what a dead process left. */
  readonly onNotice?: ((notice: string) => void) | undefined;
  /** Rows kept in memory while the store is down; 10,000 unless told. */
  readonly memoryRows?: number | undefined;
};

const LONGEST_BACKOFF_MS = 30_000;
/** A segment of so many rows need not wait for its time. Files cost more to make and to remove than hundreds of rows to write. */
const SEGMENT_ROWS = 2_000;
/** How old the drafts in the file may grow: the output of a stream that its process's death takes off the books. */
const CHECKPOINT_MS = 2_000;
/** The same while the store is down, when all checkpoints stay in the files. */
const OUTAGE_CHECKPOINT_MS = 30_000;
/** Between two segments, for each request under way. */
const REST_MS_A_DRAFT = 0.5;
const REFILE_MS = 1_000;
const QUIET_MS = 1_000;
const SHOUT_MS = 60_000;

/**
 * Opens a journal in `directory`, takes over what dead processes left there and stores that before it returns, unless the store
 * fails. Throws StoreError when the folder cannot be used.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { directory, store, flushMs, onError, onNotice = () => {} } = options;
  const memoryRows = options.memoryRows ?? 10_000;
  const { own, dead } = claimWriters(directory);

  const drafts = createRoster<Drafting>();
  let lost = 0;
  let shoutAt = 0;
  let refileAt = 0;
  let quietUntil = 0;
  let storeFailures = 0;
  let storeFault = "";
  let retryAt = 0;
  let sealedAt = performance.now();
  let checkpointAt = sealedAt + CHECKPOINT_MS;
  let draining = false;
  let flushSoon = false;
  let closed = false;
  let gathered = gathering();

  const head = createHead(own, drafts, (failure) => {
    const now = performance.now();
    // A disk with room for short lines and not for long ones fails and recovers all the time.
    if (now < quietUntil) return;
    quietUntil = now + QUIET_MS;
    onError(
      new StoreError(
        `journal ${directory}: cannot be written (${failure.message}): until it can, up to ${memoryRows} rows of usage are kept in memory only`,
        { cause: failure },
      ),
    );
  });
  const backlog = createBacklog(head, dead.flatMap(toSegments), memoryRows);
  const storeSegment = createDrain({
    directory,
    store,
    onError,
    onLost(rows) {
      lost += rows;
    },
    onCutOff: (requests) =>
      onNotice(
        `journal ${directory}: a process died with ${requests} request${requests === 1 ? "" : "s"} under way: on the books as lost`,
      ),
  });

  function lose(rows: number): void {
    lost += rows;
    const now = performance.now();
    if (now < shoutAt) return;
    shoutAt = now + SHOUT_MS;
    onError(
      new StoreError(
        `journal ${directory}: usage is being lost, ${lost} rows so far: neither disk nor store takes them`,
      ),
    );
  }

  /** Ends the current segment and lets it wait for the store. */
  function seal(): void {
    writeGathered();
    backlog.seal();
    sealedAt = performance.now();
    checkpointAt = sealedAt + CHECKPOINT_MS;
  }

  async function storeBacklog(): Promise<void> {
    for (let segment = backlog.first; segment !== undefined; segment = backlog.first) {
      await storeSegment(segment);
      backlog.shift();
      storeFailures = 0;
    }
  }

  async function drain(): Promise<void> {
    draining = true;
    flushSoon = false;
    try {
      // The current segment only when nothing is left behind it: an outage must not leave a file for every attempt.
      const waited = storeFailures > 0 ? backlog.rows : 0;
      await storeBacklog();
      seal();
      await storeBacklog();
      if (waited > 0) onNotice(`journal ${directory}: the ${waited} rows that waited are stored`);
    } catch (thrown) {
      storeFault = wordsOf(thrown);
      if (backlog.first !== undefined) spill(backlog.first);
      if (storeFailures === 0) onError(thrown);
      retryAt = performance.now() + Math.min(flushMs * 2 ** storeFailures, LONGEST_BACKOFF_MS);
      storeFailures += 1;
    } finally {
      draining = false;
    }
  }

  /** Has what is gathered written at the end of this turn of the event loop; the promise resolves when it is. */
  function writeSoon(): Promise<void> {
    if (!gathered.isAwaited) setImmediate(writeGathered);
    gathered.isAwaited = true;
    return gathered.written.promise;
  }

  /** Appends what was gathered, in one write. */
  function writeGathered(): void {
    const { rows, ended, notes, written } = gathered;
    if (rows.length + notes.length === 0) return;
    gathered = gathering();
    for (const request of ended) drafts.leave(request);
    const failed = head.failure !== undefined;
    let lines = rows.map(encodeUsageLine).join("");
    for (const request of notes) lines += encodeDraftLine(request.draft());
    const filed = head.append(lines);
    for (const request of notes) drafts.enter(request);
    const refused = backlog.admit(rows, filed);
    if (refused > 0) lose(refused);
    if (filed && failed) recover();
    if (head.segment.count >= memoryRows) {
      spill(head.segment);
      backlog.seal();
    }
    const enough = Math.max(SEGMENT_ROWS, drafts.count);
    if (head.segment.count >= enough && !flushSoon && storeFailures === 0) {
      flushSoon = true;
      setImmediate(() => void flush());
    }
    written.resolve();
  }

  /** The disk takes lines again: those that only memory has go first. */
  function recover(): void {
    backlog.refile(draining);
    if (head.failure !== undefined) return;
    shoutAt = 0;
    onNotice(
      `journal ${directory}: can be written again${lost > 0 ? `; ${lost} rows of usage are lost` : ""}`,
    );
  }

  let running: Promise<void> = Promise.resolve();
  const flush = (): Promise<void> => {
    writeGathered();
    running = running.then(drain);
    return running;
  };

  function tick(): void {
    const now = performance.now();
    if (head.failure !== undefined && now >= refileAt) {
      refileAt = now + REFILE_MS;
      recover();
    }
    if (drafts.count > 0 && now >= checkpointAt) {
      head.checkpoint();
      checkpointAt = now + (storeFailures > 0 ? OUTAGE_CHECKPOINT_MS : CHECKPOINT_MS);
    }
    if (draining || backlog.isEmpty || now < retryAt) return;
    // Every segment begins with all that is under way: of thousands, not four times a second.
    const rest = Math.min(drafts.count * REST_MS_A_DRAFT, CHECKPOINT_MS);
    if (backlog.first === undefined && now < sealedAt + rest) return;
    void flush();
  }

  await flush();
  const timer = setInterval(tick, flushMs);
  timer.unref();

  return {
    begin(request) {
      if (closed) return running;
      gathered.notes.push(request);
      return writeSoon();
    },
    keep(row, request) {
      if (closed) {
        lose(1);
        return running;
      }
      gathered.rows.push(row);
      if (request) {
        gathered.ended.push(request);
        forget(gathered.notes, request);
      }
      return writeSoon();
    },
    get pending() {
      return backlog.rows + gathered.rows.length;
    },
    get lost() {
      return lost;
    },
    get fault() {
      if (head.failure === undefined) {
        if (storeFailures === 0) return undefined;
        return `${backlog.rows} rows of usage wait for the store (${storeFault})`;
      }
      return `journal ${directory} cannot be written (${head.failure.message}): ${backlog.unfiled} rows of usage are in memory only, ${lost} are lost`;
    },
    flush,
    async close() {
      if (closed) return running;
      for (const request of new Set([...drafts.all, ...gathered.notes])) {
        gathered.rows.push(request.draft());
        gathered.ended.push(request);
      }
      gathered.notes.length = 0;
      writeGathered();
      closed = true;
      clearInterval(timer);
      await flush();
      for (const { path, heritage } of backlog) {
        if (heritage?.last === path) heritage.writer.lock.release();
      }
      const { unfiled, isEmpty } = backlog;
      if (unfiled > 0) {
        lost += unfiled;
        onError(
          new StoreError(
            `journal ${directory}: ${unfiled} rows of usage are lost: neither disk nor store took them`,
          ),
        );
      }
      try {
        head.close(isEmpty);
        if (isEmpty) removeWriter(own);
        else own.lock.release();
      } catch (thrown) {
        // Harmless: the next one who opens clears it away.
        onError(thrown);
      }
    },
  };
}

/** A dead writer's files as segments to store; one without any is ended at once. */
function toSegments(writer: DeadWriter): readonly Segment[] {
  const last = writer.segments.at(-1);
  if (last === undefined) {
    removeWriter(writer);
    return [];
  }
  const heritage = { writer, last, drafts: new Map<string, UsageRow>() };
  return writer.segments.map((path) => ({
    path,
    count: countRows(path),
    rows: undefined,
    unfiled: [],
    inspected: false,
    heritage,
  }));
}

/** A request that has ended in the turn in which it began needs no note. */
function forget(notes: Drafting[], request: Drafting): void {
  const index = notes.indexOf(request);
  if (index >= 0) notes.splice(index, 1);
}

/** What waits for the end of this turn of the event loop: rows, whose they are, and notes of requests that begin. */
function gathering(): {
  readonly rows: UsageRow[];
  readonly ended: Drafting[];
  readonly notes: Drafting[];
  readonly written: PromiseWithResolvers<void>;
  isAwaited: boolean;
} {
  return {
    rows: [],
    ended: [],
    notes: [],
    written: Promise.withResolvers(),
    isAwaited: false,
  };
}
