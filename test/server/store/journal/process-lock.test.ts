import { afterEach, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { tryLock } from "../../../../src/server/store/journal/process-lock.ts";
import { temporaryFolder } from "../temporary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, "x.lock");
});
afterEach(() => folder.remove());

/** A process that takes the lock and keeps it; resolves once it has. */
async function holder() {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "lock-child.ts"), path], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("held\n");
  return child;
}

test("only one has it, in one process as well, until it is released", () => {
  const lock = tryLock(path);
  expect(lock).toBeDefined();
  expect(tryLock(path)).toBeUndefined();
  expect(tryLock(path)).toBeUndefined();
  lock?.release();
  const next = tryLock(path);
  expect(next).toBeDefined();
  next?.release();
});

test("another process's lock ends with that process, killed or not", async () => {
  const child = await holder();
  expect(tryLock(path)).toBeUndefined();
  child.kill("SIGKILL");
  await child.exited;
  const lock = tryLock(path);
  expect(lock).toBeDefined();
  lock?.release();
});

test("trying in vain does not loosen the lock of the one who has it", async () => {
  const lock = tryLock(path);
  // Closing any descriptor of a file would drop a process's plain file locks on it.
  for (let round = 0; round < 5; round++) expect(tryLock(path)).toBeUndefined();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "lock-child.ts"), path], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  await child.stdin.end();
  expect(await new Response(child.stdout).text()).toBe("taken\n");
  lock?.release();
});

test("a path that cannot be locked is an error, not a lock held by somebody", async () => {
  expect(() => tryLock(join(folder.path, "none", "x.lock"))).toThrow("cannot be opened");
});
