import postgres from "postgres";
import { StoreError } from "../store.ts";
import { wordsOf } from "../../words.ts";

/** Classes of SQLSTATE that speak of the data: 22 values that cannot be, 23 constraints, 54 what is too long for an index. */
const REJECTED = /^(?:2[23]|54)/;

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
function codeOf(thrown: unknown): string | undefined {
  if (thrown instanceof postgres.PostgresError) return thrown.code;
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string"
    ? thrown.code
    : undefined;
}

function explain(code: string | undefined, thrown: unknown): string {
  const said = wordsOf(thrown);
  switch (code ?? "") {
    case "ECONNREFUSED":
    case "CONNECT_TIMEOUT":
    case "ENOENT":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `cannot be reached (${code}): check that the server runs and that DATABASE_URL names it`;
    case "CONNECTION_CLOSED":
    case "CONNECTION_DESTROYED":
    case "CONNECTION_ENDED":
    case "ECONNRESET":
    case "EPIPE":
      return `the connection was lost (${code})`;
    case "57P01":
    case "57P02":
    case "57P03":
      return `is starting or stopping (${said})`;
    case "28P01":
    case "28000":
      return `refuses this user (${said}): correct user and password in DATABASE_URL, or pg_hba.conf`;
    case "3D000":
      return "there is no such database: create it, or name another one in DATABASE_URL";
    case "42501":
      return `this user lacks a right (${said}): let it own the database`;
    case "42P01":
    case "42703":
      return `has no tables of this xjp (${said}): run \`xjp migrate\``;
    case "25006":
      return "is read-only: name the primary server in DATABASE_URL";
    case "53100":
      return "the server's disk is full: make room";
    case "53300":
      return "has no connection left: raise max_connections, or lower pool_max in DATABASE_URL";
    case "57014":
      return "took too long: see what holds it up in pg_stat_activity, or raise statement_timeout in DATABASE_URL";
    case "26000":
    case "42P05":
      return `a pooler in between changes connections (${said}): add pgbouncer=true to DATABASE_URL`;
    case "08P01":
      return said.includes("startup parameter")
        ? `a pooler in between refuses settings (${said}): add pgbouncer=true to DATABASE_URL`
        : said;
    default:
      if (/CERT|TLS|SSL|VERIFY/.test(code ?? "")) {
        return `its certificate is not trusted (${code}): name its authority's file in sslrootcert, or choose another sslmode in DATABASE_URL`;
      }
      return code === undefined ? said : `${said} (${code})`;
  }
}
