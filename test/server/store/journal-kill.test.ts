import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openJournal } from "../../../src/server/store/journal.ts";
import { openStore } from "../../../src/server/store/open.ts";
import { waitFor } from "../../support/wait-for.ts";
import { freshDatabase, temporaryFolder } from "./temporary.ts";

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
    [
      process.execPath,
      join(import.meta.dir, "journal-child.ts"),
      url,
      directory,
      notes,
      String(first),
    ],
    { stdin: "pipe", stdout: "ignore", stderr: "pipe" },
  );
}

function noted(notes: string): readonly number[] {
  if (!existsSync(notes)) return [];
  return readFileSync(notes, "utf8").trimEnd().split("\n").map(Number);
}

function stored(): readonly number[] {
  const database = new Database(path, { readonly: true });
  try {
    const rows = database.query<{ id: string }, []>("select id from usage_logs order by id").all();
    return rows.map((row) => Number(row.id.slice(-12)));
  } finally {
    database.close();
  }
}

async function replay(): Promise<readonly unknown[]> {
  const errors: unknown[] = [];
  const store = await openStore(url);
  const journal = await openJournal({
    directory,
    store,
    flushMs: 1_000,
    onError: (error) => errors.push(error),
  });
  expect(journal.pending).toBe(0);
  await journal.close();
  await store.close();
  return errors;
}

test("killed at any moment, every row whose write returned is stored, and none twice", async () => {
  const notes = join(folder.path, "notes");
  for (let life = 0; life < 8; life++) {
    const first = life * 1_000_000;
    const child = start(notes, first);
    // A different number of rows each time, some in the store, some on the way, some not yet.
    const enough = first + 20 + life * 700;
    await waitFor("the child to write", () => (noted(notes).at(-1) ?? -1) >= enough, 20_000);
    child.kill("SIGKILL");
    await child.exited;
    expect(child.signalCode).toBe("SIGKILL");
    expect(await new Response(child.stderr).text()).toBe("");
    // Every other life is replayed by the next child, the others here.
    if (life % 2 === 1) {
      await replay();
      const numbers = new Set(stored());
      expect(noted(notes).filter((number) => !numbers.has(number))).toEqual([]);
      // At most the one row that was written but not yet noted when the child died, a life.
      expect(numbers.size - noted(notes).length).toBeLessThanOrEqual(life + 1);
      expect(readdirSync(directory)).toEqual(["claim.lock"]);
    }
  }
}, 60_000);

test("processes that share a folder leave each other's rows alone until one dies", async () => {
  const notes = [join(folder.path, "notes-1"), join(folder.path, "notes-2")];
  const children = notes.map((file, index) => start(file, index * 1_000_000));
  for (const file of notes) {
    await waitFor("both to write", () => noted(file).length > 500, 20_000);
  }
  children[0]?.kill("SIGKILL");
  await children[0]?.exited;
  expect(await replay()).toEqual([]);
  const dead = noted(notes[0] ?? "");
  const numbers = new Set(stored());
  expect(dead.filter((number) => !numbers.has(number))).toEqual([]);
  // The living one still has its lock and goes on.
  expect(readdirSync(directory).filter((file) => file.endsWith(".lock"))).toHaveLength(2);
  const soFar = noted(notes[1] ?? "").length;
  await waitFor("the other to go on", () => noted(notes[1] ?? "").length > soFar + 500, 20_000);
  children[1]?.kill("SIGKILL");
  await children[1]?.exited;
  await replay();
  const all = new Set(stored());
  expect(noted(notes[1] ?? "").filter((number) => !all.has(number))).toEqual([]);
}, 60_000);
