import { describe, expect, test } from "bun:test";
import {
  defaultDatabase,
  defaultJournal,
  readDatabaseUrl,
} from "../../../src/server/config/database-url.ts";

const place = { cwd: "/srv", env: { HOME: "/home/me" } };

describe("readDatabaseUrl", () => {
  test.each([
    ["sqlite:xjp.db", "sqlite:/srv/xjp.db"],
    ["sqlite:./data/../xjp.db", "sqlite:/srv/xjp.db"],
    ["sqlite:/var/xjp.db", "sqlite:/var/xjp.db"],
    ["sqlite://xjp.db", "sqlite:/srv/xjp.db"],
    ["sqlite:///var/xjp.db", "sqlite:/var/xjp.db"],
    ["SQLite:/var/My Data.db", "sqlite:/var/My Data.db"],
    ["sqlite:~/xjp.db", "sqlite:/home/me/xjp.db"],
    ["postgres://u:p@host:5433/db?sslmode=require", "postgres://u:p@host:5433/db?sslmode=require"],
    ["postgresql://host/db", "postgres://host/db"],
    ["postgres:///db", "postgres:///db"],
  ])("reads %s", (text, url) => {
    expect(readDatabaseUrl(text, place)).toEqual({ url });
  });

  test.each([
    ["sqlite:", 'found "sqlite:", expected sqlite:PATH'],
    ["sqlite::memory:", 'found "sqlite::memory:", expected sqlite:PATH'],
    ["xjp.db", "found text without a scheme, expected sqlite:PATH or postgres://USER@HOST/NAME"],
    [
      "mysql://u:secret@h/d",
      "found a mysql: URL, expected sqlite:PATH or postgres://USER@HOST/NAME",
    ],
    [
      "postgres://u:secret@h:port/d",
      "found a postgres: URL that cannot be read, expected sqlite:PATH or postgres://USER@HOST/NAME",
    ],
    [
      "postgres:secret",
      "found a postgres: URL that cannot be read, expected sqlite:PATH or postgres://USER@HOST/NAME",
    ],
  ])("refuses %s without repeating a password", (text, problem) => {
    expect(readDatabaseUrl(text, place)).toEqual({ problem });
  });
});

describe("defaultDatabase", () => {
  test("is in the user's data folder", () => {
    expect(defaultDatabase({ HOME: "/home/me" })).toBe("sqlite:/home/me/.local/share/xjp/xjp.db");
    expect(defaultDatabase({ HOME: "/home/me", XDG_DATA_HOME: "/data" })).toBe(
      "sqlite:/data/xjp/xjp.db",
    );
  });

  test("ignores a relative XDG_DATA_HOME, as the specification asks", () => {
    expect(defaultDatabase({ HOME: "/home/me", XDG_DATA_HOME: "data" })).toBe(
      "sqlite:/home/me/.local/share/xjp/xjp.db",
    );
  });
});

describe("defaultJournal", () => {
  const env = { HOME: "/home/me" };

  test("is beside an SQLite file", () => {
    expect(defaultJournal("sqlite:/var/xjp.db", env)).toBe("/var/xjp.db.usage");
  });

  test("is in the user's state folder for a server, one for each database, whoever asks", () => {
    const folder = defaultJournal("postgres://me:old@host/db", env);
    expect(folder).toMatch(/^\/home\/me\/\.local\/state\/xjp\/[0-9a-f]{16}\.usage$/);
    expect(defaultJournal("postgres://you:new@host:5432/db?sslmode=require", env)).toBe(folder);
    expect(defaultJournal("postgres://me:old@host/other", env)).not.toBe(folder);
    expect(defaultJournal("postgres://host/db", { ...env, XDG_STATE_HOME: "/state" })).toStartWith(
      "/state/xjp/",
    );
  });
});
