import { existsSync } from "node:fs";
import { join } from "node:path";

/** The compiled program that the end-to-end tests drive. */
export const BINARY = join(import.meta.dir, "../../dist/xjp");

/** What a finished command left. */
export type Finished = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type RunOptions = {
  readonly binary?: string;
  readonly cwd: string;
  /** The whole environment apart from PATH: nothing of the test's own leaks in. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
};

/** Runs a command of the built binary to its end. */
export async function runBinary(
  commandLine: readonly string[],
  options: RunOptions,
): Promise<Finished> {
  assertBuilt();
  const child = Bun.spawn([options.binary ?? BINARY, ...commandLine], {
    cwd: options.cwd,
    env: cleanEnvironment(options.env),
    stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  return finished(child);
}

/** What a process leaves when it has ended. */
export async function finished(
  child: Bun.Subprocess<Bun.Spawn.Writable, "pipe", "pipe">,
): Promise<Finished> {
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

/** PATH and what is given. */
export function cleanEnvironment(
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "/usr/bin:/bin", NO_COLOR: "1", ...env };
}

/** Throws when there is nothing to test yet. */
export function assertBuilt(): void {
  if (!existsSync(BINARY)) {
    throw new Error(`${BINARY} is not there: \`bun run build\` makes it`);
  }
}
