import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Journal } from "../../../src/server/store/journal.ts";
import { readSegment } from "../../../src/server/store/journal/files.ts";
import { encodeUsageLine } from "../../../src/server/store/journal/line.ts";
import { aRow, uuid } from "../../contract/records.ts";
import { refusal } from "../../support/rejection.ts";
import { waitFor } from "../../support/wait-for.ts";
import { createJournalRig, DEAD, type JournalRig } from "./journal/rig.ts";

let rig: JournalRig;
beforeEach(() => {
  rig = createJournalRig();
});
afterEach(() => rig.close());

/** Keeps rows, each in a turn of its own. */
const write = async (journal: Journal, from: number, to: number): Promise<void> => {
  for (let number = from; number < to; number++) await journal.keep(aRow(number));
};
const lines = (...numbers: readonly number[]): string =>
  numbers.map((number) => encodeUsageLine(aRow(number))).join("");
const stored = (): readonly number[] =>
  [...rig.store.rows.keys()].map((id) => Number(id.slice(-12)));

describe("writing", () => {
  test("a row is in a file that only this user may read when its promise resolves", async () => {
    const journal = await rig.open();
    await journal.keep(aRow(1));
    const [segment = ""] = rig.segments();
    expect(readFileSync(join(rig.directory, segment), "utf8")).toBe(lines(1));
    expect(statSync(join(rig.directory, segment)).mode & 0o777).toBe(0o600);
    expect(statSync(rig.directory).mode & 0o777).toBe(0o700);
    expect(journal.pending).toBe(1);
    expect(rig.store.batches).toEqual([]);
  });

  test("rows kept in one turn are in the file when their promises resolve", async () => {
    const journal = await rig.open();
    const kept = [journal.keep(aRow(1)), journal.keep(aRow(2))];
    expect(journal.pending).toBe(2);
    await kept[0];
    const [segment = ""] = rig.segments();
    expect(readFileSync(join(rig.directory, segment), "utf8")).toBe(lines(1, 2));
    await kept[1];
    await journal.keep(aRow(3));
    expect(readFileSync(join(rig.directory, segment), "utf8")).toBe(lines(1, 2, 3));
    await journal.flush();
    expect(stored()).toEqual([1, 2, 3]);
  });

  test("rows kept a moment before a flush or the end go with it", async () => {
    const journal = await rig.open();
    const first = journal.keep(aRow(1));
    await journal.flush();
    expect(stored()).toEqual([1]);
    const second = journal.keep(aRow(2));
    await journal.close();
    expect(stored()).toEqual([1, 2]);
    await Promise.all([first, second]);
    expect(journal.lost).toBe(0);
  });

  test("a flush moves everything into the store in order and removes the files", async () => {
    const journal = await rig.open();
    for (let number = 0; number < 1_200; number++) void journal.keep(aRow(number));
    await journal.flush();
    expect(stored()).toEqual(Array.from({ length: 1_200 }, (_, number) => number));
    expect(rig.store.rows.get(uuid(7))).toEqual(aRow(7));
    expect(rig.store.batches).toEqual([500, 500, 200]);
    expect(journal.pending).toBe(0);
    expect(rig.segments()).toEqual([]);
  });

  test("rows are moved by themselves, after a while or when they are many", async () => {
    const patient = await rig.open({ flushMs: 1 });
    await patient.keep(aRow(1));
    await waitFor("the timer", () => rig.store.rows.size === 1);
    await patient.close();
    const journal = await rig.open();
    await write(journal, 2, 2002);
    await waitFor("a full segment", () => rig.store.rows.size === 2001);
    expect(journal.pending).toBe(0);
  });

  test("closing stores what is left and leaves an empty folder", async () => {
    const journal = await rig.open();
    await write(journal, 0, 3);
    await journal.close();
    await journal.close();
    expect(rig.store.rows.size).toBe(3);
    expect(readdirSync(rig.directory)).toEqual(["claim.lock"]);
    await journal.keep(aRow(9));
    expect(journal.lost).toBe(1);
  });

  test("the folder may vanish meanwhile", async () => {
    const journal = await rig.open();
    await journal.keep(aRow(1));
    rmSync(rig.directory, { recursive: true });
    await journal.keep(aRow(2));
    await journal.flush();
    await journal.keep(aRow(3));
    await journal.flush();
    expect(stored()).toEqual([1, 2, 3]);
    expect(rig.errors).toEqual([]);
  });
});

describe("what dead processes left", () => {
  test("is stored in order before the journal opens, and cleared away", async () => {
    rig.leave(`${DEAD}-00000001.jsonl`, lines(1, 2));
    rig.leave(`${DEAD}-00000002.jsonl`, lines(3));
    rig.leave(`${DEAD}.lock`, "");
    rig.leave("99-ffffffffffffffff-00000007.jsonl", lines(4));
    rig.leave("1-aaaaaaaaaaaaaaaa.lock", "");
    const journal = await rig.open();
    expect(stored().toSorted((one, two) => one - two)).toEqual([1, 2, 3, 4]);
    expect(
      readdirSync(rig.directory).filter((file) => !file.startsWith(`${process.pid}-`)),
    ).toEqual(["claim.lock"]);
    expect(journal.pending).toBe(0);
    expect(rig.errors).toEqual([]);
  });

  test("that is not a journal's is left alone", async () => {
    rig.leave("notes.txt", "mine");
    rig.leave("rejected.jsonl", lines(1));
    await rig.open();
    expect(rig.store.rows.size).toBe(0);
    expect(readFileSync(join(rig.directory, "notes.txt"), "utf8")).toBe("mine");
    expect(existsSync(join(rig.directory, "rejected.jsonl"))).toBe(true);
  });

  test("loses only the line that was torn, wherever it was torn", async () => {
    const last = lines(3);
    for (let cut = 1; cut < last.length - 1; cut += 7) {
      rig.store.rows.clear();
      rig.errors.length = 0;
      rig.leave(`${DEAD}-00000001.jsonl`, lines(1, 2) + last.slice(0, cut));
      const journal = await rig.open();
      expect(stored()).toEqual([1, 2]);
      expect(rig.errors).toEqual([
        expect.stringContaining("1 row was cut off when its process or the machine died"),
      ]);
      expect(journal.lost).toBe(0);
      await journal.close();
    }
  });

  test("is told about once, however often the store fails", async () => {
    rig.leave(`${DEAD}-00000001.jsonl`, `${lines(1)}damaged\n${lines(2)}torn`);
    rig.store.down = true;
    const journal = await rig.open();
    for (let round = 0; round < 3; round++) await journal.flush();
    expect(journal.lost).toBe(1);
    expect(rig.errors).toEqual([
      expect.stringContaining("1 row was cut off"),
      expect.stringContaining("1 damaged line"),
      "the store is down",
    ]);
  });

  test("keeps a last line that lacks nothing but its end", async () => {
    rig.leave(`${DEAD}-00000001.jsonl`, lines(1, 2).slice(0, -1));
    await rig.open();
    expect(stored()).toEqual([1, 2]);
    expect(rig.errors).toEqual([]);
  });

  test("and is damaged is put aside, counted and told; the rest is stored", async () => {
    rig.leave(`${DEAD}-00000001.jsonl`, `${lines(1)}\0\0\0\n{"id":7}\n\n${lines(2)}`);
    const journal = await rig.open();
    expect(stored()).toEqual([1, 2]);
    expect(journal.lost).toBe(2);
    expect(rig.errors).toEqual([expect.stringContaining("2 damaged lines in")]);
    expect(readFileSync(join(rig.directory, "rejected.jsonl"), "utf8")).toBe('\0\0\0\n{"id":7}\n');
    expect(rig.segments()).toEqual([]);
  });

  test("waits in its files while the store is down, also for the next one who opens", async () => {
    rig.leave(`${DEAD}-00000001.jsonl`, lines(1, 2));
    rig.store.down = true;
    const first = await rig.open();
    expect(first.pending).toBe(2);
    expect(rig.errors).toEqual(["the store is down"]);
    await first.close();
    rig.store.down = false;
    const second = await rig.open();
    expect(stored()).toEqual([1, 2]);
    expect(second.pending).toBe(0);
    expect(rig.segments()).toEqual([]);
  });

  test("of journals that are open elsewhere nothing is touched", async () => {
    const first = await rig.open();
    await first.keep(aRow(1));
    const second = await rig.open();
    expect(rig.store.rows.size).toBe(0);
    expect(second.pending).toBe(0);
    expect(rig.segments()).toHaveLength(1);
    await first.close();
    expect(stored()).toEqual([1]);
  });
});

describe("while the store is down", () => {
  test("rows stay in files, one report is made, and all are stored when it is back", async () => {
    const journal = await rig.open({ flushMs: 1 });
    for (let outage = 0; outage < 2; outage++) {
      rig.errors.length = 0;
      rig.notices.length = 0;
      rig.store.down = true;
      const before = rig.store.batches.length;
      await write(journal, outage * 10, outage * 10 + 5);
      await waitFor("several tries", () => rig.store.batches.length > before + 2);
      await write(journal, outage * 10 + 5, outage * 10 + 10);
      expect(journal.pending).toBe(10);
      expect(rig.errors).toEqual(["the store is down"]);
      expect(journal.fault).toBe("10 rows of usage wait for the store (the store is down)");
      rig.store.down = false;
      await waitFor("everything", () => journal.pending === 0);
      await journal.flush();
      expect(journal.fault).toBeUndefined();
      expect(rig.notices).toEqual([expect.stringContaining("the 10 rows that waited are stored")]);
    }
    expect(stored()).toEqual(Array.from({ length: 20 }, (_, number) => number));
    expect(journal.lost).toBe(0);
    expect(rig.segments()).toEqual([]);
  });

  test("it is asked less and less often", async () => {
    const journal = await rig.open({ flushMs: 4 });
    rig.store.down = true;
    await journal.keep(aRow(1));
    const begun = performance.now();
    await waitFor("five tries", () => rig.store.batches.length >= 5);
    // 4 + 8 + 16 + 32 ms between them.
    expect(performance.now() - begun).toBeGreaterThan(55);
  });

  test("only so many rows are kept in memory; the others come back from their files", async () => {
    const journal = await rig.open({ memoryRows: 100 });
    rig.store.down = true;
    await write(journal, 0, 250);
    await journal.flush();
    await journal.flush();
    await write(journal, 250, 430);
    expect(journal.pending).toBe(430);
    expect(rig.segments()).toHaveLength(5);
    // What is read back is what the files say, not what was in memory.
    const [segment = ""] = rig.segments();
    const file = join(rig.directory, segment);
    writeFileSync(file, readFileSync(file, "utf8").replace(`"request-7"`, `"from the file"`));
    rig.store.down = false;
    await journal.flush();
    expect(stored()).toEqual(Array.from({ length: 430 }, (_, number) => number));
    expect(rig.store.rows.get(uuid(7))?.requestId).toBe("from the file");
    expect(journal.pending).toBe(0);
    expect(journal.lost).toBe(0);
    expect(rig.segments()).toEqual([]);
  });

  test("closing leaves the rows to the next one who opens", async () => {
    const first = await rig.open();
    rig.store.down = true;
    await write(first, 0, 3);
    await first.close();
    rig.store.down = false;
    await rig.open();
    expect(stored()).toEqual([0, 1, 2]);
  });
});

describe("a row that the store refuses", () => {
  test("is put aside and does not hold up the others", async () => {
    const journal = await rig.open();
    rig.store.refused.add(uuid(3));
    await write(journal, 0, 10);
    await journal.flush();
    expect(stored()).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9]);
    expect(readFileSync(join(rig.directory, "rejected.jsonl"), "utf8")).toBe(lines(3));
    expect(journal.lost).toBe(1);
    expect(journal.pending).toBe(0);
    expect(rig.errors).toEqual([expect.stringContaining("refused a row (the row is bad)")]);
  });
});

describe("when the disk takes nothing", () => {
  test("rows are kept in memory and stored, with one report", async () => {
    const journal = await rig.open();
    rmSync(rig.directory, { recursive: true });
    // A file in place of the folder.
    writeFileSync(rig.directory, "");
    await write(journal, 0, 5);
    expect(journal.pending).toBe(5);
    expect(rig.errors).toEqual([expect.stringContaining("cannot be written")]);
    await journal.flush();
    expect(stored()).toEqual([0, 1, 2, 3, 4]);
    expect(journal.lost).toBe(0);
  });

  test("kept rows resolve all the same, and are stored from memory", async () => {
    const journal = await rig.open();
    rmSync(rig.directory, { recursive: true, force: true });
    writeFileSync(rig.directory, "");
    await Promise.all([journal.keep(aRow(1)), journal.keep(aRow(2))]);
    expect(journal.pending).toBe(2);
    await journal.flush();
    expect(stored()).toEqual([1, 2]);
    expect(rig.errors).toHaveLength(1);
    rmSync(rig.directory);
  });

  test("and the store is down too, memory is the limit, and the rest is counted as lost", async () => {
    const journal = await rig.open({ memoryRows: 10 });
    rig.store.down = true;
    rmSync(rig.directory, { recursive: true });
    writeFileSync(rig.directory, "");
    await write(journal, 0, 25);
    expect(journal.pending).toBe(10);
    expect(journal.lost).toBe(15);
    await journal.flush();
    await journal.close();
    expect(journal.lost).toBe(25);
    expect(rig.errors).toEqual([
      expect.stringContaining("cannot be written"),
      expect.stringContaining("usage is being lost, 1 rows so far"),
      "the store is down",
      expect.stringContaining("10 rows of usage are lost: neither disk nor store took them"),
    ]);
  });

  test("a real limit on file size tears lines, and still no stored row is damaged or doubled", async () => {
    const script = join(import.meta.dir, "journal/limit-child.ts");
    // Without the signal ignored, the kernel would kill the process at the limit instead of failing the write.
    const child = Bun.spawn(
      [
        "sh",
        "-c",
        'trap "" XFSZ; ulimit -f 9; exec "$0" "$@"',
        process.execPath,
        script,
        rig.directory,
      ],
      { stdout: "pipe", stderr: "inherit" },
    );
    const report: unknown = JSON.parse(await new Response(child.stdout).text());
    expect(await child.exited).toBe(0);
    // Twice 22 rows in files of 4.5 KiB and 50 in memory, and some that the second file took from there.
    expect(report).toEqual({
      lost: 98,
      pending: 102,
      stored: 102,
      lostAtEnd: 98,
      errors: [
        expect.stringContaining("the disk took only a part of the line"),
        expect.stringContaining("usage is being lost, 1 rows so far"),
        expect.stringContaining("the store is down"),
      ],
    });
  });
});

describe("opening", () => {
  test("a folder that cannot be made is refused with what to do", async () => {
    const file = join(dirname(rig.directory), "file");
    writeFileSync(file, "");
    expect(await refusal(rig.open({ directory: join(file, "journal") }))).toMatch(
      /^journal \S+: cannot be created \(.*\): give this user write access to the folder above it$/,
    );
  });
});

describe("when the disk recovers", () => {
  test("what only memory had goes into a file, so that a death afterwards loses nothing", async () => {
    const journal = await rig.open({ flushMs: 1 });
    expect(journal.fault).toBeUndefined();
    rig.store.down = true;
    rmSync(rig.directory, { recursive: true });
    writeFileSync(rig.directory, "");
    await write(journal, 1, 4);
    expect(journal.fault).toContain("3 rows of usage are in memory only, 0 are lost");
    rmSync(rig.directory);
    await waitFor("the disk to be tried again", () => rig.notices.length > 0, 3_000);
    expect(journal.fault).toBe("3 rows of usage wait for the store (the store is down)");
    const [segment = ""] = rig.segments();
    expect(readSegment(join(rig.directory, segment)).rows).toEqual([aRow(1), aRow(2), aRow(3)]);
    expect(rig.notices).toEqual([expect.stringContaining("can be written again")]);
    expect(journal.pending).toBe(3);
    rig.store.down = false;
    await waitFor("everything", () => journal.pending === 0);
    expect(stored()).toEqual([1, 2, 3]);
    expect(journal.lost).toBe(0);
  });
});
