import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKeyCache } from "../../../src/server/store/key-cache.ts";
import { aKey, NOON } from "../../contract/records.ts";
import { refusal } from "../../support/rejection.ts";
import { temporaryFolder } from "./temporary.ts";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, "state", "keys.json");
});
afterEach(() => folder.remove());

const keys = [
  aKey(1, { models: ["fast", "big-*"], rpm: 7, expiresAt: NOON, budgetNanoUsd: 5 }),
  aKey(2, { isActive: false, revokedAt: NOON, description: "for the website" }),
];

test("what is saved comes back, but for what only people need", async () => {
  const cache = createKeyCache(path, "here");
  expect(cache.load()).toBeUndefined();
  await cache.save({ keys, asOf: NOON });
  const bare = keys.map((key) => ({ ...key, keyPrefix: "", description: null }));
  expect(createKeyCache(path, "here").load()).toEqual({ keys: bare, asOf: NOON });
  const text = readFileSync(path, "utf8");
  expect(text).not.toContain("XJP_");
  expect(text).not.toContain("website");
});

test("only this user may read it, and nothing else is left in the folder", async () => {
  const cache = createKeyCache(path, "here");
  await cache.save({ keys: [], asOf: 1 });
  await cache.save({ keys, asOf: 2 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder.path, "state")).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(folder.path, "state"))).toEqual(["keys.json"]);
});

test("of another database nothing is taken", async () => {
  await createKeyCache(path, "here").save({ keys, asOf: NOON });
  expect(createKeyCache(path, "there").load()).toBeUndefined();
});

test("what is damaged is said to be, wherever the damage is", async () => {
  const cache = createKeyCache(path, "here");
  await cache.save({ keys, asOf: NOON });
  const whole = readFileSync(path, "utf8");
  for (let cut = 0; cut < whole.length; cut += 97) {
    writeFileSync(path, whole.slice(0, cut));
    expect(() => cache.load()).toThrow(`key cache ${path}: cannot be read`);
  }
  for (const field of Object.keys(aKey(1))) {
    writeFileSync(path, whole.replace(`"${field}":`, `"${field}":{},"x${field}":`));
    expect(() => cache.load()).toThrow("it is damaged");
  }
});

test("a disk that takes nothing is said to, and what was there stays", async () => {
  writeFileSync(join(folder.path, "state"), "");
  const cache = createKeyCache(path, "here");
  expect(await refusal(cache.save({ keys, asOf: NOON }))).toStartWith(
    `key cache ${path}: cannot be written (`,
  );
});
