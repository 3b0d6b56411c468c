import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { decimalsOf, readUsd, usd } from "../../src/cli/_money.ts";
import { digits, readInteger } from "../../src/cli/_number.ts";
import { UsageError } from "../../src/cli/_error.ts";
import { readDuration, readMoment, when } from "../../src/cli/_time.ts";

const now = Date.UTC(2026, 5, 15, 12);

describe("money", () => {
  test("survives being written and read, to the last billionth", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: 9 }), (nano, decimals) => {
        expect(readUsd("--budget", usd(nano, decimals))).toBe(nano);
      }),
    );
  });

  test.each([
    [0, "0.00"],
    [12_345_000, "0.012345"],
    [1, "0.000000001"],
    [1_500_000_000, "1.50"],
    [-2_500_000_000, "-2.50"],
    [9_007_199_254_740_991n * 4n, "36028797.018963964"],
  ])("%d nano is written %s", (nano, text) => {
    expect(usd(nano)).toBe(text);
  });

  test("has no point where no places are wanted", () => {
    expect([usd(0, 0), usd(2_000_000_000, 0), usd(1_500_000_000, 0)]).toEqual(["0", "2", "1.5"]);
  });

  test("takes as many places as its finest amount needs", () => {
    expect(decimalsOf([1_000_000_000, 1_234_000])).toBe(6);
    expect(decimalsOf([])).toBe(2);
  });

  test.each([
    ["25", 25_000_000_000],
    ["$0.5", 500_000_000],
    ["1_000", 1_000_000_000_000],
  ])("%s is read as %d nano", (text, nano) => {
    expect(readUsd("--budget", text)).toBe(nano);
  });

  test.each(["", "-1", "1e3", "1.", ".5", "1.1234567890", "12 USD", "NaN", "99999999999"])(
    "%j is refused",
    (text) => {
      expect(() => readUsd("--budget", text)).toThrow("--budget: ");
    },
  );
});

describe("whole numbers", () => {
  test.each([
    ["0", 0],
    ["10_000", 10_000],
  ])("%s is read", (text, value) => {
    expect(readInteger("--rpm", text)).toBe(value);
  });

  test.each(["", "-1", "1.5", "1e3", "0x10", "_1", "99999999999999999"])(
    "%j is refused",
    (text) => {
      expect(() => readInteger("--rpm", text)).toThrow(`--rpm: "${text}" is not a whole number`);
    },
  );

  test("are grouped in threes", () => {
    expect([0, 999, 1000, 1_234_567].map(digits)).toEqual(["0", "999", "1,000", "1,234,567"]);
  });
});

describe("lengths of time", () => {
  test.each([
    ["90s", 90_000],
    ["15m", 900_000],
    ["24h", 86_400_000],
    ["30d", 2_592_000_000],
    ["2w", 1_209_600_000],
    ["1d12h", 129_600_000],
    ["0", 0],
  ])("%s is read", (text, ms) => {
    expect(readDuration("--grace", text)).toBe(ms);
  });

  test.each(["", "1", "d", "-1d", "1.5h", "1 d", "1y"])("%j is refused", (text) => {
    expect(() => readDuration("--grace", text)).toThrow("--grace: ");
  });

  test.each(["365001d", "999999999w", "1s999999999w"])("%s is more than dates can hold", (text) => {
    const fault = `: ${text} is too long: at most 365000d`;
    expect(() => readDuration("--grace", text)).toThrow(fault);
    expect(() => readMoment("--since", text, now, "past")).toThrow(fault);
    expect(() => readMoment("--expires", text, now, "future")).toThrow(UsageError);
  });

  test("1,000 years are the longest", () => {
    const end = readMoment("--expires", "365000d", now, "future");
    expect(new Date(end).toISOString()).toStartWith("3025-10-");
  });
});

describe("moments", () => {
  test("lie before or after now, as the flag means them", () => {
    expect(readMoment("--since", "7d", now, "past")).toBe(now - 7 * 86_400_000);
    expect(readMoment("--expires", "7d", now, "future")).toBe(now + 7 * 86_400_000);
    expect(readMoment("--until", "now", now, "past")).toBe(now);
  });

  test.each([
    ["2026-01-31", "2026-01-31T00:00:00.000Z"],
    ["2026-01-31T12:30", "2026-01-31T12:30:00.000Z"],
    ["2026-01-31 12:30:05", "2026-01-31T12:30:05.000Z"],
    ["2026-01-31T12:30:05.250Z", "2026-01-31T12:30:05.250Z"],
    ["2026-01-31T12:30+02:00", "2026-01-31T10:30:00.000Z"],
  ])("%s is %s, in UTC unless it says otherwise", (text, iso) => {
    expect(new Date(readMoment("--since", text, now, "past")).toISOString()).toBe(iso);
  });

  test.each(["2026-02-31", "2026-13-01", "2026-1-1", "yesterday", "2026-01-01T25:00", "20260101"])(
    "%j is refused",
    (text) => {
      expect(() => readMoment("--since", text, now, "past")).toThrow("--since: ");
    },
  );

  test("are shown in UTC, to the minute", () => {
    expect(when(now)).toBe("2026-06-15 12:00 UTC");
  });
});
