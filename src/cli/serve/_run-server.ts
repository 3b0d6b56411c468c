import { serve, type RunningServer } from "../../server/serve.ts";
import { CommandError } from "../_error.ts";
import { configure, type StoreFlags } from "../_store.ts";
import type { Terminal } from "../_terminal.ts";
import { programVersion } from "../_version.ts";
import { createDemoDatabase, demoKey, introduceDemo } from "./_demo.ts";

type ServeFlags = StoreFlags & {
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly demo: boolean;
};

/** Serves until a signal comes, then lets answers finish. A second signal ends the process at once: 130 or 143. */
export async function runServer(flags: ServeFlags, terminal: Terminal): Promise<void> {
  // From the first moment: whoever sees the address may send a signal.
  const stopped = stopSignal();
  const temporary = flags.demo && flags.database === undefined ? createDemoDatabase() : undefined;
  try {
    const config = await configure({ ...flags, database: temporary?.database ?? flags.database });
    const key = flags.demo ? await demoKey(config.database) : undefined;
    const server = await start(config);
    if (config.log.format === "pretty")
      terminal.info(`xjp ${programVersion} listens on ${server.url}`);
    if (key !== undefined) introduceDemo(server.url, key, terminal);
    await stopped;
    await server.stop();
  } finally {
    temporary?.remove();
  }
}

async function start(config: Parameters<typeof serve>[0]): Promise<RunningServer> {
  try {
    return await serve(config, { version: programVersion });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const { host, port } = config.server;
    if (code === "EADDRINUSE")
      throw new CommandError(
        `port ${port} of ${host} is taken by another program: stop it, or choose --port N`,
        { cause: error },
      );
    if (code === "EACCES" && port > 0 && port < 1024)
      throw new CommandError(`port ${port} needs privileges: choose --port N from 1024 up`, {
        cause: error,
      });
    throw error;
  }
}

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

async function stopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    let stopping = false;
    for (const [signal, code] of Object.entries(exitCodes)) {
      process.on(signal, () => {
        if (stopping) process.exit(code);
        stopping = true;
        resolve();
      });
    }
  });
}
