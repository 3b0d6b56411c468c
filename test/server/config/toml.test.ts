import { describe, expect, test } from "bun:test";
import { parseToml } from "../../../src/server/config/toml.ts";

describe("parseToml", () => {
  test("reads dotted keys, arrays of tables, inline tables and long strings", () => {
    const text = `
a.b = 1
[[list]]
x = { y = 1, z.w = [1, 2] }
[[list]]
long = """
one \\
   two"""
raw = '''
\\n'''
`;
    expect(parseToml(text)).toEqual({
      ok: true,
      tree: {
        a: { b: 1 },
        list: [{ x: { y: 1, z: { w: [1, 2] } } }, { long: "one two", raw: "\\n" }],
      },
    });
  });

  test.each([
    ["a key twice", "a = 1\nb = 2\na = 3\nc = 4\n", 3, "cannot redefine key 'a'"],
    ["a table twice", "[a]\nx = 1\n[b]\n[a]\ny = 1\n", 4, "cannot redefine table 'a'"],
    ["a value that is missing", "a = 1\nb =\nc = 2\n", 2, "missing value"],
    ["an open string", 'a = 1\nb = "x\nc = "y"\n', 2, "unterminated string"],
    ["an open long string", 'a = 1\nb = """x\nc = 1\n', 2, "unterminated string"],
    ["an open array", "a = 1\nb = [1,\n2\n", 3, "expected ',' or ']'"],
    ["a fault deep in an array", "a = [\n1,\n2,\n3 4,\n5\n]\nb = 1\n", 4, "found '4'"],
    ["an open header", "a = 1\n\n[b\nx = 1\n", 3, "but found the end of the line"],
    ["a key without value", "a = 1\r\nfoo\r\nb = 2\r\n", 2, "expected '=' after a key"],
    ["a fault on the last line", "a = 1\nb = 1 2", 2, "expected a newline"],
    ["a fault on the first line", "= 1\na = 2", 1, "expected a key but found '='"],
  ])("names line and reason of %s", (_, text, line, problem) => {
    const parsed = parseToml(text);
    expect(parsed).toMatchObject({ ok: false, line });
    expect(parsed.ok ? "" : parsed.problem).toContain(problem);
  });

  test("does not repeat unquoted text, which may be a key", () => {
    const parsed = parseToml("api_key = sk-or-v1-0123456789\n");
    expect(parsed).toEqual({
      ok: false,
      line: 1,
      problem: "not valid TOML: strings must be quoted",
    });
  });
});
