import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Journal, openJournal } from "../../../../src/server/store/journal.ts";
import { temporaryFolder } from "../temporary.ts";
import { memoryStore } from "./memory-store.ts";

const NEVER = 3_600_000;

/** The name of a writer whose process is no more. */
export const DEAD = "4711-0123456789abcdef";

export type JournalRig = ReturnType<typeof createJournalRig>;

/** A folder for journals above a store in memory, and what they say. */
export function createJournalRig() {
  const folder = temporaryFolder();
  const directory = join(folder.path, "journal");
  const store = memoryStore();
  const errors: string[] = [];
  const notices: string[] = [];
  const journals: Journal[] = [];
  return {
    directory,
    store,
    errors,
    notices,
    /** Opens one more journal. It flushes only when it is told to, unless `flushMs` is given. */
    async open(
      options: { directory?: string; flushMs?: number; memoryRows?: number } = {},
    ): Promise<Journal> {
      const journal = await openJournal({
        directory: options.directory ?? directory,
        store,
        flushMs: options.flushMs ?? NEVER,
        memoryRows: options.memoryRows,
        onError: (error) => errors.push(error instanceof Error ? error.message : String(error)),
        onNotice: (notice) => notices.push(notice),
      });
      journals.push(journal);
      return journal;
    },
    /** The names of all segments, in the order in which they were written. */
    segments(): readonly string[] {
      return readdirSync(directory)
        .filter((file) => /-\d+\.jsonl$/.test(file))
        .toSorted();
    },
    /** Puts down what a dead process left. */
    leave(name: string, content: string): void {
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, name), content);
    },
    async close(): Promise<void> {
      for (const journal of journals) await journal.close();
      folder.remove();
    },
  };
}
