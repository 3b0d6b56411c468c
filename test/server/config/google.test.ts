import { describe, expect, test } from "bun:test";

import { loadWithSources } from "../../../src/server/config/load.ts";
import { printConfig } from "../../../src/server/config/print.ts";
import { inputFor, load, report } from "./_files.ts";

const route = '[models.fast.primary]\nprovider = "Vertex"\nprovider_model_id = "gemini-2.5-pro"\n';

async function vertex(text: string, env: Readonly<Record<string, string>> = {}) {
  const { providers, warnings } = await load(text, { env });
  return { provider: providers.find(({ kind }) => kind === "vertex"), warnings };
}

describe("Vertex AI is opened", () => {
  test("by its variables alone, which also say where", async () => {
    const where = { VERTEX_PROJECT: "acme", VERTEX_REGION: "eu" };
    const google = { project: "acme", region: "eu" };
    expect((await vertex("", { VERTEX_API_KEY: "AIza" })).provider).toEqual({
      name: "vertex",
      kind: "vertex",
      apiKeys: ["AIza"],
      headers: {},
    });
    expect((await vertex("", { VERTEX_ACCESS_TOKEN: "ya29", ...where })).provider).toMatchObject({
      apiKeys: [],
      google: { ...google, accessToken: "ya29" },
    });
    const file = { GOOGLE_APPLICATION_CREDENTIALS: "/etc/account.json", ...where };
    expect((await vertex("", file)).provider).toMatchObject({
      apiKeys: [],
      google: { ...google, credentials: "/etc/account.json" },
    });
  });

  test("by its table, for which the machine's own credentials are enough", async () => {
    const { provider, warnings } = await vertex(`${route}[providers.vertex]\nproject = "acme"\n`);
    expect(provider).toMatchObject({ apiKeys: [], google: { project: "acme" } });
    expect(warnings).toEqual([]);
    expect((await vertex(`${route}[providers.vertex]\n`)).provider).toBeDefined();
    expect((await vertex(route, { VERTEX_PROJECT: "acme" })).provider).toBeDefined();
    expect((await vertex(route)).provider).toBeUndefined();
  });

  test("by the environment rather than by the file, and that is told", async () => {
    const table = `${route}[providers.vertex]\ncredentials = "/etc/account.json"\nproject = "file"\n`;
    const { provider, warnings } = await vertex(table, {
      VERTEX_ACCESS_TOKEN: "ya29",
      VERTEX_PROJECT: "env",
    });
    expect(provider?.google).toEqual({ accessToken: "ya29", project: "env" });
    expect(warnings).toEqual([
      "VERTEX_ACCESS_TOKEN in the environment replaces the key of [providers.vertex]",
    ]);
    const keyed = `${route}[providers.vertex]\napi_key = "AIza"\n`;
    const token = await vertex(keyed, { VERTEX_ACCESS_TOKEN: "ya29" });
    expect(token.provider).toMatchObject({ apiKeys: [], google: { accessToken: "ya29" } });
  });

  test("by GOOGLE_APPLICATION_CREDENTIALS only where the file names no other way, since all of Google's programs read it", async () => {
    const env = { GOOGLE_APPLICATION_CREDENTIALS: "/common.json" };
    const of = async (line: string) =>
      (await vertex(`${route}[providers.vertex]\n${line}\n`, env)).provider;
    expect(await of('api_key = "AIza"')).toMatchObject({ apiKeys: ["AIza"] });
    expect((await of('api_key = "AIza"'))?.google).toBeUndefined();
    expect((await of('access_token = "ya29"'))?.google).toEqual({ accessToken: "ya29" });
    expect((await of('credentials = "/own.json"'))?.google).toEqual({ credentials: "/own.json" });
    expect((await of(""))?.google).toEqual({ credentials: "/common.json" });
  });
});

test("safety settings and the project that pays reach the connector", async () => {
  const table =
    '[providers.vertex]\nquota_project = "payer"\nbuckets = ["media"]\nsafety_settings = { HARM_CATEGORY_HARASSMENT = "OFF" }\n';
  expect((await vertex(route + table)).provider?.google).toEqual({
    quotaProject: "payer",
    buckets: ["media"],
    safetySettings: { HARM_CATEGORY_HARASSMENT: "OFF" },
  });
});

async function print(table: string, env: Readonly<Record<string, string>>): Promise<string> {
  return printConfig(await loadWithSources(inputFor(`[providers.vertex]\n${table}\n`, { env })));
}

test("what is printed says where each way in comes from, and shows none of them", async () => {
  const token = await print('project = "file"', {
    VERTEX_ACCESS_TOKEN: "ya29.secret",
    VERTEX_PROJECT: "env",
  });
  expect(token).toMatch(/^project = "env" +# VERTEX_PROJECT$/m);
  expect(token).toMatch(/^access_token = "\*\*\*" +# VERTEX_ACCESS_TOKEN$/m);
  expect(token).not.toContain("ya29");
  const env = { GOOGLE_APPLICATION_CREDENTIALS: "/common.json" };
  expect(await print("", env)).toMatch(
    /^credentials = "\*\*\*" +# GOOGLE_APPLICATION_CREDENTIALS$/m,
  );
  const own = await print('credentials = "/own.json"', env);
  expect(own).toMatch(/^credentials = "\*\*\*" +# xjp\.toml:2$/m);
});

describe("is refused", () => {
  const faults: readonly (readonly [string, string, string])[] = [
    [
      "what only Google's hosts know at another one",
      '[providers.openai]\nproject = "acme"\n',
      'xjp.toml:2: providers.openai.project: only goes with kind = "vertex"',
    ],
    [
      "a setting for safety where there is none",
      '[providers.groq]\nsafety_settings = { A = "OFF" }\n',
      'xjp.toml:2: providers.groq.safety_settings: only goes with kind = "vertex" or "gemini"',
    ],
    [
      "a second way in",
      '[providers.vertex]\napi_key = "a"\ncredentials = "/x"\n',
      "xjp.toml:3: providers.vertex.credentials: stands beside api_key, expected one of the two",
    ],
    [
      "a token that no header can carry",
      '[providers.vertex]\naccess_token = "a\\nb"\n',
      "xjp.toml:2: providers.vertex.access_token: holds a line end",
    ],
  ];
  test.each(faults)("%s", async (_, text, line) => {
    const lines = await report(text);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith(line);
  });
});
