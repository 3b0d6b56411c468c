import { describe, expect, test } from "bun:test";
import { connectorKinds } from "../../../src/server/config/config.ts";
import { knownProviders } from "../../../src/server/config/known-providers.ts";
import { load } from "./_files.ts";

const route = (provider: string): string =>
  `[models.fast.primary]\nprovider = "${provider}"\nprovider_model_id = "x"\n`;

describe("without a configuration of models", () => {
  test("every provider whose credentials are in the environment is on", async () => {
    const config = await load("", {
      env: {
        OPENROUTER_API_KEY: "a",
        OPENROUTER_BASE_URL: "http://localhost:1/api/v1/",
        GROQ_API_KEY: "b",
        DEEPSEEK_API_KEY: "c",
      },
    });
    expect(config.models).toEqual([]);
    expect(config.warnings).toEqual([]);
    expect(config.providers).toEqual([
      {
        name: "openrouter",
        kind: "openrouter",
        baseUrl: "http://localhost:1/api/v1",
        apiKeys: ["a"],
        headers: {},
      },
      ...["deepseek", "groq"].map((name) => ({
        name,
        kind: "openai-compatible" as const,
        profile: name,
        apiKeys: [name === "groq" ? "b" : "c"],
        headers: {},
      })),
    ]);
  });

  test("none at all is a warning that says what to do", async () => {
    const config = await load("");
    expect(config.providers).toEqual([]);
    expect(config.warnings).toEqual([
      "no provider is configured: set OPENROUTER_API_KEY or another provider's key, write a configuration file, or try xjp serve --demo",
    ]);
  });

  test("--demo alone is enough", async () => {
    const config = await load("", { flags: { demo: true } });
    expect(config.providers).toEqual([{ name: "demo", kind: "demo", apiKeys: [], headers: {} }]);
    expect(config.warnings).toEqual([]);
  });

  test("a host of one's own is on by its address alone, without a key", async () => {
    const env = {
      OPENAI_BASE_URL: "http://localhost:9/v1",
      OLLAMA_BASE_URL: "http://box:11434/v1",
    };
    const { providers } = await load("", { env });
    expect(providers.map(({ name, baseUrl, apiKeys }) => [name, baseUrl, apiKeys])).toEqual([
      ["openai", "http://localhost:9/v1", []],
      ["ollama", "http://box:11434/v1", []],
    ]);
  });

  test("credentials that no connector of this build can use are told", async () => {
    const without = knownProviders.filter(
      ({ kind }) => !connectorKinds.some((each) => each === kind),
    );
    for (const { name, kind, keyVariables } of without) {
      const config = await load("", {
        env: { OPENAI_API_KEY: "k", [keyVariables[0] ?? ""]: "secret" },
      });
      expect(config.warnings).toEqual([
        `${keyVariables[0]} in the environment: provider ${name} is left out: this build has no connector of kind ${kind}`,
      ]);
      expect(config.providers.map((each) => each.name)).toEqual(["openai"]);
    }
  });

  test("providers of the file and of the environment stand side by side", async () => {
    const { providers } = await load(
      '[providers.mine]\nkind = "openai-compatible"\nbase_url = "http://x/v1"\n',
      {
        env: { OPENAI_API_KEY: "k" },
      },
    );
    expect(providers.map(({ name }) => name)).toEqual(["mine", "openai"]);
  });
});

describe("with models", () => {
  test("providers that no route needs and no table names stay out", async () => {
    const { providers, warnings } = await load(route("openai"), {
      env: { OPENAI_API_KEY: "a", GROQ_API_KEY: "b", ANTHROPIC_API_KEY: "c" },
    });
    expect(providers.map(({ name }) => name)).toEqual(["openai"]);
    expect(warnings).toEqual([]);
  });

  test("--demo adds the demo provider to them", async () => {
    const { providers } = await load(route("openai"), {
      env: { OPENAI_API_KEY: "a" },
      flags: { demo: true },
    });
    expect(providers.map(({ name }) => name)).toEqual(["openai", "demo"]);
  });

  test("a route to a known host without a key is left out with a word on how to give one", async () => {
    const { models, warnings } = await load(route("groq"));
    expect(models).toMatchObject([{ name: "fast", routes: [], leftOut: [{ provider: "groq" }] }]);
    expect(warnings[0]).toBe(
      "models.fast.primary is left out, because of its provider groq: it has no key; set GROQ_API_KEY, or api_key in [providers.groq]",
    );
  });

  test("a table without credentials that no route needs is told too", async () => {
    const { warnings } = await load(`${route("openai")}[providers.gemini]\n[providers.groq]\n`, {
      env: { OPENAI_API_KEY: "a" },
    });
    expect(warnings).toEqual([
      "providers.gemini is left out: it has no key; set GEMINI_API_KEY, or api_key in [providers.gemini]",
      "providers.groq is left out: it has no key; set GROQ_API_KEY, or api_key in [providers.groq]",
    ]);
  });

  test("weighted routes come first and fallbacks after them; a weight of 0 takes a route out", async () => {
    const {
      models,
      retry: { maxAttempts: _, ...retry },
    } = await load(
      `
[retry]
max_retries = 7
[models.fast]
fallback = { provider = "openai", provider_model_id = "last", retry = { backoff_ms = 1 } }
routes = [
  { provider = "openai", provider_model_id = "a", weight = 3 },
  { provider = "openai", provider_model_id = "off", weight = 0 },
  { provider = "openai", provider_model_id = "b", weight = 0.5, region = "eu", project = "p" },
]
`,
      { env: { OPENAI_API_KEY: "k" } },
    );
    expect(models[0]?.routes).toEqual([
      { provider: "openai", providerModelId: "a", weight: 3, retry },
      { provider: "openai", providerModelId: "b", weight: 0.5, retry, region: "eu", project: "p" },
      { provider: "openai", providerModelId: "last", retry: { maxRetries: 7, backoffMs: 1 } },
    ]);
    expect(models[0]?.leftOut).toEqual([
      { provider: "openai", providerModelId: "off", reason: "its weight is 0" },
    ]);
  });
});

describe("a provider's table", () => {
  test("completes what the environment says, and gives way to it", async () => {
    const text = `
[providers.OpenAI]
base_url = "http://file/v1"
api_key = "from-file"
headers = { "OpenAI-Organization" = "org" }
`;
    const [provider] = (await load(text)).providers;
    expect(provider).toEqual({
      name: "openai",
      kind: "openai-compatible",
      profile: "openai",
      baseUrl: "http://file/v1",
      apiKeys: ["from-file"],
      headers: { "OpenAI-Organization": "org" },
    });
    const config = await load(text, {
      env: { OPENAI_API_KEY: "from-env", OPENAI_BASE_URL: "http://env/v1" },
    });
    expect(config.providers).toEqual([
      {
        name: "openai",
        kind: "openai-compatible",
        profile: "openai",
        baseUrl: "http://env/v1",
        apiKeys: ["from-env"],
        headers: { "OpenAI-Organization": "org" },
      },
    ]);
    expect(config.warnings).toEqual([
      "OPENAI_API_KEY in the environment replaces the key of [providers.openai]",
    ]);
  });

  test("whose key is the variable's own is not replaced by it", async () => {
    const { warnings } = await load('[providers.openai]\napi_key = "env:OPENAI_API_KEY"\n', {
      env: { OPENAI_API_KEY: "k" },
    });
    expect(warnings).toEqual([]);
  });

  test("may make another kind of a known name, which its variables are not for then", async () => {
    const { providers } = await load(
      '[providers.groq]\nkind = "openai-compatible"\nprofile = "openai"\nbase_url = "http://x/v1"\n',
      { env: { GROQ_API_KEY: "not-for-this" } },
    );
    expect(providers).toEqual([
      {
        name: "groq",
        kind: "openai-compatible",
        profile: "openai",
        baseUrl: "http://x/v1",
        apiKeys: [],
        headers: {},
      },
    ]);
  });

  test("may give a second account of a known host another name", async () => {
    const { providers } = await load(
      '[providers.second]\nprofile = "groq"\napi_keys = ["a", "b"]\n',
    );
    expect(providers).toEqual([
      {
        name: "second",
        kind: "openai-compatible",
        profile: "groq",
        apiKeys: ["a", "b"],
        headers: {},
      },
    ]);
  });
});

describe("credentials that are there for other purposes", () => {
  const env = { GITHUB_TOKEN: "ghp-1", HF_TOKEN: "hf-1" };

  test("open no provider by themselves", async () => {
    expect((await load("", { env })).providers).toEqual([]);
  });

  test("complete a provider that the file names", async () => {
    const { providers } = await load(route("github-models"), { env });
    expect(providers.map(({ name, apiKeys }) => [name, apiKeys])).toEqual([
      ["github-models", ["ghp-1"]],
    ]);
  });
});
