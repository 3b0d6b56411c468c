/**
 * The files of the journal. Every writer (one open journal) has a lock, `WRITER.lock`, and segments, `WRITER-NUMBER.jsonl`, one
 * line of JSON a row, and a line for each request under way. WRITER is the process id, for people, and a random part that makes
 * it unique. A writer whose lock is free is dead, and its segments belong to whoever takes the lock.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { StoreError, type UsageRow } from "../store.ts";
import { countUsageLines, decodeUsageLine } from "./line.ts";
import { type ProcessLock, tryLock } from "./process-lock.ts";
import { wordsOf } from "../../words.ts";

/** Being created, or being judged dead: one process at a time, so that a lock is never seen before it is held. */
const CLAIM_LOCK = "claim.lock";
const CLAIM_WAIT_MS = 10_000;
const FILE_NAME = /^(\d+-[0-9a-f]{16})(?:-\d+\.jsonl|\.lock)$/;

export type Writer = {
  readonly name: string;
  /** The folder's path and the writer's name: what its files' paths begin with. */
  readonly base: string;
  readonly lock: ProcessLock;
};

/** A writer that died, now ours, and what it left, oldest first. */
export type DeadWriter = Writer & { readonly segments: readonly string[] };

export type SegmentContent = {
  readonly rows: readonly UsageRow[];
  /** The rows, by id, that requests leave which were under way at its end. */
  readonly drafts: ReadonlyMap<string, UsageRow>;
  /** Lines that hold no row. */
  readonly damaged: readonly string[];
  /** The last line had no end: its writer died, or the disk was full, in the middle of it. */
  readonly torn: boolean;
};

/** Makes the folder (mode 0700), a new writer in it, and takes over every dead one. Throws StoreError. */
export function claimWriters(directory: string): {
  readonly own: Writer;
  readonly dead: readonly DeadWriter[];
} {
  makeDirectory(directory);
  const claim = tryLock(join(directory, CLAIM_LOCK), CLAIM_WAIT_MS);
  if (claim === undefined) {
    throw new StoreError(
      `journal ${directory}: another process has kept ${CLAIM_LOCK} for ${CLAIM_WAIT_MS / 1000} s: end it`,
    );
  }
  try {
    const dead = claimDead(directory);
    const random = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
    const name = `${process.pid}-${random}`;
    const lock = tryLock(join(directory, `${name}.lock`));
    if (lock === undefined) throw new StoreError(`journal ${directory}: ${name}.lock is taken`);
    return { own: { name, base: join(directory, name), lock }, dead };
  } finally {
    claim.release();
  }
}

function claimDead(directory: string): readonly DeadWriter[] {
  const dead: DeadWriter[] = [];
  const files = readdirSync(directory).toSorted();
  for (const name of new Set(files.map((file) => FILE_NAME.exec(file)?.[1]))) {
    const lock = name === undefined ? undefined : tryLock(join(directory, `${name}.lock`));
    if (name === undefined || lock === undefined) continue;
    const segments = files.filter((file) => file.startsWith(`${name}-`));
    dead.push({
      name,
      base: join(directory, name),
      lock,
      segments: segments.map((file) => join(directory, file)),
    });
  }
  return dead;
}

/** Ends a writer that has no segments left. Throws what the file system throws. */
export function removeWriter(writer: Writer): void {
  // Removed while held: whoever opens the path afterwards finds a writer without segments.
  removeFile(`${writer.base}.lock`);
  writer.lock.release();
}

/** Removes a file that may never have been made. Throws what the file system throws. */
export function removeFile(path: string): void {
  if (existsSync(path)) unlinkSync(path);
}

export function segmentPath(writer: Writer, number: number): string {
  return `${writer.base}-${String(number).padStart(8, "0")}.jsonl`;
}

export type SegmentFile = {
  /** Undefined when the whole line is in the file, otherwise why it is not. */
  append(line: string): Error | undefined;
  close(): void;
};

/** Opens a new segment (mode 0600), making the folder again if it is gone. Throws what the file system throws. */
export function createSegmentFile(path: string): SegmentFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const descriptor = openSync(path, "ax", 0o600);
  // A line that went in half stays behind as a damaged line of its own.
  let torn = false;
  return {
    append(line) {
      const text = torn ? `\n${line}` : line;
      try {
        const written = writeSync(descriptor, text);
        if (written === Buffer.byteLength(text)) {
          torn = false;
          return undefined;
        }
        torn ||= written > 0;
        return new Error("the disk took only a part of the line");
      } catch (thrown) {
        return thrown instanceof Error ? thrown : new Error(String(thrown));
      }
    },
    close: () => closeSync(descriptor),
  };
}

/** Everything in a segment. Throws what the file system throws. */
export function readSegment(path: string): SegmentContent {
  const lines = readFileSync(path, "utf8").split("\n");
  const rows: UsageRow[] = [];
  const drafts = new Map<string, UsageRow>();
  const damaged: string[] = [];
  let torn = false;
  for (const [index, line] of lines.entries()) {
    const read = decodeUsageLine(line);
    if (read?.ended === true) {
      rows.push(read.row);
      drafts.delete(read.row.id);
    } else if (read !== undefined) drafts.set(read.row.id, read.row);
    else if (index === lines.length - 1) torn = line !== "";
    else if (line !== "") damaged.push(line);
  }
  return { rows, drafts, damaged, torn };
}

/** How many rows a segment has, without reading them; 0 when it cannot be read. */
export function countRows(path: string): number {
  try {
    return countUsageLines(readFileSync(path));
  } catch {
    return 0;
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    const said = wordsOf(thrown);
    throw new StoreError(
      `journal ${directory}: cannot be created (${said}): give this user write access to the folder above it`,
      { cause: thrown },
    );
  }
}
