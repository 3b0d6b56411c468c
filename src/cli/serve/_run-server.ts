import { closeSync, openSync } from "node:fs";
import { isatty } from "node:tty";
import type { Config } from "../../server/config/config.ts";
import { serve, type RunningServer, type ServeOptions } from "../../server/serve.ts";
import { CommandError } from "../_error.ts";
import { configure, type StoreFlags } from "../_store.ts";
import type { Terminal } from "../_terminal.ts";
import { programVersion } from "../_version.ts";
import type { ServiceManager } from "./_service-manager.ts";
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
  const manager = await serviceManager();
  const temporary = flags.demo && flags.database === undefined ? createDemoDatabase() : undefined;
  try {
    const read = (): Promise<Config> =>
      configure({ ...flags, database: temporary?.database ?? flags.database });
    const config = await read();
    const key = flags.demo ? await demoKey(config.database) : undefined;
    const server = await start(config, {
      version: programVersion,
      reload: read,
      onState: (state) => manager.tell(state),
    });
    manager.tell("ready");
    process.on("SIGHUP", () => {
      if (isHungUp()) process.kill(process.pid, "SIGTERM");
      else void server.reload();
    });
    if (config.log.format === "pretty")
      terminal.info(`xjp ${programVersion} listens on ${server.url}`);
    if (key !== undefined) introduceDemo(server.url, key, terminal);
    await stopped;
    await server.stop();
  } finally {
    manager.close();
    temporary?.remove();
  }
}

/** Its calls into libc are loaded only under a service manager that wants to be told. */
async function serviceManager(): Promise<ServiceManager> {
  if (process.env["NOTIFY_SOCKET"] === undefined) return { tell() {}, close() {} };
  const { createServiceManager } = await import("./_service-manager.ts");
  return createServiceManager(process.env);
}

/**
 * Whether the terminal is gone that the server was started from. SIGHUP tells of that as well as it asks to read the
 * configuration, and a server that nobody sees any more should end.
 */
function isHungUp(): boolean {
  if (!startedAtTerminal) return false;
  try {
    closeSync(openSync("/dev/tty", "r"));
    return false;
  } catch {
    return true;
  }
}

const startedAtTerminal = isatty(0);

async function start(config: Config, options: ServeOptions): Promise<RunningServer> {
  try {
    return await serve(config, options);
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
    // EINVAL is what comes of a name that nobody knows.
    if (code === "EADDRNOTAVAIL" || code === "EINVAL")
      throw new CommandError(
        `${host} is no address of this machine: choose --host H, 0.0.0.0 for all that it has`,
        { cause: error },
      );
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
