/** Servers of the tests' own, each in a temporary folder, which end with this process however it ends. */
import { chmodSync, chownSync, copyFileSync, cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type ServerOptions = {
  /** Settings beside those of every test server. */
  readonly settings?: readonly string[];
  /** Takes TLS only, with this certificate and its key. */
  readonly tls?: { readonly certificate: string; readonly key: string };
};

export type StartedServer = {
  readonly port: number;
  /** What it says, for when it does not come up. */
  log(): Promise<string>;
};

/** PostgreSQL and PgBouncer refuse to run as root: then they run as nobody, the one other user that every system has. */
const NOBODY = 65_534;

/** Nothing of it has to survive. */
const SETTINGS = [
  "fsync=off",
  "synchronous_commit=off",
  "full_page_writes=off",
  "shared_buffers=64MB",
  "max_connections=200",
  // Nothing here may depend on where a server stands.
  "timezone=America/St_Johns",
];

/** Makes the files of a PostgreSQL server with the user `xjp` and starts it. It may not answer yet. */
export function launchPostgres(binaries: string, options: ServerOptions = {}): StartedServer {
  const folder = makeFolder();
  let programs = binaries;
  if (
    isRoot() &&
    !Bun.spawnSync([...asUser("QUIT"), "test", "-x", join(binaries, "initdb")]).success
  ) {
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
      ...asUser("QUIT"),
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
  const settings = [...SETTINGS, ...(options.settings ?? [])];
  if (options.tls) {
    const { certificate, key } = options.tls;
    settings.push("ssl=on");
    settings.push(`ssl_cert_file=${take(certificate, folder, "server.crt")}`);
    settings.push(`ssl_key_file=${take(key, folder, "server.key")}`);
    writeFileSync(join(data, "pg_hba.conf"), "local all all trust\nhostssl all all all trust\n");
  }
  const port = freePort();
  const command = [
    join(programs, "postgres"),
    "-D",
    data,
    `--unix-socket-directories=${folder}`,
    `--port=${port}`,
    "--listen-addresses=127.0.0.1",
    ...settings.map((setting) => `--${setting}`),
  ];
  return launch(folder, port, command, "QUIT");
}

/** Starts PgBouncer between transactions in front of a server, with two connections to it. */
export function launchPgBouncer(program: string, server: URL): StartedServer {
  const folder = makeFolder();
  const port = freePort();
  writeFileSync(
    join(folder, "pgbouncer.ini"),
    `[databases]
* = host=${server.hostname} port=${server.port || "5432"} user=${server.username} password=${server.password || "none"}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = any
pool_mode = transaction
default_pool_size = 2
unix_socket_dir =
`,
  );
  return launch(folder, port, [program, join(folder, "pgbouncer.ini")], "TERM");
}

/** Stops all of them, sooner than the end of this process does. */
export function stopServers(): void {
  for (const child of kept.splice(0)) void child.stdin.end();
}

/** Or they would be garbage, and their pipes closed. */
const kept: Bun.Subprocess<"pipe", "ignore", "ignore">[] = [];

/** `end` is the signal at which the program ends at once. PgBouncer leaves QUIT as it finds it, and a shell's jobs ignore that. */
function launch(
  folder: string,
  port: number,
  command: readonly string[],
  end: "QUIT" | "TERM",
): StartedServer {
  const script = `folder=$1; shift; "$@" 2>"$folder/log" & read -r _; kill -${end} $!; wait $!; rm -rf "$folder"`;
  // However this process ends, its end of the pipe is closed, and that ends the server.
  const child = Bun.spawn(["sh", "-c", script, "sh", folder, ...asUser(end), ...command], {
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
    cwd: tmpdir(),
  });
  child.unref();
  kept.push(child);
  return { port, log: () => Bun.file(join(folder, "log")).text() };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function asUser(end: string): readonly string[] {
  // The signal is for when the shell that waits for it is killed: bun does so to what a test that timed out has started.
  return isRoot()
    ? ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", `--pdeathsig=${end}`]
    : [];
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "xjp-postgres-"));
  if (isRoot()) {
    chmodSync(folder, 0o755);
    chownSync(folder, NOBODY, NOBODY);
  }
  return folder;
}

/** A copy that the server may read and nobody else, as it demands of keys. */
function take(file: string, folder: string, name: string): string {
  const path = join(folder, name);
  copyFileSync(file, path);
  chmodSync(path, 0o600);
  if (isRoot()) chownSync(path, NOBODY, NOBODY);
  return path;
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
