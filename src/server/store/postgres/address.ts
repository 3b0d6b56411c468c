/**
 * What a `postgres://` address says, in libpq's words (https://www.postgresql.org/docs/current/libpq-connect.html, read 2026-11)
 * and three that poolers and other clients have made common: `pgbouncer`, `pool_max`, `statement_timeout`.
 */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { StoreError } from "../store.ts";
import { wordsOf } from "../../words.ts";

export type PostgresAddress = {
  /** `host:port/database`: names it in messages, without who asks and with which password. */
  readonly place: string;
  readonly host: string;
  readonly port: number;
  /** Path of the server's socket, when it is not reached over TCP. */
  readonly socket: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly tls: PostgresTls;
  /** A pooler that gives another server connection to each transaction: nothing may be kept on one. */
  readonly isPooled: boolean;
  /** Connections of this process, at most. */
  readonly poolMax: number;
  readonly connectMs: number;
  readonly statementMs: number;
  readonly applicationName: string;
};

/** `prefer` takes a plain connection from a server that has no other; `false` asks for nothing else. */
export type PostgresTls =
  | false
  | "prefer"
  | {
      readonly rejectUnauthorized: boolean;
      readonly ca?: string;
      readonly cert?: string;
      readonly key?: string;
      readonly servername?: string;
      readonly checkServerIdentity?: () => undefined;
    };

const DEFAULTS = { poolMax: 10, connectSeconds: 10, statementMs: 30_000 };

const KNOWN = [
  "application_name",
  "connect_timeout",
  "pool_max",
  "dbname",
  "host",
  "password",
  "pgbouncer",
  "port",
  "sslcert",
  "sslkey",
  "sslmode",
  "sslrootcert",
  "statement_timeout",
  "user",
];
/** What other clients of the same database read from it, and what makes no difference here. */
const PASSED_OVER = new Set([
  "channel_binding",
  "gssencmode",
  "keepalives",
  "keepalives_count",
  "keepalives_idle",
  "keepalives_interval",
  "statement-cache-capacity",
  "target_session_attrs",
  "tcp_user_timeout",
]);

/** Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE?PARAMETER=VALUE&…`. Throws StoreError, which shows no password. */
export function readPostgresAddress(database: string): PostgresAddress {
  if (!URL.canParse(database)) {
    throw new StoreError(
      "database: the postgres: address cannot be read: write it as postgres://USER:PASSWORD@HOST:5432/NAME, with %40 for an @ in the password",
    );
  }
  const url = new URL(database);
  const given = readParameters(url);
  const host = given("host") ?? (decode(url.hostname).replace(/^\[|\]$/g, "") || "localhost");
  const port = whole(given("port") ?? (url.port || "5432"), "port", 1);
  const name = given("dbname") ?? (decode(url.pathname.slice(1)) || undefined);
  const user = given("user") ?? (decode(url.username) || undefined);
  return {
    place: `${host}:${port}/${name ?? user ?? ""}`,
    host,
    port,
    socket: host.startsWith("/") ? `${host}/.s.PGSQL.${port}` : undefined,
    user,
    password: given("password") ?? (decode(url.password) || undefined),
    database: name,
    tls: host.startsWith("/") ? false : readTls(host, given),
    isPooled: readFlag(given("pgbouncer"), "pgbouncer"),
    poolMax: whole(given("pool_max") ?? String(DEFAULTS.poolMax), "pool_max", 2),
    connectMs:
      whole(given("connect_timeout") ?? String(DEFAULTS.connectSeconds), "connect_timeout", 1) *
      1_000,
    statementMs: whole(
      given("statement_timeout") ?? String(DEFAULTS.statementMs),
      "statement_timeout",
      1,
    ),
    applicationName: given("application_name") ?? "xjp",
  };
}

function readParameters(url: URL): (name: string) => string | undefined {
  for (const name of url.searchParams.keys()) {
    if (KNOWN.includes(name) || PASSED_OVER.has(name)) continue;
    throw fault(
      `${JSON.stringify(name)} is no parameter of a postgres: address`,
      `the ones there are: ${KNOWN.join(", ")}`,
    );
  }
  return (name) => url.searchParams.get(name) ?? undefined;
}

/** By `sslmode`, which means what it means to libpq; `require` with a root certificate verifies, as there. */
function readTls(host: string, given: (name: string) => string | undefined): PostgresTls {
  const mode = given("sslmode") ?? "prefer";
  const root = given("sslrootcert");
  const [certificate, key] = [given("sslcert"), given("sslkey")];
  const common = {
    // RFC 6066 knows no addresses as names.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(root === undefined || root === "system" ? {} : { ca: readPem(root, "sslrootcert") }),
    ...(certificate === undefined ? {} : { cert: readPem(certificate, "sslcert") }),
    ...(key === undefined ? {} : { key: readPem(key, "sslkey") }),
  };
  switch (mode) {
    case "disable":
      return false;
    case "allow":
    case "prefer":
      return "prefer";
    case "require":
      return root === undefined
        ? { ...common, rejectUnauthorized: false }
        : { ...common, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case "verify-ca":
      return { ...common, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    case "verify-full":
      return { ...common, rejectUnauthorized: true };
    default:
      throw fault(
        `sslmode is ${JSON.stringify(mode)}`,
        "it is one of disable, allow, prefer, require, verify-ca, verify-full",
      );
  }
}

function readPem(path: string, parameter: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const said = wordsOf(thrown);
    throw new StoreError(`database: ${parameter} cannot be read: ${said}`, { cause: thrown });
  }
}

function readFlag(text: string | undefined, parameter: string): boolean {
  if (text === undefined || text === "false") return false;
  if (text === "true") return true;
  throw fault(`${parameter} is ${JSON.stringify(text)}`, "it is true or false");
}

function whole(text: string, parameter: string, least: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number;
  throw fault(`${parameter} is ${JSON.stringify(text)}`, `it is a whole number, at least ${least}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fault("a % in it is not followed by two digits", "write %25 for a %");
  }
}

function fault(found: string, expected: string): StoreError {
  return new StoreError(`database: in the postgres: address ${found}: ${expected}`);
}
