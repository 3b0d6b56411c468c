import { describe, expect, test } from "bun:test";
import type { ArgsDef } from "citty";
import { UsageError } from "../../src/cli/_error.ts";
import { parse, wantsHelp } from "../../src/cli/_parse.ts";

const args: ArgsDef = {
  tenant: { type: "positional", required: true },
  note: { type: "positional", required: false },
  rpm: { type: "string", valueHint: "N" },
  "tokens-per-day": { type: "string", alias: "t" },
  by: { type: "enum", options: ["day", "model"], default: "day" },
  json: { type: "boolean" },
  color: { type: "boolean", default: true },
};

function fault(argv: readonly string[]): string {
  try {
    parse(argv, args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error(`accepted: ${argv.join(" ")}`);
}

describe("a command line", () => {
  test("gives every declared name a value of its type", () => {
    expect(parse(["acme", "--rpm", "5", "-t", "7", "--json"], args)).toEqual({
      tenant: "acme",
      note: undefined,
      rpm: "5",
      "tokens-per-day": "7",
      by: "day",
      json: true,
      color: true,
    });
  });

  test("takes flags before, between and after words, with a space or an equals sign", () => {
    const expected = parse(["acme", "note", "--rpm=5", "--by=model"], args);
    expect(parse(["--rpm", "5", "acme", "--by", "model", "note"], args)).toEqual(expected);
  });

  test("takes a value with dashes, spaces and equals signs as it is", () => {
    const { rpm, note } = parse(["acme", "--rpm=--no-color=x y", "--", "--json"], args);
    expect([rpm, note]).toEqual(["--no-color=x y", "--json"]);
  });

  test("switches off what is on by default, and only that", () => {
    expect(parse(["acme", "--no-color"], args)["color"]).toBe(false);
    expect(fault(["acme", "--no-json"])).toBe("unknown flag --no-json (did you mean --json?)");
  });

  test("lets the last of two values win", () => {
    expect(parse(["acme", "--rpm", "1", "--rpm", "2"], args)["rpm"]).toBe("2");
  });

  test.each([
    [["acme", "--rpn", "5"], "unknown flag --rpn (did you mean --rpm?)"],
    [["acme", "--tokens", "5"], "unknown flag --tokens (did you mean --tokens-per-day?)"],
    [
      ["acme", "--tokensPerDay", "5"],
      "unknown flag --tokensPerDay (did you mean --tokens-per-day?)",
    ],
    [["acme", "--constructor"], "unknown flag --constructor"],
    [["acme", "--__proto__=1"], "unknown flag --__proto__"],
    [["acme", "-x"], "unknown flag -x"],
    [["acme", "-rpm"], "unknown flag -rpm (did you mean --rpm?)"],
    [["acme", "--rpm"], "--rpm needs a value: --rpm N"],
    [["acme", "--rpm", "--json"], "--rpm needs a value: --rpm N"],
    [["acme", "--rpm="], "--rpm needs a value: --rpm N"],
    [["acme", "--json=yes"], '--json takes no value (found "yes"): write --json alone'],
    [["acme", "--by", "modle"], '--by: "modle" is not one of day, model (did you mean model?)'],
    [["acme", "--by", "toString"], '--by: "toString" is not one of day, model'],
    [["acme", "a", "b"], 'unexpected word "b": this command takes TENANT, NOTE'],
    [[], "missing TENANT"],
  ])("refuses %j", (argv, message) => {
    expect(fault(argv)).toBe(message);
  });
});

describe("the wish for help", () => {
  test("is heard anywhere but behind --", () => {
    expect(wantsHelp(["a", "--rpm", "1", "-h"])).toBe(true);
    expect(wantsHelp(["--help"])).toBe(true);
    expect(wantsHelp(["a", "--", "--help"])).toBe(false);
    expect(wantsHelp(["help"])).toBe(false);
  });
});
