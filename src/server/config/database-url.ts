import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { type Environment, expandHome } from "./references.ts";
import { quoted } from "./wording.ts";

/** A database as `sqlite:ABSOLUTE-PATH` or `postgres://…`, or why the text names none. */
export type DatabaseUrl = { readonly url: string } | { readonly problem: string };

/** Where relative paths begin, and what `~` and XDG variables mean. */
export type Place = { readonly cwd: string; readonly env: Environment };

const expected = "expected sqlite:PATH or postgres://USER@HOST/NAME";

/** Reads the forms `sqlite:PATH`, `sqlite://PATH`, `postgres://…` and `postgresql://…`; paths are relative to `cwd`. */
export function readDatabaseUrl(text: string, { cwd, env }: Place): DatabaseUrl {
  const [, scheme = "", rest = ""] = /^([a-z]+):(.*)$/is.exec(text.trim()) ?? [];
  switch (scheme.toLowerCase()) {
    case "sqlite": {
      const path = rest.replace(/^\/\//, "");
      if (path === "") return { problem: `found ${quoted(text)}, expected sqlite:PATH` };
      // Keys and usage are read by other processes too (keygen, usage report), so they need a file.
      if (path === ":memory:") return { problem: `found ${quoted(text)}, expected sqlite:PATH` };
      return { url: `sqlite:${resolve(cwd, expandHome(path, env))}` };
    }
    case "postgres":
    case "postgresql":
      // What stands behind the scheme may hold a password and is not repeated.
      return rest.startsWith("//") && URL.canParse(text)
        ? { url: `postgres:${rest}` }
        : { problem: `found a ${scheme}: URL that cannot be read, ${expected}` };
    case "":
      return { problem: `found text without a scheme, ${expected}` };
    default:
      return { problem: `found a ${scheme}: URL, ${expected}` };
  }
}

/** Where data goes when nothing is said: the user's data folder by the XDG rules, which ignore relative paths. */
export function defaultDatabase(env: Environment): string {
  return `sqlite:${join(userFolder(env, "XDG_DATA_HOME", ".local/share"), "xjp", "xjp.db")}`;
}

/**
 * Where usage on its way to the database waits when nothing is said: beside an SQLite file, so that a volume that keeps one keeps
 * both; for a server in the user's state folder, under a name of its own for each database.
 */
export function defaultJournal(database: string, env: Environment): string {
  if (database.startsWith("sqlite:")) return `${database.slice("sqlite:".length)}.usage`;
  const name = Bun.CryptoHasher.hash("sha256", databasePlace(database), "hex").slice(0, 16);
  return join(userFolder(env, "XDG_STATE_HOME", ".local/state"), "xjp", `${name}.usage`);
}

/** What makes a database this one and no other, without who asks and with which password. */
export function databasePlace(database: string): string {
  if (database.startsWith("sqlite:")) return database;
  const { hostname, port, pathname } = new URL(database);
  return `${hostname}:${port || "5432"}${pathname}`;
}

function userFolder(env: Environment, variable: string, otherwise: string): string {
  const folder = env[variable];
  return folder && isAbsolute(folder) ? folder : join(env["HOME"] || homedir(), otherwise);
}
