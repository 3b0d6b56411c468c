import { describe, expect, test } from "bun:test";
import { readPostgresAddress } from "../../../../src/server/store/postgres/address.ts";
import { toPostgresError } from "../../../../src/server/store/postgres/error.ts";

function coded(code: string): Error {
  return Object.assign(new Error("words"), { code });
}

describe("an address", () => {
  test("says who, where and what; what it leaves out is PostgreSQL's own default", () => {
    expect(readPostgresAddress("postgres://me:p%40ss@db.example.com:5433/books")).toMatchObject({
      place: "db.example.com:5433/books",
      host: "db.example.com",
      port: 5433,
      user: "me",
      password: "p@ss",
      database: "books",
      tls: "prefer",
      isPooled: false,
      poolMax: 10,
    });
    expect(readPostgresAddress("postgres://db/x")).toMatchObject({
      port: 5432,
      user: undefined,
      password: undefined,
      socket: undefined,
    });
    expect(readPostgresAddress("postgres://[::1]/x").host).toBe("::1");
  });

  test("names a socket by its folder, and takes users and passwords as parameters", () => {
    const address = readPostgresAddress(
      "postgres:///books?host=/run/postgresql&port=5433&user=me&password=secret",
    );
    expect(address).toMatchObject({
      socket: "/run/postgresql/.s.PGSQL.5433",
      user: "me",
      password: "secret",
      tls: false,
    });
    expect(address.place).not.toContain("secret");
  });

  test("sets the pool, the waits and the pooler", () => {
    expect(
      readPostgresAddress(
        "postgres://h/d?pool_max=3&connect_timeout=2&statement_timeout=500&pgbouncer=true&application_name=night",
      ),
    ).toMatchObject({
      poolMax: 3,
      connectMs: 2_000,
      statementMs: 500,
      isPooled: true,
      applicationName: "night",
    });
  });

  test("may carry what other clients read from it", () => {
    expect(readPostgresAddress("postgres://h/d?channel_binding=require").host).toBe("h");
  });

  test("with a mistake is refused with what is right, and without its password", () => {
    for (const [query, said] of [
      ["sslmod=require", '"sslmod" is no parameter of a postgres: address'],
      ["sslmode=yes", "one of disable, allow, prefer, require, verify-ca, verify-full"],
      ["pool_max=0", 'pool_max is "0": it is a whole number, at least'],
      ["pgbouncer=1", 'pgbouncer is "1": it is true or false'],
      ["sslmode=verify-full&sslrootcert=/nowhere.crt", "sslrootcert cannot be read"],
    ] as const) {
      const read = () => readPostgresAddress(`postgres://me:hunter2@h/d?${query}`);
      expect(read).toThrow(said);
      expect(read).not.toThrow("hunter2");
    }
    expect(() => readPostgresAddress("postgres://me:hun%ter2@h/d")).toThrow("write %25 for a %");
  });
});

describe("what the server or the way to it says", () => {
  test("becomes what to do", () => {
    for (const [code, said] of [
      ["ECONNREFUSED", "cannot be reached"],
      ["28P01", "correct user and password"],
      ["3D000", "create it"],
      ["53300", "lower pool_max"],
      ["57014", "raise statement_timeout"],
      ["42P01", "run `xjp migrate`"],
      ["26000", "add pgbouncer=true"],
      ["SELF_SIGNED_CERT_IN_CHAIN", "sslrootcert"],
      ["XX000", "words (XX000)"],
    ] as const) {
      const error = toPostgresError(coded(code), "h:5432/d");
      expect(error.message).toStartWith("database postgres://h:5432/d: ");
      expect(error.message).toContain(said);
      expect(error.rejected).toBe(false);
    }
  });

  test("is a refusal of the data only where it would refuse it again", () => {
    for (const code of ["22P02", "23505", "23502", "54000"]) {
      expect(toPostgresError(coded(code), "x").rejected).toBe(true);
    }
    expect(toPostgresError(new RangeError("Invalid Date"), "x").rejected).toBe(true);
    expect(toPostgresError("odd", "x").message).toBe("database postgres://x: odd");
  });
});
