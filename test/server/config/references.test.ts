import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { inputFor, load, report, reportOf } from "./_files.ts";

const openai = (key: string): string => `[providers.openai]\napi_key = "${key}"\n`;

describe("env: and file: references", () => {
  test("stand for what they name, in any string", async () => {
    const config = await load(
      `
database = "env:DB"
[server]
host = "env:BIND"
[models.fast]
primary = { provider = "env:WHO", provider_model_id = "file:model" }
[providers.openai]
api_keys = ["env:ONE", "file:keys/two"]
headers = { "x-team" = "env:TEAM" }
[cors]
origins = ["env:ORIGIN"]
`,
      {
        env: {
          DB: "sqlite:/x.db",
          BIND: "::1",
          WHO: "OpenAI",
          ONE: "sk-1",
          TEAM: "a",
          ORIGIN: "https://a.example",
        },
        files: { model: "gpt\n", "keys/two": "sk-2\r\n" },
      },
    );
    expect(config.database).toBe("sqlite:/x.db");
    expect(config.server.host).toBe("::1");
    expect(config.models[0]?.routes[0]).toMatchObject({
      provider: "openai",
      providerModelId: "gpt",
    });
    expect(config.providers[0]).toMatchObject({
      apiKeys: ["sk-1", "sk-2"],
      headers: { "x-team": "a" },
    });
    expect(config.cors.origins).toEqual(["https://a.example"]);
  });

  test("become numbers where numbers are due", async () => {
    const { server, prices } = await load(
      '[server]\nport = "env:P"\n[prices.x]\ninput = "env:C"\noutput = 1\n',
      {
        env: { P: "99", C: "0.25" },
      },
    );
    expect(server.port).toBe(99);
    expect(prices["x"]?.input).toBe(0.25);
  });

  test("files lose one last line end and nothing else", async () => {
    const { providers } = await load('[providers.openai.headers]\na = "file:a"\n', {
      env: { OPENAI_API_KEY: "k" },
      files: { a: " x\ty \n" },
    });
    expect(providers[0]?.headers).toEqual({ a: " x\ty " });
  });

  test("files are relative to the folder of the configuration, absolute, in the home, or named by a variable", async () => {
    const files = {
      "etc/c.toml": openai("file:key"),
      "etc/key": "in-etc\n",
      "home/key": "in-home",
      "run/key": "in-run",
    };
    const { cwd, env } = inputFor("", { files });
    const keyOf = async (text: string, more = {}): Promise<unknown> => {
      await Bun.write(join(cwd, "etc/c.toml"), openai(text));
      const { loadConfig } = await import("../../../src/server/config/load.ts");
      const flags = { config: "etc/c.toml" };
      const config = await loadConfig({ cwd, flags, env: { ...env, ...more } });
      return config.providers[0]?.apiKeys[0];
    };
    expect(await keyOf("file:key")).toBe("in-etc");
    expect(await keyOf("file:../run/key")).toBe("in-run");
    expect(await keyOf(`file:${cwd}/run/key`)).toBe("in-run");
    expect(await keyOf("file:~/key")).toBe("in-home");
    const credentials = { CREDENTIALS_DIRECTORY: join(cwd, "run") };
    expect(await keyOf("file:${CREDENTIALS_DIRECTORY}/key", credentials)).toBe("in-run");
  });

  test("that lead nowhere are faults that name what is missing", async () => {
    const input = inputFor(
      `[providers.openai.headers]
a = "env:NOPE"
b = "env:BLANK"
c = "env:"
d = "file:gone"
e = "file:blank"
f = "file:\${NOPE}/x"
g = "file:"
h = "file:."
`,
      { env: { BLANK: "" }, files: { blank: "\n" } },
    );
    const { cwd } = input;
    expect(await reportOf(input)).toEqual([
      "xjp.toml:2: providers.openai.headers.a: the environment variable NOPE is not set",
      "xjp.toml:3: providers.openai.headers.b: the environment variable BLANK is empty",
      "xjp.toml:4: providers.openai.headers.c: found env:, expected env:NAME",
      `xjp.toml:5: providers.openai.headers.d: cannot read the file ${cwd}/gone: it does not exist`,
      `xjp.toml:6: providers.openai.headers.e: the file ${cwd}/blank is empty`,
      "xjp.toml:7: providers.openai.headers.f: the environment variable NOPE of ${NOPE}/x is not set",
      "xjp.toml:8: providers.openai.headers.g: found file:, expected file:PATH",
      `xjp.toml:9: providers.openai.headers.h: cannot read the file ${cwd}: it is a folder`,
    ]);
  });

  test("are resolved once: what they bring is not read again", async () => {
    const { providers } = await load(openai("env:ONE"), { env: { ONE: "env:TWO", TWO: "x" } });
    expect(providers[0]?.apiKeys).toEqual(["env:TWO"]);
  });

  test("of a misspelled field leave the report to the name", async () => {
    expect(await report('[providers.openai]\napi_kye = "env:HOME"\n')).toEqual([
      'xjp.toml:2: providers.openai.api_kye: unknown field, expected one of kind, profile, backend, base_url, api_key, api_keys, project, region, access_token, credentials, quota_project, buckets, safety_settings, headers; did you mean "api_key"?',
    ]);
  });
});
