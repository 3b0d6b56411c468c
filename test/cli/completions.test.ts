import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { finished } from "../support/binary.ts";
import { makeFolder, type Folder } from "./run.ts";

let folder: Folder;
beforeAll(async () => {
  folder = makeFolder();
  const { stdout } = await folder.run(["completions", "bash"]);
  await Bun.write(join(folder.path, "xjp.bash"), stdout);
});
afterAll(() => folder.remove());

/** What bash offers after these words; the last one is being typed. */
async function offers(...words: readonly string[]): Promise<readonly string[]> {
  const script = `source xjp.bash
COMP_WORDS=(xjp "$@"); COMP_CWORD=$#
_xjp; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const shell = Bun.spawn(["bash", "--norc", "-euc", script, "bash", ...words], {
    cwd: folder.path,
    env: { PATH: process.env["PATH"] ?? "" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const { stdout, stderr } = await finished(shell);
  expect(stderr).toBe("");
  return stdout.split("\n").filter(Boolean);
}

describe("bash completes", () => {
  test.each<[readonly string[], readonly string[]]>([
    [["key"], ["keygen", "keys"]],
    [
      ["keys", ""],
      ["list", "show", "revoke", "rotate"],
    ],
    [["usage", "rep"], ["report"]],
    [
      ["completions", ""],
      ["bash", "zsh", "fish"],
    ],
    [["keygen", "acme", "--tok"], ["--tokens-per-day"]],
    [["chat", "--no"], ["--no-color"]],
    [["keys", "list", "--tenant", "keys", "--js"], ["--json"]],
    [["usage", "report", "--by", "m"], ["model"]],
    [
      ["usage", "report", "--format", ""],
      ["table", "csv", "json"],
    ],
    [["usage", "report", "--by", "day", "--format", "c"], ["csv"]],
    [
      ["usage", "report", "--format", "="],
      ["table", "csv", "json"],
    ],
    [["usage", "report", "--by", "=", "m"], ["model"]],
    [["keys", "list", "--tenant", "=", "keys", "--js"], ["--json"]],
    [["keys", "list", "--tenant", ""], []],
    [["keygen", ""], []],
    [["serve", "--config", ""], []],
  ])("%j", async (words, expected) => {
    expect(await offers(...words)).toEqual([...expected]);
  });

  test("every flag of every command", async () => {
    const { stdout } = await folder.run(["keygen", "--help"]);
    const flags = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name]) => name ?? "");
    expect(flags.length).toBeGreaterThan(10);
    expect(await offers("keygen", "-")).toEqual(expect.arrayContaining(flags));
  });
});

test.each(["zsh", "fish"])("the script for %s names every command and flag", async (shell) => {
  const { code, stdout, stderr } = await folder.run(["completions", shell]);
  expect([code, stderr]).toEqual([0, ""]);
  for (const word of [
    "serve",
    "keygen",
    "rotate",
    "report",
    "doctor",
    "tokens-per-day",
    "no-color",
    "make an API key and print it, once",
  ])
    expect(stdout).toContain(word);
});
