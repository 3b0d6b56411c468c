import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { makeFolder, object, objects, type Folder } from "./run.ts";

let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => folder.remove());

function exists(): boolean {
  return existsSync(folder.database.slice("sqlite:".length));
}

test("a first run prints what it applies, a second changes nothing", async () => {
  const first = await folder.run(["migrate"]);
  expect([first.code, first.stderr]).toEqual([0, ""]);
  expect(first.stdout).toStartWith("applied 0001_");
  const second = await folder.run(["migrate"]);
  expect([second.code, second.stdout]).toEqual([0, ""]);
  expect(second.stderr).toMatch(/^nothing to do: the database is at version \d+$/m);
});

test("a dry run and a status show what is pending and make no file", async () => {
  const dry = await folder.run(["migrate", "--dry-run"]);
  expect([dry.code, exists()]).toEqual([0, false]);
  expect(dry.stdout).toStartWith("would apply 0001_");
  const status = await folder.run(["migrate", "--status"]);
  expect([status.code, exists()]).toEqual([0, false]);
  const lines = status.stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^0001_\S+ {2,}pending$/);
  expect(new Set(lines.map((line) => line.indexOf("pending"))).size).toBe(1);
});

test("programs get the same", async () => {
  const dry = object(await folder.json(["migrate", "--dry-run"]));
  expect(dry).toMatchObject({ dry_run: true, version: 0 });
  expect(objects(dry["applied"])[0]).toMatchObject({ number: 1 });
  const done = object(await folder.json(["migrate"]));
  expect(done["applied"]).toEqual(dry["applied"]);
  const status = object(await folder.json(["migrate", "--status"]));
  expect(status["version"]).toBe(done["version"]);
  for (const { applied_at } of objects(status["migrations"]))
    expect(applied_at).toMatch(/^\d{4}-.*Z$/);
});

test("a migration that does not exist is refused before anything is made", async () => {
  const { code, stdout, stderr } = await folder.run(["migrate", "--to", "999"]);
  expect([code, stdout, exists()]).toEqual([1, "", false]);
  expect(stderr).toContain("999");
});

test("another database is named on the command line", async () => {
  const { code } = await folder.run(["migrate", "--database", "sqlite:other.db"]);
  expect([code, exists(), existsSync(`${folder.path}/other.db`)]).toEqual([0, false, true]);
});

test("a database to copy to, without the one to copy from, is told what is missing", async () => {
  const half = await folder.run(["migrate", "--to", "sqlite:copy.db"]);
  expect([half.code, half.stdout]).toEqual([2, ""]);
  expect(half.stderr).toContain("--to with a database needs --from");
});

test("copying tells what it applies to either database", async () => {
  await folder.run(["migrate", "--to", "1"]);
  const copied = await folder.run(["migrate", "--from", folder.database, "--to", "sqlite:copy.db"]);
  expect(copied.code).toBe(0);
  expect(copied.stderr).toMatch(/^applied 0002_\S+ to the database of --from$/m);
  expect(copied.stderr).toMatch(/^applied 0001_\S+ to the database of --to$/m);
});
