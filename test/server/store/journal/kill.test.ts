import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openJournal } from "../../../../src/server/store/journal.ts";
import { openStore } from "../../../../src/server/store/open.ts";
import { waitFor } from "../../../support/wait-for.ts";
import { freshDatabase, temporaryFolder } from "../temporary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
let url: string;
let directory: string;
beforeEach(async () => {
  folder = temporaryFolder();
  ({ path, url } = await freshDatabase(folder.path));
  directory = join(folder.path, "journal");
});
afterEach(() => folder.remove());

function start(notes: string, first: number) {
  return Bun.spawn(
    [process.execPath, join(import.meta.dir, "child.ts"), url, directory, notes, String(first)],
    { stdin: "pipe", stdout: "ignore", stderr: "pipe" },
  );
}

/** What the children noted: requests of which `begin`, and of which `keep`, was done. */
function noted(notes: string): { readonly begun: readonly number[]; readonly kept: Set<number> } {
  const lines = existsSync(notes) ? readFileSync(notes, "utf8").split("\n").slice(0, -1) : [];
  return {
    begun: lines.filter((line) => line.startsWith("+")).map(Number),
    kept: new Set(lines.filter((line) => !line.startsWith("+")).map(Number)),
  };
}

/** The status of every row in the store by the number of its request. */
function stored(): ReadonlyMap<number, string> {
  const database = new Database(path, { readonly: true });
  try {
    const rows = database
      .query<{ id: string; status: string }, []>("select id, status from usage_logs order by id")
      .all();
    const statuses = new Map(rows.map((row) => [Number(row.id.slice(-12)), row.status]));
    expect(statuses.size).toBe(rows.length);
    return statuses;
  } finally {
    database.close();
  }
}

/** Holds the store against the notes of so many lives; answers how many requests were lost. */
function compare(notes: string, lives: number): number {
  const { begun, kept } = noted(notes);
  const statuses = stored();
  expect(begun.filter((number) => !statuses.has(number))).toEqual([]);
  expect([...kept].filter((number) => statuses.get(number) !== "ok")).toEqual([]);
  // At most the one request that was begun but not yet noted when the child died, a life.
  expect(statuses.size - begun.length).toBeLessThanOrEqual(lives);
  return [...statuses.values()].filter((status) => status === "lost").length;
}

/** A kill stops a write of many lines in the middle; nobody was told yet that they are kept. */
function unexpected(errors: string): readonly string[] {
  return errors.split("\n").filter((error) => error !== "" && !error.includes("1 row was cut off"));
}

async function replay(): Promise<void> {
  const errors: string[] = [];
  const store = await openStore(url);
  const journal = await openJournal({
    directory,
    store,
    flushMs: 1_000,
    onError: (error) => errors.push(String(error)),
  });
  expect(journal.pending).toBe(0);
  await journal.close();
  await store.close();
  expect(unexpected(errors.join("\n"))).toEqual([]);
}

test("killed at any moment, every request that was begun has one row, and it is the right one", async () => {
  const notes = join(folder.path, "notes");
  for (let life = 0; life < 8; life++) {
    const first = life * 1_000_000;
    const child = start(notes, first);
    // A different number of rows each time, some in the store, some on the way, some not yet.
    const enough = first + 120 + life * 700;
    await waitFor("the child to write", () => (noted(notes).begun.at(-1) ?? -1) >= enough, 20_000);
    child.kill("SIGKILL");
    await child.exited;
    expect(child.signalCode).toBe("SIGKILL");
    expect(unexpected(await new Response(child.stderr).text())).toEqual([]);
    // Every other life is replayed by the next child, the others here.
    if (life % 2 === 1) {
      await replay();
      const lost = compare(notes, life + 1);
      // From 50 to 100 are under way at any time.
      expect(lost).toBeGreaterThan(0);
      expect(lost).toBeLessThanOrEqual(101 * (life + 1));
      expect(readdirSync(directory)).toEqual(["claim.lock"]);
    }
  }
}, 60_000);

test("processes that share a folder leave each other's rows alone until one dies", async () => {
  const notes = [join(folder.path, "notes-1"), join(folder.path, "notes-2")] as const;
  const children = notes.map((file, index) => start(file, index * 1_000_000));
  for (const file of notes) {
    await waitFor("both to write", () => noted(file).kept.size > 500, 20_000);
  }
  children[0]?.kill("SIGKILL");
  await children[0]?.exited;
  await replay();
  const { begun } = noted(notes[0]);
  const statuses = stored();
  expect(begun.filter((number) => !statuses.has(number))).toEqual([]);
  // Nothing that the living one has under way is taken for lost.
  const lost = [...statuses].filter(([number, status]) => number >= 1_000_000 && status === "lost");
  expect(lost).toEqual([]);
  // It still has its lock and goes on.
  expect(readdirSync(directory).filter((file) => file.endsWith(".lock"))).toHaveLength(2);
  const soFar = noted(notes[1]).kept.size;
  await waitFor("the other to go on", () => noted(notes[1]).kept.size > soFar + 500, 20_000);
  children[1]?.kill("SIGKILL");
  await children[1]?.exited;
  await replay();
  const all = stored();
  expect(noted(notes[1]).begun.filter((number) => !all.has(number))).toEqual([]);
}, 60_000);
