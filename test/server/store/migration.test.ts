import { describe, expect, test } from "bun:test";
import {
  checksum,
  type LedgerEntry,
  type Migration,
  planMigrations,
  splitStatements,
} from "../../../src/server/store/migration.ts";

const one: Migration = { number: 1, name: "0001_one", text: "create table one (a);\n" };
const two: Migration = { number: 2, name: "0002_two", text: "create table two (a);\n" };
const three: Migration = { number: 3, name: "0003_three", text: "create table three (a);\n" };
const database = "database x.db";

function applied(...migrations: readonly Migration[]): readonly LedgerEntry[] {
  return migrations.map(({ number, name, text }) => ({
    number,
    name,
    checksum: checksum(text),
    appliedAt: 0,
  }));
}

function plan(ledger: readonly LedgerEntry[], to?: number): readonly number[] {
  return planMigrations(ledger, [one, two, three], { database, to }).map((next) => next.number);
}

describe("splitting a file into statements", () => {
  test("each piece says on which line its statement begins", () => {
    const text = "-- head\n\n-- more\nselect 1;\n\n\n-- why\nselect 2\n  from x;\n";
    expect(splitStatements(text)).toEqual([
      { line: 4, sql: "select 1;" },
      { line: 8, sql: "select 2\n  from x;" },
    ]);
  });

  test("a semicolon inside a statement does not end it", () => {
    const trigger = "create trigger t after insert on a begin\n  select 1;\n  select ';';\nend;";
    expect(splitStatements(`${trigger}\n\nselect 2;`)).toEqual([
      { line: 1, sql: trigger },
      { line: 6, sql: "select 2;" },
    ]);
  });

  test("a file of comments has no statements, and line endings do not matter", () => {
    expect(splitStatements("-- nothing;\n\n-- here\n")).toEqual([]);
    expect(splitStatements("select 1;\r\n\r\nselect 2;\r\n")).toEqual([
      { line: 1, sql: "select 1;" },
      { line: 3, sql: "select 2;" },
    ]);
    expect(checksum("a\r\nb")).toBe(checksum("a\nb"));
    expect(checksum("a b")).not.toBe(checksum("a\nb"));
  });
});

describe("planning", () => {
  test("what is not in the ledger is pending, up to where one asks", () => {
    expect(plan([])).toEqual([1, 2, 3]);
    expect(plan(applied(one))).toEqual([2, 3]);
    expect(plan(applied(one), 2)).toEqual([2]);
    expect(plan(applied(one), 1)).toEqual([]);
    expect(plan(applied(one, two, three))).toEqual([]);
  });

  test("going back is refused", () => {
    expect(() => plan(applied(one, two), 1)).toThrow(
      "database x.db is at migration 2: migrations only go forward; to go back to 1, restore a copy",
    );
  });

  test("a number that does not exist is refused", () => {
    for (const to of [4, -1, 1.5, Number.NaN]) {
      expect(() => plan([], to)).toThrow(`there is no migration ${to}: this binary knows 1 to 3`);
    }
  });

  test("a database newer than the binary is refused", () => {
    const four = { ...three, number: 4 };
    expect(() => plan(applied(one, two, three, four))).toThrow(
      "database x.db is at migration 4, this binary knows them up to 3: use the xjp that made it, or a newer one",
    );
  });

  test("a migration that was applied with another text is refused by name", () => {
    const altered = { ...two, text: `${two.text} ` };
    expect(() => plan(applied(one, altered))).toThrow(
      "database x.db: migration 0002_two was applied with another text than this binary holds",
    );
  });

  test("a migration that was jumped over is refused", () => {
    expect(() => plan(applied(one, three))).toThrow("migration 2 is missing");
  });
});
