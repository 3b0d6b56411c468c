import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { KindGuard, type TSchema } from "@sinclair/typebox";
import { isTable, type Path, showPath } from "../../../src/server/config/path.ts";
import { fileSchema } from "../../../src/server/config/schema.ts";
import { load } from "./_files.ts";

const example = await Bun.file(join(import.meta.dir, "../../../config/xjp.example.toml")).text();
const everything = example.replaceAll(/^#(?=[a-z[])/gm, "");

describe("config/xjp.example.toml", () => {
  test("works as it is", async () => {
    const config = await load(example, { env: { OPENROUTER_API_KEY: "k" } });
    expect(config.models.map(({ name, routes }) => [name, routes.length])).toEqual([
      ["claude-sonnet-4.5", 1],
    ]);
    expect(config.warnings).toEqual([]);
  });

  test("works with every option on", async () => {
    const text = everything.replace("/run/secrets/openrouter", "key");
    const env = {
      GROQ_API_KEY: "g",
      GROQ_KEY_ONE: "1",
      GROQ_KEY_TWO: "2",
      CLEWDR_API_KEY: "c",
      GEMINI_API_KEY: "ge",
      GOOGLE_TOKEN: "go",
      ADMIN_TOKEN: "t",
    };
    const config = await load(text, { env, files: { key: "k\n" } });
    expect(config.providers.map(({ name }) => name)).toEqual([
      "openrouter",
      "groq-team",
      "my-vllm",
      "vertex",
      "vertex-eu",
      "gemini",
      "clewdr",
      "groq",
    ]);
    expect(config.prices).not.toEqual({});
  });

  test("shows the defaults that are in force", async () => {
    const { database: _, usage: __, ...plain } = await load("");
    const {
      database: ___,
      usage: ____,
      redis: _____,
      ...shown
    } = await load(
      everything.slice(0, everything.indexOf("# ---- Models")).replace(/^admin_token = .*$/m, "") +
        everything.slice(everything.indexOf("# ---- Limits"), everything.indexOf("# ---- Prices")),
    );
    expect({ ...shown, file: "" }).toEqual({ ...plain, file: "" });
  });

  test("mentions every field of the schema", () => {
    const written = new Set(fields(Bun.TOML.parse(everything), []).map(shape));
    const missing = known(fileSchema, []).filter((field) => !written.has(field));
    // The other form of the database's URL.
    expect(missing).toEqual(["database.url"]);
  });
});

/** Paths of all fields that hold no table. */
function fields(value: unknown, path: Path): readonly Path[] {
  if (Array.isArray(value) && value.some(isTable)) {
    return value.flatMap((item) => fields(item, [...path, "*"]));
  }
  if (!isTable(value)) return [path];
  return Object.entries(value).flatMap(([name, member]) => fields(member, [...path, name]));
}

/** The path with `*` for names that the operator chooses, and without telling one kind of route from another. */
function shape(path: Path): string {
  const [table, , kind] = path;
  const general = path.map((step, index) => {
    if (index === 1 && ["models", "providers", "prices", "tenants"].includes(String(table)))
      return "NAME";
    if (index === 2 && ["primary", "fallback", "routes"].includes(String(step))) return "ROUTE";
    return ["headers", "aliases", "safety_settings"].includes(String(kind)) && index === 3
      ? "NAME"
      : step;
  });
  return showPath(general.filter((step) => step !== "*"));
}

function known(schema: TSchema, path: Path): readonly string[] {
  if (KindGuard.IsUnion(schema) && !schema.anyOf.every(KindGuard.IsLiteral)) {
    return [...new Set(schema.anyOf.flatMap((variant) => known(variant, path)))];
  }
  if (KindGuard.IsArray(schema) && KindGuard.IsObject(schema.items))
    return known(schema.items, path);
  if (KindGuard.IsRecord(schema)) {
    return Object.values(schema.patternProperties).flatMap((member) =>
      known(member, [...path, "*"]),
    );
  }
  if (!KindGuard.IsObject(schema)) return [shape(path)];
  return Object.entries(schema.properties).flatMap(([name, member]) =>
    known(member, [...path, name]),
  );
}
