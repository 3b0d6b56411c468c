/** Commands as people run them: processes of their own, in a folder of their own, with nothing of the test's environment. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { openStore } from "../../src/server/store/open.ts";
import type { KeyRecord } from "../../src/server/store/store.ts";
import { cleanEnvironment, finished, type Finished } from "../support/binary.ts";

export const mainFile = join(import.meta.dir, "../../src/cli/main.ts");

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
};

export type Folder = {
  readonly path: string;
  /** HOME and the XDG folders inside it. */
  readonly env: Readonly<Record<string, string>>;
  /** `sqlite:` and the default database's path. */
  readonly database: string;
  run(words: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Runs with `--json` and gives what was printed, after checking that it went well. */
  json(words: readonly string[], options?: RunOptions): Promise<unknown>;
  remove(): void;
};

/** A fresh machine, as far as xjp can tell. */
export function makeFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), "xjp-cli-"));
  const env = {
    HOME: path,
    XDG_DATA_HOME: join(path, "data"),
    XDG_CONFIG_HOME: join(path, "config"),
    XDG_STATE_HOME: join(path, "state"),
  };
  const run: Folder["run"] = async (words, options = {}) => {
    const child = Bun.spawn([process.execPath, mainFile, ...words], {
      cwd: path,
      env: cleanEnvironment({ ...env, ...options.env }),
      stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
      stdout: "pipe",
      stderr: "pipe",
    });
    return finished(child);
  };
  return {
    path,
    env,
    database: `sqlite:${join(path, "data/xjp/xjp.db")}`,
    run,
    async json(words, options) {
      const { code, stdout, stderr } = await run([...words, "--json"], options);
      if (code !== 0) throw new Error(`xjp ${words.join(" ")} ended with ${code}: ${stderr}`);
      const value: unknown = JSON.parse(stdout);
      return value;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** The value as an object; throws when it is none. */
export function object(value: unknown): JsonObject {
  if (!isJsonObject(value)) throw new Error(`not an object: ${JSON.stringify(value)}`);
  return value;
}

/** The value as a list of objects; throws when it is none. */
export function objects(value: unknown): readonly JsonObject[] {
  if (!Array.isArray(value)) throw new Error(`not a list: ${JSON.stringify(value)}`);
  return value.map(object);
}

/** The value as text; throws when it is none. */
export function text(value: unknown): string {
  if (typeof value !== "string") throw new Error(`not text: ${JSON.stringify(value)}`);
  return value;
}

/** The key with this id as the folder's store has it. */
export async function stored(folder: Folder, id: unknown): Promise<KeyRecord> {
  const store = await openStore(folder.database);
  try {
    const [record] = await store.findKeys(text(id));
    if (record === undefined) throw new Error(`no key ${text(id)}`);
    return record;
  } finally {
    await store.close();
  }
}
