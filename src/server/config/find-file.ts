import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, relative, resolve } from "node:path";
import type { Fault } from "./faults.ts";
import { type Environment, reason } from "./references.ts";

export type FoundFile = {
  /** Absolute. */
  readonly path: string;
  /** As messages name it: relative where it is below the working folder. */
  readonly shown: string;
  readonly text: string;
};

type Where = {
  readonly flag: string | undefined;
  readonly env: Environment;
  readonly cwd: string;
};

/**
 * Reads the configuration file: the one that `--config` or XJP_CONFIG names and no other, or the first of the usual places
 * that has one, or none.
 */
export async function findFile({ flag, env, cwd }: Where): Promise<FoundFile | Fault | undefined> {
  const asked = flag ?? (env["XJP_CONFIG"] || undefined);
  const places = asked === undefined ? usualPlaces(env, cwd) : [resolve(cwd, asked)];
  for (const path of places) {
    try {
      return { path, shown: shownAs(path, cwd), text: toText(await readFile(path)) };
    } catch (error) {
      if (asked === undefined && isMissing(error)) continue;
      const problem = `cannot read ${path}: ${reason(error)}`;
      if (asked === undefined) return { source: shownAs(path, cwd), field: "", problem };
      return flag === undefined
        ? { source: "environment", field: "XJP_CONFIG", problem }
        : { source: "command line", field: "--config", problem };
    }
  }
  return undefined;
}

/** Throws for text in another encoding, which would otherwise come out as some other text. */
function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Error("it is not UTF-8 text: save it as such", { cause: error });
  }
}

/** The places looked at when nobody names a file, in order. */
function usualPlaces(env: Environment, cwd: string): readonly string[] {
  const { XDG_CONFIG_HOME: config, HOME: home } = env;
  const folder = config && isAbsolute(config) ? config : join(home || homedir(), ".config");
  return [
    resolve(cwd, "config/xjp.toml"),
    resolve(cwd, "xjp.toml"),
    join(folder, "xjp", "xjp.toml"),
    "/etc/xjp/xjp.toml",
  ];
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "ENOENT" || error.code === "ENOTDIR")
  );
}

function shownAs(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below.startsWith("..") || isAbsolute(below) ? path : below;
}
