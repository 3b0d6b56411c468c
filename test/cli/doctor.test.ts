import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkClock } from "../../src/cli/doctor/_machine.ts";
import { isWithoutRedis, startRedis } from "../support/redis.ts";
import { makeFolder, object, objects, text, type Folder, type RunOptions } from "./run.ts";

let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => folder.remove());

type Found = Readonly<Record<string, string | undefined>>;

async function examine(env: RunOptions["env"]): Promise<{
  readonly code: number;
  readonly ok: unknown;
  readonly find: (check: string) => Found;
}> {
  const { code, stdout } = await folder.run(["doctor", "--json"], { env: { PORT: "0", ...env } });
  const { ok, checks } = object(JSON.parse(stdout));
  return {
    code,
    ok,
    find: (check) => {
      const found = objects(checks).find(
        (one) => one["check"] === check && one["state"] !== "warn",
      );
      const entries = Object.entries(found ?? {}).map(([name, value]) => [name, text(value)]);
      return Object.fromEntries(entries);
    },
  };
}

test("a machine that lacks nothing passes, and nothing is made on it", async () => {
  const { code, ok, find } = await examine({});
  expect([code, ok]).toEqual([0, true]);
  expect(find("database")["found"]).toContain("is not there yet: serve and keygen make it");
  expect(find("folder")["found"]).toContain("not there yet but can be made");
  expect(find("port")["found"]).toContain("is free");
  expect(await Bun.file(folder.database.slice("sqlite:".length)).exists()).toBe(false);
});

test("faults of the configuration fail, and end what depends on it", async () => {
  const { code, ok, find } = await examine({ PORT: "x" });
  expect([code, ok, find("config")["state"]]).toEqual([1, false, "fail"]);
  expect(find("config")["found"]).toContain("PORT");
  expect(find("port")).toEqual({});
});

test("a provider is asked for its models; one that is not there fails", async () => {
  using upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.json({ data: [{ id: "a" }, { id: "b" }] }),
  });
  const keys = { OPENROUTER_API_KEY: "sk-or-v1-0123456789", OPENAI_API_KEY: "sk-0123456789abcdef" };
  const good = {
    OPENROUTER_BASE_URL: `http://127.0.0.1:${upstream.port}/api/v1`,
    OPENAI_BASE_URL: `http://127.0.0.1:${upstream.port}/v1`,
  };
  const well = await examine({ ...keys, ...good });
  expect([well.code, well.find("provider")["found"]]).toEqual([
    0,
    expect.stringMatching(/^openrouter|openai lists 2 models in \d+ ms$/),
  ]);
  const ill = await folder.run(["doctor"], {
    env: { PORT: "0", ...keys, ...good, OPENROUTER_BASE_URL: "http://127.0.0.1:1/api/v1" },
  });
  expect(ill.code).toBe(1);
  expect(ill.stdout).toMatch(/^fail {2}provider +openrouter: .*refused the connection/m);
  expect(ill.stdout).toMatch(/^ok {4}provider +openai lists 2 models/m);
});

test("a key that the provider refuses fails, and is not shown", async () => {
  using upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () =>
      Response.json({ error: { message: "bad key sk-0123456789abcdef" } }, { status: 401 }),
  });
  const env = {
    PORT: "0",
    OPENAI_API_KEY: "sk-0123456789abcdef",
    OPENAI_BASE_URL: `http://127.0.0.1:${upstream.port}/v1`,
  };
  const { code, stdout } = await folder.run(["doctor"], { env });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^fail {2}provider +openai does not accept the key \(status 401\)$/m);
  expect(stdout).not.toContain("sk-0123456789abcdef");
});

test("a port is free, held by a gateway, or taken by something else", async () => {
  using gateway = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    routes: {
      "/healthz": () => Response.json({ status: "ok", version: "9.9.9" }),
      "/readyz": () => Response.json({ status: "ready" }),
    },
    fetch: () => new Response("", { status: 404 }),
  });
  const held = await examine({ PORT: String(gateway.port) });
  expect([held.code, held.find("port")["found"]]).toEqual([
    0,
    `a gateway answers at http://127.0.0.1:${gateway.port}: version 9.9.9, ready`,
  ]);
  using other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") });
  const taken = await examine({ PORT: String(other.port) });
  expect([taken.code, taken.find("port")["found"]]).toEqual([
    1,
    `127.0.0.1:${other.port} is taken by another program`,
  ]);
});

test("a folder that cannot be written fails with what to do", async () => {
  await Bun.write(join(folder.path, "file"), "in the way");
  const { code, find } = await examine({ DATABASE_URL: "sqlite:file/xjp.db" });
  expect([code, find("folder")["state"]]).toEqual([1, "fail"]);
  expect(find("folder")["found"]).toContain("is not a folder");
  expect(find("folder")["todo"]).toContain("--database or DATABASE_URL");
});

test("keys that can be used are counted", async () => {
  await folder.json(["keygen", "a"]);
  const { find } = await examine({});
  expect(find("database")["found"]).toMatch(/version \d+, 1 of 1 keys active$/);
});

test("a clock before this program was written is wrong", () => {
  expect(checkClock(0)).toMatchObject({
    state: "fail",
    found: "the clock says 1970-01-01 00:00 UTC",
  });
  expect(checkClock(Date.UTC(2027, 0, 1))).toMatchObject({ state: "ok" });
});

test("rows of usage on their way are counted, and refused ones are warned of", async () => {
  const journal = `${folder.database.slice("sqlite:".length)}.usage`;
  expect((await examine({})).find("journal")["found"]).toContain("is not there yet");
  mkdirSync(journal, { recursive: true });
  writeFileSync(
    join(journal, "7-00000000000000aa-00000001.jsonl"),
    '{"row":1}\n+{"draft":2}\n{"row":3}\n',
  );
  expect((await examine({})).find("journal")["found"]).toContain("2 rows of usage on their way");
  writeFileSync(join(journal, "rejected.jsonl"), '{"row":4}\n');
  const { stdout } = await folder.run(["doctor", "--json"], { env: { PORT: "0" } });
  const warned = objects(object(JSON.parse(stdout))["checks"]).find(
    ({ check }) => check === "journal",
  );
  expect(warned).toMatchObject({ state: "warn", todo: expect.stringContaining("rejected.jsonl") });
  expect(text(warned?.["found"])).toContain("1 that it refused");
});

test.skipIf(isWithoutRedis())("a Redis server is asked whether it can be counted on", async () => {
  const redis = await startRedis();
  try {
    const good = await examine({ REDIS_URL: redis.url });
    expect([good.code, good.find("redis")["state"]]).toEqual([0, "ok"]);
    expect(good.find("redis")["found"]).toContain("answers and runs scripts");
    await redis.stop();
    const gone = await examine({ REDIS_URL: redis.url.replace("//", "//:secret@") });
    expect([gone.code, gone.find("redis")["state"]]).toEqual([1, "fail"]);
    expect(gone.find("redis")["found"]).not.toContain("secret");
  } finally {
    await redis.remove();
  }
});
