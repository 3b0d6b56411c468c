/** Requests under way: on the books before they go out, and after their process's death. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Journal } from "../../../../src/server/store/journal.ts";
import type { Drafting } from "../../../../src/server/store/journal/head.ts";
import { readSegment } from "../../../../src/server/store/journal/files.ts";
import type { UsageRow } from "../../../../src/server/store/store.ts";
import { encodeDraftLine, encodeUsageLine } from "../../../../src/server/store/journal/line.ts";
import { aRow } from "../../../contract/records.ts";
import { waitFor } from "../../../support/wait-for.ts";
import { createJournalRig, DEAD, type JournalRig } from "./rig.ts";

let rig: JournalRig;
beforeEach(() => {
  rig = createJournalRig();
});
afterEach(() => rig.close());

const draft = (number: number, fields: Partial<UsageRow> = {}): UsageRow =>
  aRow(number, { status: "lost", statusCode: 500, estimated: true, outputTokens: 0, ...fields });
let requests: Drafting[];
beforeEach(() => {
  requests = [];
});
const begin = async (journal: Journal, ...numbers: readonly number[]): Promise<void> => {
  await Promise.all(
    numbers.map((number) => journal.begin((requests[number] = { draft: () => draft(number) }))),
  );
};
const end = (journal: Journal, number: number): Promise<void> =>
  journal.keep(aRow(number), requests[number]);
const contents = (): string =>
  rig
    .segments()
    .map((file) => readFileSync(join(rig.directory, file), "utf8"))
    .join("");
const stored = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...rig.store.rows.values()].map((row) => [String(Number(row.id.slice(-12))), row.status]),
  );

/** What a dead process left in a segment: numbers are rows, negative ones requests under way. */
function leave(segment: number, ...numbers: readonly number[]): void {
  const lines = numbers.map((number) =>
    number < 0 ? encodeDraftLine(draft(-number)) : encodeUsageLine(aRow(number)),
  );
  rig.leave(`${DEAD}-0000000${segment}.jsonl`, lines.join(""));
}

describe("a request under way", () => {
  test("is in the file when begin is done, together with the rows of the same turn", async () => {
    const journal = await rig.open();
    const kept = end(journal, 1);
    await begin(journal, 2);
    expect(contents()).toBe(encodeUsageLine(aRow(1)) + encodeDraftLine(draft(2)));
    await kept;
    expect(journal.pending).toBe(1);
    await end(journal, 2);
  });

  test("never reaches the store, and its row does once", async () => {
    const journal = await rig.open();
    await begin(journal, 1, 2);
    await journal.flush();
    expect(rig.store.batches).toEqual([]);
    await end(journal, 2);
    await journal.flush();
    await end(journal, 1);
    await journal.flush();
    expect(stored()).toEqual({ "1": "ok", "2": "ok" });
    expect(rig.store.batches).toEqual([1, 1]);
    expect(rig.segments()).toEqual([]);
  });

  test("is carried into the next segment before the one that it stands in goes", async () => {
    const journal = await rig.open();
    await begin(journal, 1);
    for (const number of [2, 3, 4]) {
      await end(journal, number);
      await journal.flush();
      expect(rig.segments()).toHaveLength(1);
      expect(contents()).toBe(encodeDraftLine(draft(1)));
    }
    await end(journal, 1);
    await journal.flush();
    expect(rig.segments()).toEqual([]);
  });

  test("is asked again what it has come to, and leaves one file", async () => {
    const journal = await rig.open({ flushMs: 10 });
    let tokens = 0;
    await journal.begin((requests[1] = { draft: () => draft(1, { outputTokens: tokens }) }));
    tokens = 70;
    await waitFor(
      "a checkpoint",
      () => contents().includes(encodeDraftLine(draft(1, { outputTokens: 70 }))),
      4_000,
    );
    expect(rig.segments()).toHaveLength(1);
    expect(contents()).toBe(encodeDraftLine(draft(1, { outputTokens: 70 })));
    await end(journal, 1);
  });

  test("one of thousands makes the others no work four times a second", async () => {
    const journal = await rig.open({ flushMs: 1 });
    await begin(journal, ...Array.from({ length: 1_000 }, (_, number) => number));
    await end(journal, 0);
    await waitFor("the first segment", () => rig.store.rows.size === 1);
    const sealed = performance.now();
    await end(journal, 1);
    await waitFor("the second segment", () => rig.store.rows.size === 2);
    expect(performance.now() - sealed).toBeGreaterThan(400);
  });

  test("leaves its draft when the journal is closed under it", async () => {
    const journal = await rig.open();
    await begin(journal, 1, 2);
    await end(journal, 2);
    await journal.close();
    expect(stored()).toEqual({ "1": "lost", "2": "ok" });
    expect(readdirSync(rig.directory)).toEqual(["claim.lock"]);
  });

  test("is written as soon as the disk takes it, if it did not at once", async () => {
    const journal = await rig.open();
    rmSync(rig.directory, { recursive: true });
    writeFileSync(rig.directory, "");
    await begin(journal, 1, 2);
    expect(rig.errors).toEqual([expect.stringContaining("cannot be written")]);
    rmSync(rig.directory);
    await begin(journal, 3);
    const [segment = ""] = rig.segments();
    expect([...readSegment(join(rig.directory, segment)).drafts.values()]).toEqual([
      draft(1),
      draft(2),
      draft(3),
    ]);
  });
});

describe("a request that a dead process had under way", () => {
  test("is stored as lost, with what was known of it, and told once", async () => {
    leave(1, -1, -2, 2, -3);
    await rig.open();
    expect(stored()).toEqual({ "1": "lost", "2": "ok", "3": "lost" });
    expect(rig.store.rows.get(aRow(1).id)).toEqual(draft(1));
    expect(rig.notices).toEqual([expect.stringMatching(/died with 2 requests under way/)]);
    expect(rig.errors).toEqual([]);
    expect(rig.segments()).toEqual([]);
  });

  test("is not lost when its row stands in a later segment, wherever its line stands", async () => {
    leave(1, -1, -2, 9);
    leave(2, -1, -2, 1, 8);
    leave(3, -2, 2, -7);
    await rig.open();
    expect(stored()).toEqual({ "9": "ok", "1": "ok", "8": "ok", "2": "ok", "7": "lost" });
    expect(rig.notices).toEqual([expect.stringMatching(/died with 1 request under way/)]);
  });

  test("is found in an older segment when the newer one was torn as it began", async () => {
    leave(1, -1, -2, 9);
    leave(2, -1);
    const file = join(rig.directory, `${DEAD}-00000002.jsonl`);
    writeFileSync(file, readFileSync(file, "utf8").slice(0, -20));
    await rig.open();
    expect(stored()).toEqual({ "9": "ok", "1": "lost", "2": "lost" });
  });

  test("is stored once, whatever the store does meanwhile", async () => {
    leave(1, -1, 9);
    leave(2, -1, -2);
    rig.store.down = true;
    const first = await rig.open();
    for (let round = 0; round < 3; round++) await first.flush();
    expect(first.pending).toBe(1);
    await first.close();
    const second = await rig.open();
    rig.store.down = false;
    await second.flush();
    expect(stored()).toEqual({ "9": "ok", "1": "lost", "2": "lost" });
    expect(rig.notices.filter((notice) => notice.includes("under way"))).toHaveLength(1);
    expect(second.pending).toBe(0);
    expect(rig.segments()).toEqual([]);
  });

  test("does not undo the row of a request that did end", async () => {
    // Its row was stored, and the process died before the segment was removed.
    rig.store.rows.set(aRow(1).id, aRow(1));
    leave(1, -1);
    await rig.open();
    expect(stored()).toEqual({ "1": "ok" });
  });
});
