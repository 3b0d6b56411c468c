import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDatabase } from "../../../src/server/store/database-url.ts";
import { migrate } from "../../../src/server/store/migrate.ts";
import { embeddedMigrations } from "../../../src/server/store/embedded/migrations.ts";
import { openStore } from "../../../src/server/store/open.ts";
import { toStoreError } from "../../../src/server/store/embedded/sqlite-error.ts";
import { aKey } from "../../contract/records.ts";
import { refusal } from "../../support/rejection.ts";
import { freshDatabase, temporaryFolder } from "./temporary.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

async function asNobody(command: "migrate" | "open", url: string): Promise<string> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "unprivileged-child.ts"), command, url],
    { stdout: "pipe", stderr: "inherit" },
  );
  expect(await child.exited).toBe(0);
  return new Response(child.stdout).text();
}

describe("a database address", () => {
  test("names a file, absolute or from the working folder", () => {
    expect(parseDatabase("sqlite:/var/lib/x.db")).toEqual({
      kind: "sqlite",
      path: "/var/lib/x.db",
    });
    expect(parseDatabase("sqlite:///var/lib/x.db")).toEqual({
      kind: "sqlite",
      path: "/var/lib/x.db",
    });
    expect(parseDatabase("sqlite:x y.db")).toEqual({
      kind: "sqlite",
      path: join(process.cwd(), "x y.db"),
    });
    for (const url of ["postgres://u:p@h/d", "postgresql://u:p@h/d"]) {
      expect(parseDatabase(url)).toEqual({ kind: "postgres", url });
    }
  });

  test("that names something else is refused without showing a password", () => {
    for (const wrong of ["", "x.db", "sqlite:", "sqlite://host/x.db", "mysql://me:secret@host/d"]) {
      expect(() => parseDatabase(wrong)).toThrow("expected sqlite:PATH");
      expect(() => parseDatabase(wrong)).not.toThrow("secret");
    }
  });
});

describe("opening", () => {
  test("a server that is not there is told without showing a password, by every way in", async () => {
    const nowhere = "postgres://u:secret@127.0.0.1:1/d";
    for (const attempt of [openStore, migrate]) {
      const said = await refusal(attempt(nowhere));
      expect(said).toStartWith("database postgres://127.0.0.1:1/d: cannot be reached");
      expect(said).not.toContain("secret");
    }
  });

  test("a missing file is not made but asks for a migration", async () => {
    const path = join(folder.path, "none.db");
    expect(await refusal(openStore(`sqlite:${path}`))).toBe(
      `database ${path}: does not exist: run \`xjp migrate\` to create it`,
    );
    expect(existsSync(path)).toBe(false);
  });

  test("a database without tables asks for a migration", async () => {
    const path = join(folder.path, "empty.db");
    writeFileSync(path, "");
    expect(await refusal(openStore(`sqlite:${path}`))).toBe(
      `database ${path}: has no tables of xjp, this binary needs migration ${embeddedMigrations.length}: run \`xjp migrate\``,
    );
  });

  test("a newer database is refused", async () => {
    const { path, url } = await freshDatabase(folder.path);
    const database = new Database(path, { readwrite: true });
    database.run(
      "insert into xjp_migrations values (99, '0099_x', 'x', '2030-01-01T00:00:00.000Z')",
    );
    database.close();
    expect(await refusal(openStore(url))).toContain("use the xjp that made it, or a newer one");
  });

  test("what is no database is refused by name", async () => {
    const path = join(folder.path, "notes.txt");
    writeFileSync(path, "not a database at all ".repeat(100));
    expect(await refusal(openStore(`sqlite:${path}`))).toBe(
      `database ${path}: is not an SQLite database: name another file in DATABASE_URL or --database`,
    );
  });

  test("a folder in place of the file is refused", async () => {
    expect(await refusal(openStore(`sqlite:${folder.path}`))).toContain("cannot be opened");
  });

  test("a file in place of the folder is refused", async () => {
    writeFileSync(join(folder.path, "file"), "");
    expect(await refusal(migrate(`sqlite:${join(folder.path, "file/xjp.db")}`))).toMatch(
      /^database \S+: cannot be created \(.*\): name another file/,
    );
  });

  test("a folder that may not be written says whom to give access", async () => {
    mkdirSync(join(folder.path, "locked"));
    chmodSync(join(folder.path, "locked"), 0o555);
    chmodSync(folder.path, 0o755);
    const path = join(folder.path, "locked", "xjp.db");
    expect(await asNobody("migrate", `sqlite:${path}`)).toBe(
      `database ${path}: cannot be created (EACCES: permission denied, open '${path}'): give this user write access, or name another file in DATABASE_URL or --database`,
    );
  });

  test("a file of another user says so", async () => {
    const { path, url } = await freshDatabase(folder.path);
    chmodSync(path, 0o000);
    chmodSync(folder.path, 0o755);
    expect(await asNobody("open", url)).toBe(
      `database ${path}: cannot be opened: check that it exists and that this user may read and write it and its folder ${folder.path}`,
    );
    chmodSync(path, 0o600);
  });
});

describe("what SQLite says", () => {
  test("a lock that does not end is waited for, without blocking, and then told", async () => {
    const { path, url } = await freshDatabase(folder.path);
    const store = await openStore(url);
    const other = new Database(path, { readwrite: true });
    other.run("begin immediate");
    const insert = store.insertKey(aKey(1));
    // It has tried by now, and turns the event loop while it waits, or this would never be reached.
    other.run("rollback");
    await insert;
    expect(await store.findKeys(aKey(1).id)).toHaveLength(1);
    await store.close();
    other.close();
  });

  test("a full disk is called that", () => {
    const path = join(folder.path, "small.db");
    const database = new Database(path, { create: true });
    database.run("create table t (a)");
    database.run("pragma max_page_count = 3");
    let thrown: unknown;
    try {
      database.run("insert into t values (randomblob(100000))");
    } catch (error) {
      thrown = error;
    }
    database.close();
    expect(toStoreError(thrown, path)).toMatchObject({
      message: `database ${path}: the disk is full: make room`,
      rejected: false,
    });
  });

  test("only a refusal of the data itself is marked as one", () => {
    expect(toStoreError(new RangeError("Invalid Date"), "x").rejected).toBe(true);
    expect(toStoreError(new Error("gone"), "x").rejected).toBe(false);
    expect(toStoreError("odd", "x").message).toBe("database x: odd");
  });
});
