/** The bench's own programs, each in a process of its own so that the gateway's processor time is measured alone. */
import { join } from "node:path";

export type Server = { readonly pid: number; readonly port: number; stop(): Promise<void> };

/** Without it Bun's `fetch` runs no more than 256 requests at once. */
const ENVIRONMENT = { BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" };

/** Starts a program of this folder that prints its port and serves until it is stopped. */
export async function startServer(program: string, words: readonly string[] = []): Promise<Server> {
  const child = spawn(program, words);
  const reader = child.stdout.getReader();
  const first = await reader.read();
  const port = Number(new TextDecoder().decode(first.value));
  if (!(port > 0)) throw new Error(`${program} did not start`);
  reader.releaseLock();
  return {
    pid: child.pid,
    port,
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

/** Runs a program of this folder to its end and gives back the JSON that it printed. */
export async function runProgram(program: string, words: readonly string[]): Promise<unknown> {
  const child = spawn(program, words);
  const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return JSON.parse(text);
}

function spawn(program: string, words: readonly string[]) {
  return Bun.spawn([process.execPath, join(import.meta.dir, program), ...words], {
    env: { ...process.env, ...ENVIRONMENT },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
}
