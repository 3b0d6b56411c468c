import { constants, existsSync, statSync } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { maskUrl } from "../../server/config/file-shape.ts";
import { migrationStatus } from "../../server/store/migrate.ts";
import { openStore } from "../../server/store/open.ts";
import { digits } from "../_number.ts";
import { when } from "../_time.ts";
import { wordsOf } from "../../server/words.ts";
import type { Finding } from "./_finding.ts";

/** The database: there, up to date, readable, and with room to grow. */
export async function* checkStorage(database: string): AsyncGenerator<Finding> {
  const path = database.startsWith("sqlite:") ? database.slice("sqlite:".length) : undefined;
  if (path !== undefined) yield await checkFolder(dirname(path));
  yield await checkDatabase(database, path);
}

const leastFree = 200_000_000;

async function checkFolder(folder: string): Promise<Finding> {
  const check = "folder";
  let existing = folder;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  try {
    if (!statSync(existing).isDirectory()) throw new Error(`${existing} is not a folder`);
    await access(existing, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(existing);
    const free = bavail * bsize;
    const found = `${folder} is ${existing === folder ? "writable" : "not there yet but can be made"}, ${digits(Math.floor(free / 1_000_000))} MB free`;
    if (free >= leastFree) return { check, state: "ok", found };
    return {
      check,
      state: "warn",
      found,
      todo: "make room: the usage of every request is written there",
    };
  } catch (error) {
    const user = process.getuid === undefined ? "this user" : `user ${process.getuid()}`;
    return {
      check,
      state: "fail",
      found: `${folder} cannot be written: ${wordsOf(error)}`,
      todo: `give ${user} the right to, or choose another place with --database or DATABASE_URL`,
    };
  }
}

async function checkDatabase(database: string, path: string | undefined): Promise<Finding> {
  const check = "database";
  const name = maskUrl(database);
  try {
    const { migrations, version } = await migrationStatus(database);
    const pending = migrations.filter(({ appliedAt }) => appliedAt === null).length;
    if (version === 0 && path !== undefined && !existsSync(path))
      return { check, state: "ok", found: `${name} is not there yet: serve and keygen make it` };
    if (pending > 0)
      return {
        check,
        state: "warn",
        found: `${name} lacks ${pending} migrations`,
        todo: "run xjp migrate",
      };
    return await readKeys(database, `${name}, version ${version}`);
  } catch (error) {
    return { check, state: "fail", found: wordsOf(error) };
  }
}

async function readKeys(database: string, name: string): Promise<Finding> {
  const check = "database";
  const store = await openStore(database);
  try {
    await store.ping();
    const keys = await store.listKeys({});
    const now = Date.now();
    const active = keys.filter((key) => key.isActive && (key.expiresAt ?? Infinity) > now).length;
    const found = `${name}, ${digits(active)} of ${digits(keys.length)} keys active`;
    const newest = keys[0]?.createdAt ?? 0;
    if (newest > now + 60_000)
      return {
        check,
        state: "warn",
        found: `${found}; a key was made at ${when(newest)}, in the future`,
        todo: "check the clocks of the machines that use this database",
      };
    if (active === 0) return { check, state: "warn", found, todo: "make a key: xjp keygen TENANT" };
    return { check, state: "ok", found };
  } finally {
    await store.close();
  }
}
