import { onTestFinished } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Config } from "../../../src/server/config/config.ts";
import { showFault } from "../../../src/server/config/faults.ts";
import { ConfigError, type LoadInput, loadConfig } from "../../../src/server/config/load.ts";

/** A folder of its own with these files in it, for the length of the running test. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "xjp-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return folder;
}

type Around = Partial<Pick<LoadInput, "flags" | "env">> & {
  readonly files?: Readonly<Record<string, string>>;
};

/** What `loadConfig` is asked with when `text` is the working folder's xjp.toml, and nothing else is there. */
export function inputFor(
  text: string,
  { flags = {}, env = {}, files = {} }: Around = {},
): LoadInput {
  const cwd = folderWith({ "xjp.toml": text, ...files });
  return { flags, cwd, env: { HOME: join(cwd, "home"), ...env } };
}

/** The configuration of a file with this text. */
export async function load(text: string, around?: Around): Promise<Config> {
  return await loadConfig(inputFor(text, around));
}

/** The lines of the report about a file with this text; none when it is good. */
export async function report(text: string, around?: Around): Promise<readonly string[]> {
  return await reportOf(inputFor(text, around));
}

/** The lines of the report that an input gets. */
export async function reportOf(input: LoadInput): Promise<readonly string[]> {
  try {
    await loadConfig(input);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(showFault);
    throw error;
  }
}
