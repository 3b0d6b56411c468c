import { describe, expect, test } from "bun:test";
import { load, report } from "./_files.ts";

const earlier = `
[models."claude-sonnet-4.5".primary]
provider = "OpenRouter"                      # names are case-insensitive
provider_model_id = "anthropic/claude-3.5-sonnet"
timeouts_ms = 120000
[models."claude-sonnet-4.5".primary.retry]
max_retries = 3
backoff_ms = 500
[models."claude-sonnet-4.5".fallback]        # one table, or an array of tables in order
provider = "Vertex"
provider_model_id = "publishers/google/models/gemini-1.5-pro-002"
region = "us-central1"
project = "my-gcp-project"
[rate_limiting]
default_rpm = 60
burst_size = 10
`;

const openrouter = {
  provider: "openrouter",
  providerModelId: "anthropic/claude-3.5-sonnet",
  timeoutMs: 120_000,
  retry: { maxRetries: 3, backoffMs: 500 },
};

describe("the earlier gateway's file", () => {
  test("is valid as it is", async () => {
    const config = await load(earlier, { env: { OPENROUTER_API_KEY: "sk-or-1" } });
    expect(config.models).toMatchObject([{ name: "claude-sonnet-4.5", routes: [openrouter] }]);
    expect(config.providers).toEqual([
      { name: "openrouter", kind: "openrouter", apiKeys: ["sk-or-1"], headers: {} },
    ]);
    expect(config.rateLimiting).toMatchObject({ defaultRpm: 60, burstSize: 10 });
  });

  test("says which routes are left out, and how to have them", async () => {
    const config = await load(earlier, { env: { OPENROUTER_API_KEY: "sk-or-1" } });
    expect(config.warnings).toEqual([
      'models."claude-sonnet-4.5".fallback is left out, because of its provider vertex: it has no key; set VERTEX_API_KEY or VERTEX_ACCESS_TOKEN or GOOGLE_APPLICATION_CREDENTIALS, or api_key in [providers.vertex], or make a table for it to use what gcloud or this machine has',
    ]);
  });

  test("keeps a model that no provider can serve, and says so", async () => {
    const config = await load(earlier);
    expect(config.models).toMatchObject([
      {
        name: "claude-sonnet-4.5",
        routes: [],
        leftOut: [{ provider: "openrouter" }, { provider: "vertex" }],
      },
    ]);
    expect(config.providers).toEqual([]);
    expect(config.warnings).toEqual([
      'models."claude-sonnet-4.5".primary is left out, because of its provider openrouter: it has no key; set OPENROUTER_API_KEY, or api_key in [providers.openrouter]',
      expect.stringContaining('models."claude-sonnet-4.5".fallback is left out'),
      'models."claude-sonnet-4.5" has no usable route: requests for it are answered with 503',
    ]);
  });

  test("may list several fallbacks, and Clewdr", async () => {
    const text = `
[models.fast]
primary = { provider = "CLEWDR", provider_model_id = "claude-sonnet-4-5" }
[[models.fast.fallback]]
provider = "openrouter"
provider_model_id = "one"
[[models.fast.fallback]]
provider = "OPENROUTER"
provider_model_id = "two"
timeouts_ms = 5
`;
    expect(await report(text)).toEqual([]);
    const config = await load(text, { env: { OPENROUTER_API_KEY: "sk-or-1" } });
    const { maxAttempts: _, ...retry } = config.retry;
    expect(config.models[0]?.routes).toEqual([
      { provider: "clewdr", providerModelId: "claude-sonnet-4-5", retry },
      { provider: "openrouter", providerModelId: "one", retry },
      { provider: "openrouter", providerModelId: "two", retry, timeoutMs: 5 },
    ]);
    expect(config.warnings).toEqual([]);
  });
});
