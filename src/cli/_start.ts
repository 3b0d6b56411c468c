import { writeSync } from "node:fs";
import type { Table } from "./_command.ts";
import { giveUp } from "./_output.ts";
import { programVersion } from "./_version.ts";

const versionWords = new Set(["--version", "-v", "-V", "version"]);

/**
 * Runs one command line and ends the process with its exit code. The bare question for the version is answered here, before
 * anything is loaded: deployments ask it often and it has to cost nothing.
 */
export async function start(table: Table, argv: readonly string[]): Promise<void> {
  if (argv.length === 1 && versionWords.has(argv[0] ?? "")) {
    printVersion();
    return;
  }
  const { run } = await import("./_run.ts");
  await run(table, argv);
}

function printVersion(): void {
  try {
    writeSync(1, `xjp ${programVersion}\n`);
  } catch (error) {
    giveUp(error instanceof Error ? error : new Error(String(error)));
  }
}
