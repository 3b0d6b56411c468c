import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import packageFile from "../../package.json" with { type: "json" };
import { makeFolder, object, type Folder } from "./run.ts";

let folder: Folder;
beforeAll(() => {
  folder = makeFolder();
});
afterAll(() => folder.remove());

describe("wrong usage ends with 2, on standard error alone", () => {
  test.each<[string, readonly string[]]>([
    ["which command? serve, keygen, keys,", []],
    ['unknown command "serv" (did you mean serve?)', ["serv"]],
    ['unknown command "keys lst" (did you mean list?)', ["keys", "lst"]],
    ['unknown command "toString"', ["toString"]],
    ['unknown command "keys constructor"', ["keys", "constructor"]],
    ["which command? list, show, revoke, rotate", ["keys"]],
    ["--json stands before the command: write xjp COMMAND --json", ["--json", "keys", "list"]],
    ["unknown flag -x", ["-x"]],
    ["unknown flag --jsno (did you mean --json?)", ["--jsno", "keys", "list"]],
    ["unknown flag --tennant (did you mean --tenant?)", ["keys", "list", "--tennant", "a"]],
    ['unexpected word "extra": this command takes none', ["version", "extra"]],
    ["missing TENANT", ["keygen"]],
    ["missing ID|PREFIX", ["keys", "show"]],
    ['SHELL: "tcsh" is not one of bash, zsh, fish', ["completions", "tcsh"]],
    ["--port: 70000 is not a port: write 0 to 65535", ["serve", "--port", "70000"]],
    ['--port: "-1" is not a whole number from 0 up', ["serve", "--port", "-1"]],
    ['RPM: "-5" is not a whole number from 0 up', ["keygen", "acme", "", "-5"]],
    ['--since: "-7d" is not a moment', ["usage", "report", "--since", "-7d"]],
    ['--port: "80x" is not a whole number from 0 up', ["serve", "--port", "80x"]],
    ['XJP_URL: "not an address" is not an address', ["models"]],
    ["--status only looks: leave out --dry-run and --to", ["migrate", "--status", "--to", "1"]],
  ])("%s", async (message, words) => {
    const { code, stdout, stderr } = await folder.run(words, {
      env: { XJP_URL: "not an address" },
    });
    expect(stderr).toStartWith(`xjp: ${message}`);
    expect(stderr).toMatch(/\n {5}xjp.* --help shows how it is used\n$/);
    expect(stderr).not.toMatch(/\bat .*\.ts:\d/);
    expect([code, stdout]).toEqual([2, ""]);
  });
});

describe("help", () => {
  test("lists every command with what it does, on standard output", async () => {
    const { code, stdout, stderr } = await folder.run(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const name of [
      "serve",
      "keygen",
      "keys",
      "usage",
      "chat",
      "models",
      "config",
      "migrate",
      "doctor",
      "completions",
      "version",
    ])
      expect(stdout).toMatch(new RegExp(`^  ${name} +\\w`, "m"));
  });

  test.each([
    "serve",
    "keygen",
    "keys",
    "keys list",
    "keys show",
    "keys revoke",
    "keys rotate",
    "usage",
    "usage report",
    "chat",
    "models",
    "config",
    "config check",
    "config print",
    "migrate",
    "doctor",
    "completions",
    "version",
  ])("of %s has an example of it and says the same by all three ways", async (name) => {
    const words = name.split(" ");
    const { code, stdout } = await folder.run([...words, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toStartWith(`xjp ${name} – `);
    expect(stdout).toMatch(new RegExp(`^Examples\\n(?:.*\\n)*.*xjp ${name}`, "m"));
    expect((await folder.run(["help", ...words])).stdout).toBe(stdout);
    expect((await folder.run([...words, "-h"])).stdout).toBe(stdout);
  });

  test.each([
    [["help", "help"], []],
    [["keys", "help"], ["keys"]],
    [
      ["keys", "help", "list"],
      ["keys", "list"],
    ],
  ])("is what %j asks for", async (words, meant) => {
    const { code, stdout } = await folder.run(words);
    expect([code, stdout]).toEqual([0, (await folder.run([...meant, "--help"])).stdout]);
  });

  test("of a command that is not there names the nearest one", async () => {
    const { code, stderr } = await folder.run(["help", "serv"]);
    expect(code).toBe(2);
    expect(stderr).toStartWith('xjp: unknown command "serv" (did you mean serve?)\n');
  });

  test("wins over anything else on the line", async () => {
    const { code, stdout } = await folder.run(["keygen", "--nonsense", "--help"]);
    expect([code, stdout.split("\n")[0]]).toEqual([
      0,
      "xjp keygen – make an API key and print it, once",
    ]);
  });
});

describe("the version", () => {
  test.each(["--version", "-v", "-V", "version"])("is what %s prints", async (word) => {
    expect(await folder.run([word])).toEqual({
      code: 0,
      stdout: `xjp ${packageFile.version}\n`,
      stderr: "",
    });
  });

  test("is told to programs with what it runs on", async () => {
    expect(object(await folder.json(["version"]))).toMatchObject({
      version: packageFile.version,
      bun: Bun.version,
      platform: process.platform,
    });
  });
});

describe("an error", () => {
  test("shows its stack only with --debug", async () => {
    const plain = await folder.run(["keys", "list"]);
    expect(plain.code).toBe(1);
    expect(plain.stderr).toContain("does not exist: run `xjp migrate` to create it");
    expect(plain.stderr.trimEnd().split("\n")).toHaveLength(1);
    const debug = await folder.run(["keys", "list", "--debug"]);
    expect(debug.code).toBe(1);
    expect(debug.stderr).toMatch(/\bat .*\.ts:\d/);
  });

  test("in the configuration is reported whole, by every command that needs it", async () => {
    const { code, stdout, stderr } = await folder.run(["keygen", "acme"], {
      env: { PORT: "x", XJP_LOG: "loud" },
    });
    expect([code, stdout]).toEqual([1, ""]);
    const [heading, ...faults] = stderr.trimEnd().split("\n");
    expect(heading).toBe("xjp: the configuration has 2 faults:");
    expect(faults.map((fault) => fault.split(": ")[1])).toEqual(["PORT", "XJP_LOG"]);
  });

  test("in the flags alone is wrong usage, and one that is not is none", async () => {
    const words = ["keygen", "acme", "--database", "mysql://x"];
    const flags = await folder.run(words);
    expect(flags.stderr).toStartWith("xjp: command line: --database: found a mysql: URL");
    expect(flags.code).toBe(2);
    const both = await folder.run(words, { env: { XJP_LOG: "loud" } });
    expect(both.code).toBe(1);
  });
});
