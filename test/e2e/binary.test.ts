/** The program as a file: alone in a folder, it is all there is. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { BINARY, runBinary, type Finished } from "../support/binary.ts";
import { freePort, makeDirectory, startGateway } from "../support/gateway.ts";
import { post } from "../support/raw-client.ts";

let directory: string;
let binary: string;

beforeAll(() => {
  directory = makeDirectory();
  mkdirSync(join(directory, "alone"));
  binary = join(directory, "alone/xjp");
  copyFileSync(BINARY, binary);
  chmodSync(binary, 0o755);
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

test("it runs from any folder with no other file beside it", async () => {
  const version = await run(["--version"]);
  expect(version).toMatchObject({ code: 0, stderr: "" });
  expect(version.stdout).toMatch(/\d+\.\d+\.\d+/);
  const help = await run(["--help"]);
  expect(help.code).toBe(0);
  expect(help.stdout + help.stderr).toContain("serve");

  const gateway = await startGateway({ binary, flags: ["--demo"] });
  try {
    const health = await fetch(`${gateway.url}/healthz`);
    expect(health.status).toBe(200);
  } finally {
    await gateway.stop();
  }
  expect(readdirSync(join(directory, "alone"))).toEqual(["xjp"]);
});

test("it answers probes that name no host, as HTTP/1.0 allows", async () => {
  const gateway = await startGateway({ flags: ["--demo"] });
  try {
    const key = /XJP_[\w-]{43}/.exec(gateway.log())?.[0];
    const get = (path: string, head = ""): Promise<string> =>
      saidTo(gateway.url, `GET ${path} HTTP/1.0\r\n${head}\r\n`);
    for (const path of ["/healthz", "/readyz", "/metrics?x=/a"])
      expect(await get(path)).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(await get("/x/healthz")).toContain(" 401 ");
    const mine = await get("/v1/models/demo/echo?x=/a", `authorization: Bearer ${key}\r\n`);
    expect(mine).toContain('"id":"demo/echo"');
  } finally {
    await gateway.stop();
  }
});

test("it does not read an .env or a bunfig.toml of the folder it is started in", async () => {
  const folder = join(directory, "strange");
  mkdirSync(folder);
  const port = await freePort();
  writeFileSync(join(folder, ".env"), `PORT=${port}\nXJP_CONFIG=/nowhere/xjp.toml\n`);
  writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./nowhere.ts"]\n');
  const printed = await runBinary(["config", "print"], {
    binary,
    cwd: folder,
    env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  expect(printed.code).toBe(0);
  expect(printed.stdout).not.toContain(String(port));
  expect(printed.stdout).toContain("8080");
});

test.each([
  [["--verison"], "--version"],
  [["serv"], "serve"],
  [["serve", "--prot", "1"], "--port"],
  [["version", "extra"], "extra"],
  [["toString"], "toString"],
])("words it does not know are wrong usage: %p", async (words, named) => {
  const wrong = await run(words);
  expect(wrong.code).toBe(2);
  expect(wrong.stdout).toBe("");
  expect(wrong.stderr).toContain(named);
  expect(wrong.stderr).not.toMatch(/^\s+at /m);
});

test("a configuration with faults is told with all of them and is not served", async () => {
  const config = join(directory, "faulty.toml");
  writeFileSync(
    config,
    '[server]\nprot = 1\n[models."x".primary]\nprovider = "OpenRuoter"\nprovider_model_id = 7\n',
  );
  const wrong = await run(["serve", "--config", config]);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain("prot");
  expect(wrong.stderr).toContain("provider_model_id");
  expect(wrong.stderr).not.toMatch(/^\s+at /m);
});

test("--demo gives out a key and a ready curl line, and answers with no network at all", async () => {
  const gateway = await startGateway({ flags: ["--demo"] });
  try {
    const key = /XJP_[\w-]{43}/.exec(gateway.log())?.[0];
    if (key === undefined) throw new Error(`no key in:\n${gateway.log()}`);
    expect(gateway.log()).toContain("curl");
    expect(gateway.log()).toContain(gateway.url);
    const body = { model: "demo/echo", messages: [{ role: "user", content: "marco polo" }] };
    const whole = await post(gateway.url, key, body);
    expect(whole.status).toBe(200);
    expect(whole.text).toContain("marco polo");
    const streamed = await post(gateway.url, key, { ...body, stream: true });
    expect(streamed.text).toEndWith("data: [DONE]\n\n");

    const chat = await gateway.run([
      "chat",
      "demo/echo",
      "--url",
      gateway.url,
      "--key",
      key,
      "-p",
      "one answer",
    ]);
    expect(chat).toMatchObject({ code: 0 });
    expect(chat.stdout).toContain("one answer");
    const models = await gateway.run(["models", "--json", "--url", gateway.url, "--key", key]);
    expect(models.code).toBe(0);
    expect(models.stdout).toContain("demo/echo");
    const statuses = ["demo/echo", "demo/story@max", "demo/eco"].map(async (model) => {
      const headers = { authorization: `Bearer ${key}` };
      return (await fetch(`${gateway.url}/v1/models/${model}`, { headers })).status;
    });
    expect(await Promise.all(statuses)).toEqual([200, 200, 404]);
  } finally {
    await gateway.stop();
  }
});

function run(words: readonly string[]): Promise<Finished> {
  return runBinary(words, {
    binary,
    cwd: directory,
    env: { HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
  });
}

/** The head and the beginning of what comes back for these bytes. */
async function saidTo(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const answer = Promise.withResolvers<string>();
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data: (_socket, bytes) => answer.resolve(bytes.toString()),
      close: () => answer.resolve(""),
    },
  });
  socket.write(request);
  const said = await answer.promise;
  socket.end();
  return said;
}
