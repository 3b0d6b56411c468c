import postgres from "postgres";
import { StoreError } from "./store.ts";

/** Classes of SQLSTATE that speak of the data: 22 values that cannot be, 23 constraints. */
const REJECTED = /^2[23]/;

/** Login, database, rights and tables. */
const SETUP: ReadonlySet<string> = new Set(["28P01", "28000", "3D000", "42501", "42P01"]);

/** Whatever a call on the database threw, as a StoreError that names the server and what to do. No login, no statement. */
export function toPostgresError(thrown: unknown, place: string): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const code = codeOf(thrown);
  const rejected =
    thrown instanceof RangeError || thrown instanceof TypeError || REJECTED.test(code ?? "");
  return new StoreError(`database postgres://${place}: ${explain(code, thrown)}`, {
    cause: thrown,
    rejected,
    needsSetup: SETUP.has(code ?? ""),
  });
}

/** The SQLSTATE, or the code of a broken connection. */
export function codeOf(thrown: unknown): string | undefined {
  if (thrown instanceof postgres.PostgresError) return thrown.code;
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string"
    ? thrown.code
    : undefined;
}

function explain(code: string | undefined, thrown: unknown): string {
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  switch (code ?? "") {
    case "ECONNREFUSED":
    case "CONNECT_TIMEOUT":
    case "ENOTFOUND":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `cannot be reached (${code}): check that the server runs and that DATABASE_URL names it`;
    case "CONNECTION_CLOSED":
    case "CONNECTION_DESTROYED":
    case "CONNECTION_ENDED":
    case "ECONNRESET":
    case "57P01":
    case "57P02":
    case "57P03":
      return `the connection was lost (${code})`;
    case "28P01":
    case "28000":
      return "refuses this user or password: check DATABASE_URL";
    case "3D000":
      return "there is no such database: create it, or name another one in DATABASE_URL";
    case "42501":
      return `this user lacks a right (${said}): let it own the database`;
    case "42P01":
      return `has no tables of xjp (${said}): run \`xjp migrate\``;
    case "53100":
      return "the server's disk is full: make room";
    case "53300":
      return "has no connection left: raise max_connections, or lower pool_max in DATABASE_URL";
    case "57014":
      return "took too long and was stopped";
    default:
      return code === undefined ? said : `${said} (${code})`;
  }
}
