import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  claimWriters,
  countRows,
  createSegmentFile,
  readSegment,
  removeFile,
  removeWriter,
  segmentPath,
} from "../../../../src/server/store/journal/files.ts";
import { temporaryFolder } from "../temporary.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

test("a line that went in half spoils none that comes after it", async () => {
  const child = Bun.spawn(
    [
      "sh",
      "-c",
      'trap "" XFSZ; ulimit -f 24; exec "$0" "$@"',
      process.execPath,
      join(import.meta.dir, "torn-child.ts"),
      join(folder.path, "segment.jsonl"),
    ],
    { stdout: "pipe", stderr: "inherit" },
  );
  const report: unknown = JSON.parse(await new Response(child.stdout).text());
  // Four lines went with the cut, and the first of them left its beginning.
  expect(report).toEqual({
    refused: true,
    taken: true,
    gone: 4,
    last: ["request-1000", "request-1001"],
    damaged: 1,
    torn: false,
  });
});

test("segments of a writer sort in the order in which they were written", () => {
  const { own } = claimWriters(folder.path);
  const paths = [1, 2, 9, 10, 99, 100, 12_345_678].map((number) => segmentPath(own, number));
  expect(paths.toSorted()).toEqual(paths);
  removeWriter(own);
});

test("a segment is only ever a new file", () => {
  const path = join(folder.path, "deep", "segment.jsonl");
  const segment = createSegmentFile(path);
  expect(segment.append("one\n")).toBeUndefined();
  expect(() => createSegmentFile(path)).toThrow("EEXIST");
  expect(segment.append("zwei ü\n")).toBeUndefined();
  segment.close();
  expect(readFileSync(path, "utf8")).toBe("one\nzwei ü\n");
  expect(countRows(path)).toBe(2);
  expect(readSegment(path)).toEqual({
    rows: [],
    drafts: new Map(),
    damaged: ["one", "zwei ü"],
    torn: false,
  });
  removeFile(path);
  removeFile(path);
  expect(countRows(path)).toBe(0);
});

test("of two who come for a dead writer, one gets it", () => {
  mkdirSync(folder.path, { recursive: true });
  writeFileSync(join(folder.path, "7-00000000000000aa-00000002.jsonl"), "");
  writeFileSync(join(folder.path, "7-00000000000000aa-00000001.jsonl"), "");
  const first = claimWriters(folder.path);
  const second = claimWriters(folder.path);
  expect(first.dead.map((writer) => writer.name)).toEqual(["7-00000000000000aa"]);
  expect(first.dead[0]?.segments).toEqual([
    join(folder.path, "7-00000000000000aa-00000001.jsonl"),
    join(folder.path, "7-00000000000000aa-00000002.jsonl"),
  ]);
  expect(second.dead).toEqual([]);
  // Given up instead of finished: the next one may have it.
  for (const writer of first.dead) writer.lock.release();
  const third = claimWriters(folder.path);
  expect(third.dead.map((writer) => writer.name)).toEqual(["7-00000000000000aa"]);
  for (const { own, dead } of [first, second, third]) {
    removeWriter(own);
    for (const writer of dead) removeFile(`${writer.base}.lock`);
  }
  for (const writer of third.dead) writer.lock.release();
  expect(readdirSync(folder.path).filter((file) => file.endsWith(".lock"))).toEqual(["claim.lock"]);
});
