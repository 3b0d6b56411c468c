import { expect, test } from "bun:test";
import { createKey, hashKey, isKeyShaped, keyPrefix } from "../../../src/server/store/key.ts";

test("a key is XJP_ and 43 base64url characters, another one each time", () => {
  const keys = new Set(Array.from({ length: 1_000 }, createKey));
  expect(keys.size).toBe(1_000);
  for (const key of keys) {
    expect(key).toMatch(/^XJP_[A-Za-z0-9_-]{43}$/);
    expect(isKeyShaped(key)).toBe(true);
    expect(Buffer.from(key.slice(4), "base64url")).toHaveLength(32);
  }
});

test("the bits of keys are evenly spread", () => {
  const ones = Array.from({ length: 256 }, () => 0);
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(createKey().slice(4), "base64url");
    for (const bit of ones.keys()) {
      ones[bit] = (ones[bit] ?? 0) + (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1);
    }
  }
  // Seven standard deviations from the mean of 1,000.
  for (const count of ones) expect(Math.abs(count - 1_000)).toBeLessThan(157);
});

test("the hash is the SHA-256 of the whole key in lower-case hex", () => {
  // Computed with sha256sum, as keys of the earlier gateway were hashed.
  expect(hashKey("XJP_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")).toBe(
    "bd89500f77731b5af8ec60fe7d5f6bbf8f77c0d1a78b079d56f6a11238d8e3f1",
  );
});

test("the prefix is what tells keys apart for people", () => {
  expect(keyPrefix("XJP_abcdefghijklmnop")).toBe("XJP_abcdefgh");
});

test("what is no key is told at sight", () => {
  const body = "a".repeat(43);
  expect(isKeyShaped(`XJP_${body}`)).toBe(true);
  for (const text of [
    "",
    "XJP_",
    body,
    `xjp_${body}`,
    `XJP_${body}a`,
    `XJP_${body.slice(1)}`,
    `XJP_${body.slice(1)}=`,
    `XJP_${body.slice(1)}+`,
    `XJP_${body.slice(1)}ä`,
    ` XJP_${body}`,
    `XJP_${body}\n`,
    `sk-${body}`,
  ]) {
    expect(isKeyShaped(text)).toBe(false);
  }
});
