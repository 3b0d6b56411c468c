import { afterAll, beforeAll, expect, test } from "bun:test";
import { issueKey, plainTerms } from "../../src/cli/keys/_issue.ts";
import { migrate } from "../../src/server/store/migrate.ts";
import { openStore } from "../../src/server/store/open.ts";
import { finished, type Finished } from "../support/binary.ts";
import { mainFile, makeFolder, objects, type Folder } from "./run.ts";

const keys = 400;
let folder: Folder;
beforeAll(async () => {
  folder = makeFolder();
  await migrate(folder.database);
  const store = await openStore(folder.database);
  for (let made = 0; made < keys; made++)
    await store.insertKey(issueKey(plainTerms("many"), Date.now()).record);
  await store.close();
});
afterAll(() => folder.remove());

/** Runs `xjp keys list --json | reader` in bash; the exit code is that of the first to fail. */
function pipedTo(reader: string): Promise<Finished> {
  const script = `set -o pipefail; "$0" "$1" keys list --json | ${reader}`;
  const shell = Bun.spawn(["bash", "-c", script, process.execPath, mainFile], {
    cwd: folder.path,
    env: { PATH: process.env["PATH"] ?? "", ...folder.env },
    stdout: "pipe",
    stderr: "pipe",
  });
  return finished(shell);
}

test("a reader that goes away ends a command quietly", async () => {
  expect(await pipedTo("head -1")).toEqual({ stdout: "[\n", stderr: "", code: 0 });
});

test("a slow reader gets all of a result that no pipe can hold", async () => {
  // bash reads a pipe byte by byte, far behind whoever writes.
  const { stdout, code } = await pipedTo(
    `while IFS= read -r line; do printf '%s\\n' "$line"; done`,
  );
  expect(code).toBe(0);
  expect(stdout.length).toBeGreaterThan(200_000);
  expect(objects(JSON.parse(stdout))).toHaveLength(keys);
});

test.each(["keys", "version"])("a result that cannot be written is a failure: %s", async (word) => {
  const words = word === "keys" ? ["keys", "list", "--json"] : ["--version"];
  const child = Bun.spawn([process.execPath, mainFile, ...words], {
    cwd: folder.path,
    env: { PATH: process.env["PATH"] ?? "", ...folder.env },
    stdout: Bun.file("/dev/full"),
    stderr: "pipe",
  });
  expect(await new Response(child.stderr).text()).toStartWith(
    "xjp: cannot write the result to standard output: ENOSPC",
  );
  expect(await child.exited).toBe(1);
});

test("the version is not missed by a reader that has gone", async () => {
  const script = `exec 4> >(exec true); wait $!; "$0" "$1" --version >&4; echo $?`;
  const shell = Bun.spawn(["bash", "-c", script, process.execPath, mainFile], {
    env: { PATH: process.env["PATH"] ?? "", ...folder.env },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await finished(shell)).toEqual({ stdout: "0\n", stderr: "", code: 0 });
});
