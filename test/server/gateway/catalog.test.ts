import { describe, expect, test } from "bun:test";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import type { ModelConfig, ProviderConfig } from "../../../src/server/config/config.ts";
import { createCatalog, mayUse } from "../../../src/server/gateway/catalog.ts";
import { keyRecord } from "./_setup.ts";

const retry = { maxRetries: 1, backoffMs: 10 };
const timeouts = {
  connectMs: 1,
  headersMs: 1,
  firstEventMs: 1,
  idleMs: 1,
  totalMs: 600_000,
};

function provider(name: string, kind: ProviderConfig["kind"] = "openrouter"): ProviderConfig {
  return { name, kind, apiKeys: [], headers: {} };
}

function catalogOf(
  models: readonly ModelConfig[],
  providers: readonly ProviderConfig[],
  random = 0.5,
) {
  return createCatalog({ models, providers, retry, timeouts }, () => random);
}

const fast: ModelConfig = {
  name: "fast",
  routes: [
    { provider: "openrouter", providerModelId: "vendor/small", retry, timeoutMs: 5000 },
    { provider: "groq", providerModelId: "llama", retry },
  ],
};

function faultOf(act: () => unknown): ChatError {
  try {
    act();
  } catch (error) {
    if (error instanceof ChatError) return error;
  }
  throw new Error("nothing was thrown");
}

describe("catalog", () => {
  test("gives a logical model's routes in order, with their own or the default total", () => {
    const routes = catalogOf([fast], [provider("openrouter")]).resolve("fast", keyRecord());
    expect(routes.map((route) => [route.id, route.timeoutMs])).toEqual([
      ["openrouter/vendor/small", 5000],
      ["groq/llama", 600_000],
    ]);
  });

  test("names the nearest model when one does not exist", () => {
    const error = faultOf(() =>
      catalogOf([fast], [provider("openrouter")]).resolve("fsat", keyRecord()),
    );
    expect([error.kind, error.code]).toEqual(["not-found", "model_not_found"]);
    expect(error.message).toContain("did you mean `fast`?");
  });

  test("reaches any model of a provider by prefix when no models are configured", () => {
    const catalog = catalogOf([], [provider("openrouter")]);
    const [route] = catalog.resolve("OpenRouter/vendor/large", keyRecord());
    expect([route?.provider, route?.model]).toEqual(["openrouter", "vendor/large"]);
    expect(faultOf(() => catalog.resolve("groq/x", keyRecord())).kind).toBe("not-found");
  });

  test("keeps providers closed when models are configured, but for the demo", () => {
    const catalog = catalogOf([fast], [provider("openrouter"), provider("demo", "demo")]);
    expect(faultOf(() => catalog.resolve("openrouter/x", keyRecord())).kind).toBe("not-found");
    expect(catalog.resolve("demo/echo", keyRecord())[0]?.provider).toBe("demo");
  });

  test("refuses a model outside the key's scope and does not list it", () => {
    const catalog = catalogOf([fast], [provider("openrouter")]);
    const key = keyRecord({ models: ["slow", "claude-*"] });
    expect(faultOf(() => catalog.resolve("fast", key)).traits.status).toBe(403);
    expect(catalog.list(key)).toEqual([]);
    expect(mayUse(key, "claude-sonnet-4.5")).toBe(true);
  });

  test("says that a model without a usable route has none", () => {
    const error = faultOf(() =>
      catalogOf([{ name: "bare", routes: [] }], []).resolve("bare", keyRecord()),
    );
    expect([error.traits.status, error.code]).toEqual([503, "no_route"]);
  });

  test("draws weighted routes in proportion, and leaves the unweighted for last", () => {
    const model: ModelConfig = {
      name: "mix",
      routes: [
        { provider: "c", providerModelId: "m", retry },
        { provider: "a", providerModelId: "m", retry, weight: 3 },
        { provider: "b", providerModelId: "m", retry, weight: 1 },
      ],
    };
    let seed = 1;
    const random = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const catalog = createCatalog({ models: [model], providers: [], retry, timeouts }, random);
    const firsts = { a: 0, b: 0, c: 0 };
    for (let count = 0; count < 4000; count += 1) {
      const routes = catalog.resolve("mix", keyRecord());
      expect(routes[2]?.provider).toBe("c");
      const first = routes[0]?.provider;
      if (first === "a" || first === "b") firsts[first] += 1;
    }
    expect(firsts.a / firsts.b).toBeGreaterThan(2.6);
    expect(firsts.a / firsts.b).toBeLessThan(3.4);
  });
});
