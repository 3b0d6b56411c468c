/** The built binary serving from a folder of its own, with its own database, as an operator would run it. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isJsonObject } from "../../src/connectors/hub/json.ts";
import { assertBuilt, BINARY, cleanEnvironment, runBinary, type Finished } from "./binary.ts";
import { waitFor, within } from "./wait-for.ts";

export type GatewayOptions = {
  /** TOML; without it there is no configuration file. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** More words for `xjp serve`. */
  readonly flags?: readonly string[];
  /** A folder that an earlier gateway used; without it a new one, removed at the end. */
  readonly directory?: string;
  readonly binary?: string;
};

/** A key as `xjp keygen --json` gave it out. */
export type IssuedKey = { readonly key: string; readonly id: string };

export type Gateway = {
  /** Without a path. */
  readonly url: string;
  readonly pid: number;
  readonly directory: string;
  /** The SQLite file. */
  readonly database: string;
  /** All it has said on standard output and standard error. */
  log(): string;
  /** Runs another command of the binary on the same folder, configuration and database. */
  run(commandLine: readonly string[], stdin?: string): Promise<Finished>;
  /** Makes a key; `flags` as for `xjp keygen TENANT`. Unlimited unless they say otherwise. */
  makeKey(tenant?: string, flags?: readonly string[]): Promise<IssuedKey>;
  /** Sends a signal to the process. */
  signal(name: "SIGTERM" | "SIGINT" | "SIGKILL" | "SIGHUP"): void;
  /** Its exit code once it has ended. */
  readonly exited: Promise<number>;
  /** Stops it and removes its folder, unless the folder was given. */
  stop(): Promise<void>;
};

/** Starts `xjp serve` on a free loopback port and waits until `/readyz` answers 200. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  assertBuilt();
  const binary = options.binary ?? BINARY;
  const directory = options.directory ?? makeDirectory();
  const config = join(directory, "xjp.toml");
  if (options.config !== undefined) writeFileSync(config, options.config);
  const env = {
    HOME: directory,
    XDG_DATA_HOME: join(directory, "data"),
    XDG_CONFIG_HOME: join(directory, "config"),
    ...(existsSync(config) ? { XJP_CONFIG: config } : {}),
    ...options.env,
  };
  const port = await freePort();
  const child = Bun.spawn([binary, "serve", "--port", String(port), ...(options.flags ?? [])], {
    cwd: directory,
    env: cleanEnvironment(env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let said = "";
  const listen = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) said += decoder.decode(bytes, { stream: true });
  };
  const heard = Promise.all([listen(child.stdout), listen(child.stderr)]);
  const url = `http://127.0.0.1:${port}`;
  const run = (commandLine: readonly string[], stdin?: string): Promise<Finished> =>
    runBinary(commandLine, {
      binary,
      cwd: directory,
      env,
      ...(stdin === undefined ? {} : { stdin }),
    });

  await waitFor(
    "the gateway to be ready",
    async () => {
      const end = child.exitCode ?? child.signalCode;
      if (end !== null) {
        await heard;
        throw new Error(`xjp serve ended with ${end}:\n${said}`);
      }
      return isReady(url);
    },
    15_000,
  );

  return {
    url,
    pid: child.pid,
    directory,
    database: join(directory, "data/xjp/xjp.db"),
    log: () => said,
    run,
    async makeKey(tenant = "tests", flags = []) {
      const rate = flags.includes("--rpm") ? [] : ["--rpm", "0", "--rpd", "0"];
      const made = await run(["keygen", tenant, ...rate, ...flags, "--json"]);
      if (made.code !== 0) throw new Error(`xjp keygen ended with ${made.code}:\n${made.stderr}`);
      const parsed: unknown = JSON.parse(made.stdout);
      if (!isJsonObject(parsed)) throw new Error(`xjp keygen --json printed ${made.stdout}`);
      const { key, id } = parsed;
      if (typeof key !== "string" || typeof id !== "string") {
        throw new Error(`xjp keygen --json names no key and id: ${made.stdout}`);
      }
      return { key, id };
    },
    signal(name) {
      child.kill(name);
    },
    exited: child.exited,
    async stop() {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        try {
          await within("the gateway to stop", child.exited, 10_000);
        } catch (error) {
          child.kill("SIGKILL");
          throw error;
        }
      }
      await heard;
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A new folder under the system's temporary one; whoever asks removes it. */
export function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), "xjp-e2e-"));
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`, { keepalive: false });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    // Nobody listens yet.
    return false;
  }
}
