/** TLS as libpq's sslmode has it, and PgBouncer in between, on real ones. */
import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { migrate } from "../../../../src/server/store/migrate.ts";
import { openPostgres } from "../../../../src/server/store/postgres/connection.ts";
import { openStore } from "../../../../src/server/store/open.ts";
import { refusal } from "../../../support/rejection.ts";
import { newestServer, startTlsServer } from "../../../support/postgres.ts";

const CERTIFICATES = join(import.meta.dir, "../../../fixtures/postgres");
const ROOT = `sslrootcert=${join(CERTIFICATES, "authority.crt")}`;

async function encryption(database: string): Promise<unknown> {
  const { sql } = openPostgres(database, 1);
  const [row] = await sql`select ssl, version from pg_stat_ssl where pid = pg_backend_pid()`;
  await sql.end();
  return row;
}

describe("a server that takes TLS only", () => {
  let url: URL;
  beforeAll(async () => {
    url = new URL(
      await startTlsServer(join(CERTIFICATES, "server.crt"), join(CERTIFICATES, "server.key")),
    );
    await migrate(at("localhost", "sslmode=require"));
  }, 60_000);

  function at(host: string, query: string): string {
    const there = new URL(url);
    there.hostname = host;
    there.search = query;
    return there.href;
  }

  test("is spoken to in TLS, by every mode that allows it", async () => {
    for (const query of ["", "sslmode=prefer", "sslmode=allow", "sslmode=require"]) {
      expect(await encryption(at("127.0.0.1", query))).toMatchObject({ ssl: true });
    }
  });

  test("is not spoken to in plain text, and says why", async () => {
    expect(await refusal(openStore(at("localhost", "sslmode=disable")))).toContain("no encryption");
  });

  test("is trusted by its authority, and by its name where that is asked for", async () => {
    for (const query of [
      `sslmode=verify-full&${ROOT}`,
      `sslmode=verify-ca&${ROOT}`,
      `sslmode=require&${ROOT}`,
    ]) {
      expect(await encryption(at("localhost", query))).toMatchObject({ ssl: true });
    }
    // The certificate is of localhost.
    expect(await encryption(at("127.0.0.1", `sslmode=verify-ca&${ROOT}`))).toMatchObject({
      ssl: true,
    });
    expect(await refusal(openStore(at("127.0.0.1", `sslmode=verify-full&${ROOT}`)))).toMatch(
      /its certificate is not trusted \(\w+\): name its authority's file in sslrootcert/,
    );
  });

  test("of an authority that nobody knows is refused", async () => {
    for (const mode of ["verify-ca", "verify-full"]) {
      expect(await refusal(openStore(at("localhost", `sslmode=${mode}`)))).toMatch(
        /its certificate is not trusted \(\w+\)/,
      );
    }
  });
});

test("a server without TLS is spoken to in plain text only where that is allowed", async () => {
  const { url } = await newestServer().start();
  const { sql } = openPostgres(url, 1);
  expect(await sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`).toMatchObject([
    { ssl: false },
  ]);
  await sql.end();
  expect(await refusal(openStore(`${url}?sslmode=require`))).toContain("database postgres://");
}, 60_000);
