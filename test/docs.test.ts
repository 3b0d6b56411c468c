import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createDemoConnector } from "../src/connectors/demo.ts";
import { loadConfig } from "../src/server/config/load.ts";
import { runBinary } from "./support/binary.ts";
import { makeDirectory } from "./support/gateway.ts";

const ROOT = join(import.meta.dir, "..");

function read(name: string): string {
  return readFileSync(join(ROOT, name), "utf8");
}

function blocks(text: string, language: string): readonly string[] {
  return [...text.matchAll(/```(\w*)\n(.*?)```/gsu)].flatMap(([, kind, body]) =>
    kind === language && body !== undefined ? [body] : [],
  );
}

/** Without what each language says in its own words. */
function bare(code: string): string {
  return code.replaceAll(/ *#.*$/gmu, "").replaceAll(/"content":"[^"]*"|-p "[^"]*"/gu, "");
}

describe.each(["README.md", "README.zh-CN.md"])("%s", (name) => {
  const text = read(name);

  test("shows configurations that are valid as they stand", async () => {
    const shown = blocks(text, "toml");
    expect(shown).toHaveLength(2);
    for (const toml of shown) {
      const directory = makeDirectory();
      const file = join(directory, "xjp.toml");
      await Bun.write(file, toml);
      const env = { HOME: directory, GROQ_API_KEY: "one", OPENROUTER_API_KEY: "two" };
      const config = await loadConfig({ flags: { config: file }, env, cwd: directory });
      expect(config.providers.length).toBeGreaterThan(0);
      expect(config.warnings).toEqual([]);
    }
  });

  test("names demo models and scripts that exist", async () => {
    const models = await createDemoConnector({ name: "demo" }).models?.(AbortSignal.timeout(1000));
    const ids = models?.map((model) => model.id) ?? [];
    const named = [...text.matchAll(/demo\/([a-z0-9-]+)/gu)].map(([, id]) => id ?? "");
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((id) => !ids.includes(id))).toEqual([]);
    const { scripts }: { scripts: Record<string, string> } = await import("../package.json");
    const run = [...text.matchAll(/bun(?:@[\d.]+)? run ([a-z]+)/gu)].map(
      ([, script]) => script ?? "",
    );
    expect(run.filter((script) => scripts[script] === undefined)).toEqual([]);
  });

  test("links to files that are there", async () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)\)/gu)].map(([, path]) => path ?? "");
    expect(links).not.toBeEmpty();
    for (const path of links)
      expect(`${path} ${await Bun.file(join(ROOT, path)).exists()}`).toBe(`${path} true`);
  });

  test("shows commands that the binary has", async () => {
    const table = [...text.matchAll(/^\| `xjp ([^`]+)`(.*?)\|/gmu)];
    expect(table.length).toBeGreaterThan(7);
    for (const [, command = ""] of table) {
      const words = command.split(/ (?=[[A-Z])/u)[0]?.split(" ") ?? [];
      const help = await runBinary([...words, "--help"], { cwd: ROOT });
      expect([words, help.code]).toEqual([words, 0]);
      for (const [flag] of command.matchAll(/--[a-z-]+/gu)) expect(help.stdout).toContain(flag);
    }
  });
});

test("both readmes show the same code", () => {
  const english = read("README.md");
  const chinese = read("README.zh-CN.md");
  for (const language of ["sh", "ts", "python", "toml"]) {
    expect(blocks(chinese, language).map(bare)).toEqual(blocks(english, language).map(bare));
  }
});
