import { beforeEach, describe, expect, onTestFinished, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, defineGroup } from "../../../src/cli/_command.ts";
import { UsageError } from "../../../src/cli/_error.ts";
import { createTerminal, type Terminal } from "../../../src/cli/_terminal.ts";
import { check } from "../../../src/cli/config/check.ts";
import { print } from "../../../src/cli/config/print.ts";
import { ConfigError } from "../../../src/server/config/load.ts";

const good = `
database = "postgres://me:sk-hidden@host/db"
[models.fast]
fallback = { provider = "mine", provider_model_id = "c" }
[[models.fast.routes]]
provider = "mine"
provider_model_id = "a"
weight = 3
[[models.fast.routes]]
provider = "mine"
provider_model_id = "b"
weight = 1
[models.gone.primary]
provider = "groq"
provider_model_id = "x"
[providers.mine]
kind = "openai-compatible"
base_url = "http://localhost:1/v1"
api_key = "sk-hidden"
[providers.groq]
`;

const bad = '[sever]\nport = 1\n[log]\nlevel = "loud"\n';

const real = createTerminal();

const outside = ["HOST", "PORT", "DATABASE_URL", "XJP_LOG", "XJP_LOG_FORMAT"] as const;

/** The commands read the real environment, which on a developer's machine may say all sorts of things. */
beforeEach(() => {
  for (const name of outside) {
    const value = process.env[name];
    if (value === undefined) continue;
    delete process.env[name];
    onTestFinished(() => void (process.env[name] = value));
  }
});

describe("xjp config check", () => {
  test("sums up a good file on standard output", async () => {
    const { code, out, err } = await run(check, [write(good), "--database", "sqlite:/x/y.db"]);
    expect(code).toBe(0);
    expect(err).toBe("");
    expect(out).toMatch(/^ok \/.*xjp\.toml\n/);
    expect(out).toContain("models      2\n");
    expect(out).toContain("routes      3\n");
    expect(out).toContain("providers   1\n");
    expect(out).toContain("database    sqlite:/x/y.db\n");
    expect(out).toContain("fast  mine/a (weight 3) or mine/b (weight 1), then mine/c\n");
    expect(out).toContain("gone  no usable route\n");
    expect(out).toContain("mine  openai-compatible, http://localhost:1/v1, 1 key\n");
    expect(out).toContain("models.gone.primary is left out, because of its provider groq");
  });

  test("puts brackets around an address of IPv6", async () => {
    process.env["HOST"] = "::1";
    onTestFinished(() => void delete process.env["HOST"]);
    const { out } = await run(check, [write("")]);
    expect(out).toContain("listens on  [::1]:8080\n");
  });

  test("gives the same to programs, without secrets", async () => {
    const { code, out } = await run(check, ["--config", write(good), "--json"]);
    expect(code).toBe(0);
    expect(out).not.toContain("sk-hidden");
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      models: [
        {
          name: "fast",
          routes: [
            { provider: "mine", model: "a", weight: 3 },
            { provider: "mine", model: "b", weight: 1 },
            { provider: "mine", model: "c", weight: null },
          ],
        },
        { name: "gone", routes: [] },
      ],
      providers: [{ name: "mine", kind: "openai-compatible", profile: null, keys: 1 }],
      warnings: [expect.any(String), expect.any(String)],
    });
  });

  test("reports all faults on standard error and fails", async () => {
    const file = write(bad);
    const { code, out, err } = await run(check, [file]);
    expect([code, out]).toEqual([1, ""]);
    const lines = err.split("\n");
    expect(lines[0]).toBe("the configuration has 2 faults:");
    expect(lines[1]).toStartWith(`${file}:1: sever: unknown field`);
    expect(lines[2]).toStartWith(`${file}:4: log.level: found "loud"`);
    expect(lines).toHaveLength(3);
  });

  test("gives faults to programs on standard output, and fails", async () => {
    const file = write(bad);
    const { code, out, err } = await run(check, [file, "--json"]);
    expect([code, err]).toEqual([1, ""]);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      faults: [
        { source: file, line: 1, field: "sever" },
        { source: file, line: 4, field: "log.level" },
      ],
    });
  });

  test("takes the file once", async () => {
    const failure = await run(check, ["a.toml", "--config", "b.toml"]).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(UsageError);
  });
});

describe("xjp config print", () => {
  test("prints what is in force, as TOML, without secrets", async () => {
    const { out } = await run(print, ["--config", write(good)]);
    expect(out).not.toContain("sk-hidden");
    expect(Bun.TOML.parse(out)).toMatchObject({
      database: { url: "postgres://me:***@host/db" },
      providers: { mine: { api_key: "***" } },
      models: {
        fast: { routes: [{ weight: 3 }, { weight: 1 }], fallback: [{ provider: "mine" }] },
      },
    });
  });

  test("prints the same as JSON", async () => {
    const file = write(good);
    const { out } = await run(print, ["--config", file, "--json"]);
    expect(out).not.toContain("sk-hidden");
    const { file: name, warnings, ...tables } = JSON.parse(out);
    expect(name).toBe(file);
    expect(warnings).toHaveLength(2);
    // A table with nothing in it is not worth a line of TOML.
    const toml = Bun.TOML.parse((await run(print, ["--config", file])).out);
    expect(tables).toEqual({ prices: {}, redis: {}, tenants: {}, ...toml });
  });

  test("fails with the report", async () => {
    const failure = await run(print, ["--config", write(bad)]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
  });
});

/** A file that lives as long as the running test. */
function write(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "xjp-cli-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "xjp.toml");
  writeFileSync(file, text);
  return file;
}

async function run(
  command: Command,
  argv: readonly string[],
): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal: Terminal = {
    ...real,
    result: (text) => void out.push(`${text}\n`),
    json: (value) => void out.push(`${JSON.stringify(value)}\n`),
    error: (message) => void err.push(message),
    paint: (_, text) => text,
  };
  const root = defineGroup({ about: "", commands: {}, examples: [] });
  const code = (await command.execute(argv, { terminal, root })) ?? 0;
  return { code, out: out.join(""), err: err.join("\n") };
}
