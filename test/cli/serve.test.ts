import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { cleanEnvironment } from "../support/binary.ts";
import { waitFor, within } from "../support/wait-for.ts";
import { mainFile, makeFolder, type Folder } from "./run.ts";

let folder: Folder;
let ends: (() => Promise<void>)[];
beforeEach(() => {
  folder = makeFolder();
  ends = [];
});
afterEach(async () => {
  for (const end of ends) await end();
  folder.remove();
});

type Serving = {
  readonly url: string;
  readonly key: string;
  readonly pid: number;
  readonly said: () => string;
  readonly signal: (name: "SIGTERM" | "SIGINT") => void;
  readonly exited: Promise<number>;
};

/** Starts `xjp serve --demo` on a free port and waits until it has told its address and key. */
async function serveDemo(
  words: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Serving> {
  const child = Bun.spawn(
    [process.execPath, mainFile, "serve", "--demo", "--port", "0", ...words],
    {
      cwd: folder.path,
      env: cleanEnvironment({ ...folder.env, TMPDIR: folder.path, ...env }),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  ends.push(async () => {
    if (child.exitCode === null) child.kill("SIGKILL");
    await child.exited;
  });
  let said = "";
  void (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) said += decoder.decode(bytes, { stream: true });
  })();
  const [url, key] = await waitFor(
    "the address and the key",
    () => {
      if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}: ${said}`);
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
      const made = /XJP_[\w-]{43}/.exec(said)?.[0];
      return address !== undefined && made !== undefined ? ([address, made] as const) : false;
    },
    10_000,
  );
  return {
    url,
    key,
    pid: child.pid,
    said: () => said,
    signal: (name) => child.kill(name),
    exited: child.exited,
  };
}

function demoFolders(): readonly string[] {
  return [...new Bun.Glob("xjp-demo-*").scanSync({ cwd: folder.path, onlyFiles: false })];
}

test("the demo's own curl line streams an answer", async () => {
  const { said } = await serveDemo();
  const [line = ""] =
    /^ *curl -N [^]*?'$/m.exec(
      await waitFor("the curl line", () => said().includes("Talk to it") && said()),
    ) ?? [];
  const shell = Bun.spawn(["bash", "-c", `${line.replace("curl", "curl -s")} | head -c 4000`], {
    stdout: "pipe",
  });
  const answer = await new Response(shell.stdout).text();
  expect(answer).toStartWith("data: {");
  expect(answer).toContain('"object":"chat.completion.chunk"');
});

test("the demo keeps everything in a temporary database and takes it away", async () => {
  const serving = await serveDemo();
  expect(demoFolders()).toHaveLength(1);
  expect(existsSync(folder.database.slice("sqlite:".length))).toBe(false);
  serving.signal("SIGTERM");
  expect(await within("the end", serving.exited, 8000)).toBe(0);
  expect(demoFolders()).toEqual([]);
});

test("the demo says where it can keep nothing, and what to do", async () => {
  const TMPDIR = `${folder.path}/gone`;
  const { code, stderr } = await folder.run(["serve", "--demo", "--port", "0"], {
    env: { TMPDIR },
  });
  expect(code).toBe(1);
  expect(stderr).toBe(
    `xjp: no temporary database can be made in ${TMPDIR} (ENOENT): set TMPDIR to another folder, or name a database with --database\n`,
  );
});

test("the demo uses the database that it is given", async () => {
  const { key } = await serveDemo(["--database", folder.database]);
  expect(demoFolders()).toEqual([]);
  const { stdout } = await folder.run(["keys", "show", key]);
  expect(stdout).toMatch(/^ {2}Tenant +demo$/m);
});

test("a process without room for many upstream requests is replaced by one that has it", async () => {
  const { pid } = await serveDemo();
  const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  expect(environment.filter((entry) => entry.startsWith("BUN_CONFIG_MAX_HTTP_REQUESTS="))).toEqual([
    "BUN_CONFIG_MAX_HTTP_REQUESTS=65535",
  ]);
});

test("room that was set by hand is left as it is", async () => {
  const { pid } = await serveDemo([], { BUN_CONFIG_MAX_HTTP_REQUESTS: "500" });
  expect(readFileSync(`/proc/${pid}/environ`, "utf8")).toContain(
    "BUN_CONFIG_MAX_HTTP_REQUESTS=500",
  );
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)(
  "a first %s lets an answer go on, a second ends at once with %d",
  async (signal, code) => {
    const serving = await serveDemo();
    const response = await fetch(`${serving.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${serving.key}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: "demo/story@5",
        stream: true,
        messages: [{ role: "user", content: "Hi" }],
      }),
    });
    const reader = response.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    serving.signal(signal);
    await waitFor("draining", () => serving.said().includes("draining"));
    expect((await reader?.read())?.done).toBe(false);
    serving.signal(signal);
    expect(await within("the end", serving.exited, 4000)).toBe(code);
    expect(demoFolders()).toEqual([]);
    await reader?.cancel().catch(() => {});
  },
);

test.each(["192.0.2.1", "no-such-host.invalid"])(
  "an address that is not this machine's is named, with what to do: %s",
  async (host) => {
    const { code, stdout, stderr } = await folder.run(["serve", "--port", "0", "--host", host]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(
      `xjp: ${host} is no address of this machine: choose --host H, 0.0.0.0 for all that it has`,
    );
  },
);

test("a port that is taken is named, with what to do", async () => {
  using other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
  const { code, stdout, stderr } = await folder.run(["serve", "--port", String(other.port)]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain(
    `xjp: port ${other.port} of 127.0.0.1 is taken by another program: stop it, or choose --port N`,
  );
});
