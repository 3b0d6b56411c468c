/**
 * A real Redis or Valkey server for tests: the one that TEST_REDIS_URL names, else a redis-server or valkey-server found on PATH
 * and started once for the whole run, else one that the system's package manager installs where this process may do that. A run
 * that finds none says so loudly and tests the rest; under CI it fails.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort } from "./gateway.ts";
import { waitFor } from "./wait-for.ts";

/** A server that a test may stop and start again. */
export type RedisServer = {
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Leaves its connections open and answers nothing, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Stops it and removes what it left. */
  remove(): Promise<void>;
};

const NAMES = ["redis-server", "valkey-server"];
/** Ways to install one, tried in order where this process is root. */
const INSTALLERS: readonly (readonly string[])[] = [
  ["apt-get", "install", "-y", "--no-install-recommends", "redis-server"],
  ["apk", "add", "redis"],
  ["dnf", "install", "-y", "valkey"],
];

let program: string | undefined;
let shared: Promise<string> | undefined;
let started: RedisServer | undefined;

/** The URL of a server for the whole run; every test uses names of its own there. */
export function redisUrl(): Promise<string> {
  const given = process.env["TEST_REDIS_URL"];
  shared ??= given ? Promise.resolve(given) : startShared();
  return shared;
}

/** Stops the server that this run started, if it did. */
export async function stopRedis(): Promise<void> {
  await started?.remove();
  started = undefined;
  shared = undefined;
}

/** True where the run is to go on without a server. */
export function isWithoutRedis(): boolean {
  if (process.env["TEST_REDIS_URL"] || findProgram() !== undefined) return false;
  if (process.env["CI"] === "true") return false;
  process.stderr.write(
    "\n!!! no redis-server or valkey-server on PATH: what needs one is NOT TESTED; install one, or set TEST_REDIS_URL\n",
  );
  return true;
}

/** A server of its own on a free port, which keeps nothing on disk. */
export async function startRedis(): Promise<RedisServer> {
  const found = findProgram();
  if (found === undefined) {
    throw new Error(
      "no redis-server or valkey-server on PATH and none could be installed: install one, or set TEST_REDIS_URL",
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "xjp-redis-"));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let child: Bun.Subprocess | undefined;
  const server: RedisServer = {
    url,
    async start() {
      child = Bun.spawn(
        [found, "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
      );
      await waitFor("redis to answer", () => answers(url), 10_000);
    },
    async stop() {
      child?.kill("SIGKILL");
      await child?.exited;
      child = undefined;
    },
    freeze() {
      child?.kill("SIGSTOP");
    },
    thaw() {
      child?.kill("SIGCONT");
    },
    async remove() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

async function startShared(): Promise<string> {
  started = await startRedis();
  return started.url;
}

function findProgram(): string | undefined {
  program ??= NAMES.map((name) => Bun.which(name)).find((path) => path !== null) ?? install();
  return program;
}

function install(): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const command = INSTALLERS.find(([manager = ""]) => Bun.which(manager) !== null);
  if (!command) return undefined;
  process.stderr.write(`no Redis server on PATH: ${command.join(" ")}`);
  if (command[0] === "apt-get") run(["apt-get", "update"]);
  run(command);
  return NAMES.map((name) => Bun.which(name)).find((path) => path !== null) ?? undefined;
}

function run(command: readonly string[]): void {
  Bun.spawnSync([...command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}

async function answers(url: string): Promise<boolean> {
  const client = new Bun.RedisClient(url, { autoReconnect: false, connectionTimeout: 200 });
  try {
    await client.connect();
    return (await client.ping()) === "PONG";
  } catch {
    return false;
  } finally {
    client.close();
  }
}
