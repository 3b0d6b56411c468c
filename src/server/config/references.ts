import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, resolve } from "node:path";
import type { PathFault } from "./faults.ts";
import { isTable, type Path, pathKey } from "./path.ts";
import { fileSchema } from "./schema.ts";
import { fromText, schemaAt } from "./schema-at.ts";
import { wordsOf } from "../words.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export type Resolved = {
  readonly tree: unknown;
  /** The reference that a value came from, by `pathKey`. */
  readonly references: ReadonlyMap<string, string>;
  readonly faults: readonly PathFault[];
};

/**
 * Replaces every string `env:NAME` and `file:PATH` in a parsed file by what it refers to. A file's last line end is taken
 * off; PATH may contain `${NAME}` (systemd: `file:${CREDENTIALS_DIRECTORY}/key`) and is relative to `folder`. Where the
 * schema has a number, the text becomes one.
 */
export async function resolveReferences(
  tree: unknown,
  { env, folder }: { env: Environment; folder: string },
): Promise<Resolved> {
  const references = new Map<string, string>();
  const faults: PathFault[] = [];

  const visit = async (value: unknown, path: Path): Promise<unknown> => {
    if (typeof value === "string") return await replace(value, path);
    if (Array.isArray(value)) {
      const items: unknown[] = [];
      for (const [index, item] of value.entries()) items.push(await visit(item, [...path, index]));
      return items;
    }
    if (typeof value === "object" && value !== null && !isTable(value)) {
      faults.push({
        path,
        problem: `found the date ${JSON.stringify(value)}, which needs quotes to be text`,
      });
      return JSON.stringify(value);
    }
    if (!isTable(value)) return value;
    const table: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) {
      // Assigning it would replace the table's prototype, and the field would escape every check.
      if (name === "__proto__")
        faults.push({ path: [...path, name], problem: "not a usable name" });
      else table[name] = await visit(member, [...path, name]);
    }
    return table;
  };

  const replace = async (text: string, path: Path): Promise<unknown> => {
    const kind = /^(?:env|file):/.exec(text)?.[0];
    if (kind === undefined) return text;
    references.set(pathKey(path), text);
    const target = text.slice(kind.length);
    const found =
      kind === "env:" ? readVariable(target, env) : await readReferenced(target, env, folder);
    if ("problem" in found) {
      faults.push({ path, problem: found.problem });
      return text;
    }
    return fromText(schemaAt(fileSchema, path), found.text);
  };

  return { tree: await visit(tree, []), references, faults };
}

type Found = { readonly text: string } | { readonly problem: string };

function readVariable(name: string, env: Environment): Found {
  const text = env[name];
  if (name === "") return { problem: "found env:, expected env:NAME" };
  if (text === undefined) return { problem: `the environment variable ${name} is not set` };
  if (text === "") return { problem: `the environment variable ${name} is empty` };
  return { text };
}

async function readReferenced(target: string, env: Environment, folder: string): Promise<Found> {
  if (target === "") return { problem: "found file:, expected file:PATH" };
  const names = [...target.matchAll(/\$\{([^}]*)\}/g)].map(([, name]) => name ?? "");
  const unset = names.find((name) => !env[name]);
  if (unset !== undefined) {
    return { problem: `the environment variable ${unset} of ${target} is not set` };
  }
  const path = target.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => env[name] ?? "");
  const file = isAbsolute(path) ? path : resolve(folder, expandHome(path, env));
  try {
    const text = (await readFile(file, "utf8")).replace(/\r?\n$/, "");
    return text === "" ? { problem: `the file ${file} is empty` } : { text };
  } catch (error) {
    return { problem: `cannot read the file ${file}: ${reason(error)}` };
  }
}

/** A leading `~/` as the home folder, which no shell has expanded in a file. */
export function expandHome(path: string, env: Environment): string {
  return path.startsWith("~/") ? resolve(env["HOME"] ?? homedir(), path.slice(2)) : path;
}

/** Why a file could not be read, in words. */
export function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT") return "it does not exist";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "EISDIR") return "it is a folder";
  return wordsOf(error);
}
