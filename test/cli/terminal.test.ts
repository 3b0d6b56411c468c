import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { atTerminal, type Typist } from "./pty.ts";
import { makeFolder, object, stored, text, type Folder } from "./run.ts";

let folder: Folder;
let typist: Typist | undefined;
beforeAll(() => {
  folder = makeFolder();
});
afterEach(async () => {
  await typist?.close();
  typist = undefined;
});
afterAll(() => folder.remove());

async function revoking(): Promise<{ readonly id: string; readonly typist: Typist }> {
  const id = text(object(await folder.json(["keygen", "asked"]))["id"]);
  typist = atTerminal(folder, ["keys", "revoke", id]);
  await typist.sees(/Revoke the key XJP_[\w-]{8}… of tenant asked\? \[y\/N\] $/);
  return { id, typist };
}

test("revoking asks at a terminal, and yes revokes", async () => {
  const asked = await revoking();
  asked.typist.type("y\r");
  expect(await asked.typist.exited).toBe(0);
  await asked.typist.sees("✓ revoked the key");
  expect((await stored(folder, asked.id)).isActive).toBe(false);
});

test("Enter alone is no, and the exit code says that nothing was done", async () => {
  const asked = await revoking();
  asked.typist.type("\r");
  expect(await asked.typist.exited).toBe(1);
  await asked.typist.sees("nothing changed");
  expect((await stored(folder, asked.id)).isActive).toBe(true);
});

test.each([
  ["Ctrl-C", "\u0003"],
  ["Ctrl-D", "\u0004"],
])("%s at the question interrupts with 130", async (_name, key) => {
  const asked = await revoking();
  asked.typist.type(key);
  expect(await asked.typist.exited).toBe(130);
  expect((await stored(folder, asked.id)).isActive).toBe(true);
});

test("a terminal gets colours, unless NO_COLOR is set", async () => {
  typist = atTerminal(folder, ["--help"]);
  expect(await typist.exited).toBe(0);
  await typist.sees("Commands");
  expect(typist.raw()).toContain("\u001B[1mCommands\u001B[22m");
  await typist.close();
  typist = atTerminal(folder, ["--help"], { NO_COLOR: "1" });
  expect(await typist.exited).toBe(0);
  await typist.sees("Commands");
  expect(typist.raw()).not.toContain("\u001B[");
});

test("tables are cut to the width of the terminal", async () => {
  await folder.json(["keygen", "wide", "描".repeat(80)]);
  typist = atTerminal(folder, ["keys", "list", "--tenant", "wide"], { NO_COLOR: "1" });
  expect(await typist.exited).toBe(0);
  await typist.sees("wide");
  for (const line of typist.raw().split("\r\n"))
    expect(Bun.stringWidth(line)).toBeLessThanOrEqual(120);
});
