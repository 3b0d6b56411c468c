import { describe, expect, test } from "bun:test";
import { mask, maskUrl, toFileShape } from "../../../src/server/config/file-shape.ts";
import { loadWithSources } from "../../../src/server/config/load.ts";
import { withDefaults } from "../../../src/server/config/defaults.ts";
import { printConfig } from "../../../src/server/config/print.ts";
import { fileSchema } from "../../../src/server/config/schema.ts";
import { inputFor, load } from "./_files.ts";

const secrets = [
  "sk-file-1",
  "sk-file-2",
  "sk-env-3",
  "sk-ref-4",
  "sk-head-5",
  "sk-pass-6",
  "sk-param-7",
];

const file = `
[server]
port = 9000
[database]
url = "env:DB"
[models."a.b"]
fallback = [{ provider = "mine", provider_model_id = "late \\"quoted\\"" }]
[[models."a.b".routes]]
provider = "groq"
provider_model_id = "one"
weight = 2
timeouts_ms = 5
[[models."a.b".routes]]
provider = "OpenAI"
provider_model_id = "two"
weight = 1
region = "eu"
[models.plain.primary]
provider = "mine"
provider_model_id = "x"
[models.plain.primary.retry]
max_retries = 0
[providers.Mine]
kind = "openai-compatible"
base_url = "https://mine.example/v1"
api_keys = ["sk-file-1", "sk-file-2"]
headers = { "x-secret" = "sk-head-5" }
[providers.openai]
api_key = "env:REF"
[prices."groq/one"]
input = 0.1
output = 2
cache_read = 0
[cors]
origins = ["*"]
`;
const env = {
  GROQ_API_KEY: "sk-env-3",
  REF: "sk-ref-4",
  DB: "postgres://me:sk-pass-6@host/db?sslpassword=sk-param-7&sslmode=require",
  XJP_LOG: "warn",
};

function namesOf(value: unknown): readonly string[] {
  return Object.keys(Object(value));
}

describe("printConfig", () => {
  test("shows no secret, whatever it came from", async () => {
    const text = printConfig(await loadWithSources(inputFor(file, { env })));
    for (const secret of secrets) expect(text).not.toContain(secret);
    expect(text.split(mask)).toHaveLength(1 + secrets.length);
  });

  test("says behind each value where it comes from", async () => {
    const text = printConfig(
      await loadWithSources(inputFor(file, { env, flags: { host: "::1" } })),
    );
    const sourceOf = (line: string): string | undefined =>
      new RegExp(`^${RegExp.escape(line)} +# (.*)$`, "m").exec(text)?.[1];
    expect(sourceOf('host = "::1"')).toBe("--host");
    expect(sourceOf("port = 9000")).toBe("xjp.toml:3");
    expect(sourceOf("drain_ms = 30000")).toBe("default");
    expect(sourceOf('level = "warn"')).toBe("XJP_LOG");
    expect(sourceOf('url = "postgres://me:***@host/db?sslpassword=***&sslmode=require"')).toBe(
      "env:DB",
    );
    expect(sourceOf('api_keys = ["***", "***"]')).toBe("xjp.toml:26");
    expect(sourceOf('base_url = "https://mine.example/v1"')).toBe("xjp.toml:25");
    expect(text).toContain('[providers.openai]\nkind = "openai-compatible"');
    expect(text).toMatch(/profile = "openai" +# default\napi_key = "\*\*\*" +# env:REF\n/);
    expect(text).toMatch(/profile = "groq" +# default\napi_key = "\*\*\*" +# GROQ_API_KEY\n/);
  });

  test("prints a file that means the same", async () => {
    const loaded = await loadWithSources(inputFor(file, { env }));
    const again = await load(printConfig(loaded));
    expect(toFileShape(again)).toEqual(toFileShape(loaded.config));
    expect(again.models).toEqual(loaded.config.models);
    expect(again.warnings).toEqual([]);
  });

  test("leaves out no field that has a default", async () => {
    const shown = new Map<string, unknown>(Object.entries(toFileShape(await load(""))));
    const whole = withDefaults(fileSchema, {});
    for (const [table, fields] of Object.entries(Object(whole)))
      expect([table, namesOf(shown.get(table))]).toEqual([
        table,
        expect.arrayContaining([...namesOf(fields)]),
      ]);
    expect(namesOf(whole)).toContain("media");
  });

  test("shows what a provider is set to", async () => {
    const text = printConfig(
      await loadWithSources(inputFor('[providers.clewdr]\nbackend = "web"\n')),
    );
    expect(text).toMatch(/^backend = "web" +# xjp\.toml:2$/m);
  });

  test("shows warnings, and models that have no route", async () => {
    const text = printConfig(
      await loadWithSources(
        inputFor('[models.a.primary]\nprovider = "vertex"\nprovider_model_id = "x"\n'),
      ),
    );
    expect(text).toContain("# warning: models.a has no usable route");
    expect(text).toContain("\n[models.a]");
  });

  test("says when there is no file", async () => {
    const { cwd } = inputFor("");
    const text = printConfig(await loadWithSources({ flags: {}, env: { HOME: cwd }, cwd: "/" }));
    expect(text).toStartWith("# no configuration file: environment, flags and defaults\n");
  });
});

describe("maskUrl", () => {
  test.each([
    ["sqlite:/x/password.db", "sqlite:/x/password.db"],
    ["postgres://u:secret@h/d", "postgres://u:***@h/d"],
    ["postgres://u@h/d", "postgres://u@h/d"],
    [
      "postgres://h/d?user=u&password=secret&sslkey=secret",
      "postgres://h/d?user=u&password=***&sslkey=***",
    ],
    ["mysql://u:secret@h/d", "***"],
  ])("shows %s as %s", (url, shown) => {
    expect(maskUrl(url)).toBe(shown);
  });
});
