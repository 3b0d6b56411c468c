import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { createLocator } from "../../../src/server/config/locate.ts";
import { isTable, type Path } from "../../../src/server/config/path.ts";

const text = `# a comment with [brackets] = and "quotes"
title = "one" # [not.a.table]
a.b.c = 1
a.b.d = 2

[models."claude-sonnet-4.5".primary]
provider = "x"
'provider_model_id' = 'y # z'
[models."claude-sonnet-4.5".primary.retry]
max_retries = 3

[[models."claude-sonnet-4.5".fallback]]
provider = "one"
[[models."claude-sonnet-4.5".fallback]]
provider = """
two
[not.a.table]
"""
retry = { max_retries = 1, backoff_ms = 2 }
[models."claude-sonnet-4.5".fallback.extra]
deep = true

[lists]
keys = [
  "a", # ] not the end
  "b]",
  [ 1,
    2 ],
  { name = "x", inner.value = '''
long
''', last = 1 },
]
dates = 1979-05-27T07:32:00Z
after = "\\"#"

[ spaced . "out\\u0041" ]
value   =   '''it''''
end = 0`;

const places: readonly (readonly [path: Path, line: number])[] = [
  [["title"], 2],
  [["a"], 3],
  [["a", "b", "c"], 3],
  [["a", "b", "d"], 4],
  [["models"], 6],
  [["models", "claude-sonnet-4.5", "primary"], 6],
  [["models", "claude-sonnet-4.5", "primary", "provider"], 7],
  [["models", "claude-sonnet-4.5", "primary", "provider_model_id"], 8],
  [["models", "claude-sonnet-4.5", "primary", "retry", "max_retries"], 10],
  [["models", "claude-sonnet-4.5", "fallback"], 12],
  [["models", "claude-sonnet-4.5", "fallback", 0, "provider"], 13],
  [["models", "claude-sonnet-4.5", "fallback", 1], 14],
  [["models", "claude-sonnet-4.5", "fallback", 1, "provider"], 15],
  [["models", "claude-sonnet-4.5", "fallback", 1, "retry", "backoff_ms"], 19],
  [["models", "claude-sonnet-4.5", "fallback", 1, "extra", "deep"], 21],
  [["lists", "keys"], 24],
  [["lists", "keys", 0], 25],
  [["lists", "keys", 1], 26],
  [["lists", "keys", 2], 27],
  [["lists", "keys", 2, 1], 28],
  [["lists", "keys", 3, "name"], 29],
  [["lists", "keys", 3, "inner", "value"], 29],
  [["lists", "keys", 3, "last"], 31],
  [["lists", "dates"], 33],
  [["lists", "after"], 34],
  [["spaced", "outA"], 36],
  [["spaced", "outA", "value"], 37],
  [["spaced", "outA", "end"], 38],
];

describe("createLocator", () => {
  test("the sample is TOML", () => {
    expect(() => Bun.TOML.parse(text)).not.toThrow();
  });

  test.each(places)("finds %p on line %d", (path, line) => {
    expect(createLocator(text)(path)).toBe(line);
    expect(createLocator(text.replaceAll("\n", "\r\n"))(path)).toBe(line);
    expect(createLocator(`\uFEFF${text}`)(path)).toBe(line);
  });

  test("gives for a field that is not there the line of the table around it", () => {
    const lineOf = createLocator(text);
    expect(lineOf(["models", "claude-sonnet-4.5", "fallback", 1, "region"])).toBe(14);
    expect(lineOf(["models", "claude-sonnet-4.5", "primary", "retry", "backoff_ms"])).toBe(9);
    expect(lineOf(["nowhere"])).toBeUndefined();
  });

  test("prefers a table's own header to a deeper one before it", () => {
    expect(createLocator("[a.b]\nx = 1\n[a]\ny = 2\n")(["a", "z"])).toBe(3);
  });

  test("finds every value of any document, however it is written", () => {
    fc.assert(
      fc.property(document(), (lines) => {
        const source = lines.join("\n");
        const lineOf = createLocator(source);
        for (const [path, value] of leaves(Bun.TOML.parse(source), [])) {
          // Every value is a number of its own, so the line that shows it is the line it stands on.
          const line = lines.findIndex((each) => new RegExp(`\\b${value}\\b`).test(each)) + 1;
          expect([source, path, lineOf(path)]).toEqual([source, path, line]);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("ends for every text, TOML or not", () => {
    const piece = fc.constantFrom(
      "[",
      "]",
      "{",
      "}",
      "=",
      '"',
      "'",
      '"""',
      "a",
      ".",
      ",",
      "\n",
      "#",
      "\\",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        createLocator(pieces.join(""))(["a"]);
      }),
    );
  });
});

function leaves(value: unknown, path: Path): [Path, number][] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leaves(item, [...path, index]));
  if (isTable(value)) {
    return Object.entries(value).flatMap(([name, member]) => leaves(member, [...path, name]));
  }
  return typeof value === "number" ? [[path, value]] : [];
}

/** Lines of a random document; tables, fields and values in random spellings, every value a different number from 10000 on. */
function document(): fc.Arbitrary<readonly string[]> {
  const blank = fc.constantFrom("", "# [x] = 1", "   ", '# """');
  const seeds = fc.array(
    fc.tuple(fc.nat(5), fc.nat(3), fc.array(fc.nat(5), { maxLength: 4 }), blank),
    {
      maxLength: 8,
    },
  );
  return seeds.map((tables) => {
    let number = 10_000;
    const next = (): number => (number += 1);
    return tables.flatMap(([kind, spelling, fields, comment], index) => {
      const name = [`t${index}`, `"t ${index}.x"`, `'t${index}'.in`, `t${index} . "q\\"]"`][
        spelling
      ];
      const header = kind % 2 === 0 ? [`[${name}]`] : [`[[${name}]]`, `[[ ${name} ]] # ]]`];
      return [...header, comment, ...fields.flatMap((shape, at) => field(`f${at}`, shape, next))];
    });
  });
}

function field(name: string, shape: number, next: () => number): readonly string[] {
  const shapes = [
    () => [`${name} = ${next()} # = 1`],
    () => [`"${name}.x".y = ${next()}`],
    () => [`${name} = [`, `  ${next()},`, `  # ],`, `  ${next()}`, "]"],
    () => [`${name} = { a = ${next()}, "b}" = [${next()}, ${next()}], c.d = ${next()} }`],
    () => [`'${name}' = [ { a = """`, `}] \\""" x""", b = ${next()} },`, `[ ${next()} ] ]`],
    () => [`${name}.s = ${next()}`, `${name}.t = ${next()}`],
  ];
  return (shapes[shape] ?? shapes[0])?.() ?? [];
}
