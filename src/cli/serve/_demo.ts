import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "../../server/store/migrate.ts";
import { openStore } from "../../server/store/open.ts";
import { curlLine } from "../_address.ts";
import { CommandError } from "../_error.ts";
import type { Terminal } from "../_terminal.ts";
import { issueKey, plainTerms } from "../keys/_issue.ts";

/** A database that only this process uses, in a folder that only this user can read. `remove` may be called twice. */
export function createDemoDatabase(): { readonly database: string; remove(): void } {
  const folder = makeFolder();
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // A second Ctrl-C ends the process without going through anybody's `finally`.
  process.once("exit", remove);
  return { database: `sqlite:${join(folder, "xjp.db")}`, remove };
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "xjp-demo-"));
  } catch (error) {
    const why = error instanceof Error && "code" in error ? error.code : error;
    throw new CommandError(
      `no temporary database can be made in ${tmpdir()} (${String(why)}): set TMPDIR to another folder, or name a database with --database`,
      { cause: error },
    );
  }
}

/** Stores a fresh key without limits for the tenant `demo` and gives it back. */
export async function demoKey(database: string): Promise<string> {
  if (database.startsWith("sqlite:")) await migrate(database);
  const store = await openStore(database);
  try {
    const { key, record } = issueKey({ ...plainTerms("demo"), rpm: 0, rpd: 0 }, Date.now());
    await store.insertKey(record);
    return key;
  } finally {
    await store.close();
  }
}

/** Tells how to try it. */
export function introduceDemo(url: string, key: string, terminal: Terminal): void {
  const { paintError } = terminal;
  const curl = curlLine({ url, key, model: "demo/story", stream: true });
  terminal.info(
    [
      "",
      `${paintError("dim", "address")}  ${url}`,
      `${paintError("dim", "API key")}  ${key}`,
      "",
      paintError("bold", "Watch an answer stream:"),
      "",
      curl.replaceAll(/^/gm, "  "),
      "",
      paintError("bold", "Talk to it:"),
      "",
      `  XJP_URL=${url} XJP_KEY=${key} xjp chat demo/story`,
      "",
      `${paintError("dim", "models")}   demo/echo, demo/story, demo/reason, demo/tools, demo/json, demo/fail-…`,
      "",
    ].join("\n"),
  );
}
