import { describe, expect, test } from "bun:test";
import type { ModelConfig, ProviderConfig } from "../../../src/server/config/config.ts";
import { createCatalog } from "../../../src/server/gateway/catalog.ts";
import { capable } from "../../support/capable.ts";
import { chatErrorOf } from "../../support/rejection.ts";
import { chatRequest, keyRecord } from "./_setup.ts";

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

function catalogOf(models: readonly ModelConfig[], providers: readonly ProviderConfig[]) {
  return createCatalog({ models, providers, retry, timeouts }, () => 0.5, capable);
}

const fast: ModelConfig = {
  name: "fast",
  routes: [
    { provider: "openrouter", providerModelId: "vendor/small", retry, timeoutMs: 5000 },
    { provider: "groq", providerModelId: "llama", retry },
  ],
};

const texts = (first: string, ...more: string[]) =>
  [first, ...more].map((text) => ({ role: "user", parts: [{ type: "text", text }] }));

const weighted: ModelConfig = {
  name: "mix",
  routes: ["a", "b", "c", "d"].map((name) => ({
    provider: name,
    providerModelId: "m",
    retry,
    weight: 1,
  })),
};
const ordersOf = (catalog: ReturnType<typeof catalogOf>, user: string): string =>
  catalog
    .plan(chatRequest({ model: "mix", user }), keyRecord(), new Headers())
    .routes.map((route) => route.provider)
    .join("");

const conditional = (first: object, second: object): ReturnType<typeof catalogOf> =>
  catalogOf(
    [
      {
        name: "able",
        routes: [
          { provider: "a", providerModelId: "m", retry, capabilities: first },
          { provider: "b", providerModelId: "m", retry, capabilities: second },
        ],
      },
    ],
    [],
  );
const able = (catalog: ReturnType<typeof catalogOf>, changes: object) =>
  catalog
    .plan(chatRequest({ model: "able", ...changes }), keyRecord(), new Headers())
    .routes.map((route) => route.provider)
    .join("");
const source = { kind: "url", url: "https://example.com/x" };
const withPart = (type: string) => ({
  messages: [{ role: "user", parts: [{ type, source }] }],
});

describe("catalog", () => {
  test("gives a logical model's routes in order, with their own or the default total", () => {
    const routes = catalogOf([fast], [provider("openrouter")]).resolve("fast", keyRecord());
    expect(routes.map((route) => [route.id, route.timeoutMs])).toEqual([
      ["openrouter/vendor/small", 5000],
      ["groq/llama", 600_000],
    ]);
  });

  test("names the nearest model when one does not exist", () => {
    const error = chatErrorOf(() =>
      catalogOf([fast], [provider("openrouter")]).resolve("fsat", keyRecord()),
    );
    expect([error.kind, error.code]).toEqual(["not-found", "model_not_found"]);
    expect(error.message).toContain("did you mean `fast`?");
  });

  test("names the nearest provider when a model is addressed to one that does not exist", () => {
    const open = catalogOf([], [provider("openrouter"), provider("groq")]);
    const messageOf = (model: string): string =>
      chatErrorOf(() => open.resolve(model, keyRecord())).message;
    expect(messageOf("opnrouter/a/b")).toContain("did you mean `openrouter/a/b`?");
    expect(messageOf("vertex/a")).toContain("addressed as `openrouter/MODEL`, `groq/MODEL`");
    expect(messageOf("groq/")).toContain("addressed as");
  });

  test("knows no model by a name that the books cannot hold", () => {
    const longest = `openrouter/${"m".repeat(244)}`;
    const open = catalogOf([], [provider("openrouter")]);
    expect(open.resolve(longest, keyRecord())).toHaveLength(1);
    for (const catalog of [open, catalogOf([fast], [])]) {
      const error = chatErrorOf(() => catalog.resolve(`${longest}m`, keyRecord()));
      expect(error).toMatchObject({
        kind: "invalid-request",
        code: "model_name_too_long",
        param: "model",
        message: "`model` has 256 characters; the name of a model has at most 255",
      });
    }
  });

  test("reaches any model of a provider by prefix when no models are configured", () => {
    const catalog = catalogOf([], [provider("openrouter")]);
    const [route] = catalog.resolve("OpenRouter/vendor/large", keyRecord());
    expect([route?.provider, route?.model]).toEqual(["openrouter", "vendor/large"]);
    expect(chatErrorOf(() => catalog.resolve("groq/x", keyRecord())).kind).toBe("not-found");
  });

  test("keeps providers closed when models are configured, but for the demo", () => {
    const catalog = catalogOf([fast], [provider("openrouter"), provider("demo", "demo")]);
    expect(chatErrorOf(() => catalog.resolve("openrouter/x", keyRecord())).kind).toBe("not-found");
    expect(catalog.resolve("demo/echo", keyRecord())[0]?.provider).toBe("demo");
  });

  test("refuses a model outside the key's scope and does not list it", () => {
    const catalog = catalogOf([fast], [provider("openrouter")]);
    const key = keyRecord({ models: ["slow", "claude-*"] });
    expect(chatErrorOf(() => catalog.resolve("fast", key)).traits.status).toBe(403);
    expect(catalog.list(key)).toEqual([]);
    expect(catalog.allows("claude-sonnet-4.5", key)).toBe(true);
  });

  test("says that a model without a usable route has none", () => {
    const error = chatErrorOf(() =>
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
    const models = [{ ...model, affinity: false }];
    const catalog = createCatalog({ models, providers: [], retry, timeouts }, random, capable);
    const firsts = { a: 0, b: 0, c: 0 };
    for (let count = 0; count < 4000; count += 1) {
      const { routes } = catalog.plan(chatRequest({ model: "mix" }), keyRecord(), new Headers());
      expect(routes[2]?.provider).toBe("c");
      const first = routes[0]?.provider;
      if (first === "a" || first === "b") firsts[first] += 1;
    }
    expect(firsts.a / firsts.b).toBeGreaterThan(2.6);
    expect(firsts.a / firsts.b).toBeLessThan(3.4);
  });

  describe("of a tenant", () => {
    const slow: ModelConfig = { ...fast, name: "slow" };
    const tenants = {
      acme: { models: ["fast", "gpt-*"], aliases: { "gpt-4o": "fast", turbo: "slow" } },
    };
    const catalog = createCatalog(
      { models: [fast, slow], providers: [], retry, timeouts, tenants },
      () => 0.5,
      capable,
    );

    test("takes its aliases for the models that they stand for", () => {
      const plan = catalog.plan(chatRequest({ model: "gpt-4o" }), keyRecord(), new Headers());
      expect([plan.model, plan.routes[0]?.id]).toEqual(["fast", "openrouter/vendor/small"]);
      const stranger = keyRecord({ tenantId: "other" });
      expect(chatErrorOf(() => catalog.resolve("gpt-4o", stranger)).kind).toBe("not-found");
    });

    test("keeps its keys to its list, whatever theirs says", () => {
      expect(catalog.list(keyRecord())).toEqual(["fast", "gpt-4o"]);
      const error = chatErrorOf(() => catalog.resolve("slow", keyRecord({ models: ["slow"] })));
      expect([error.kind, error.code]).toEqual(["forbidden", "model_not_allowed"]);
      expect(error.message).toContain("this key's tenant may not");
      expect(chatErrorOf(() => catalog.resolve("turbo", keyRecord())).kind).toBe("forbidden");
      expect(catalog.list(keyRecord({ tenantId: "other" }))).toEqual(["fast", "slow"]);
    });
  });

  describe("for a request", () => {
    test("keeps a conversation with its target and spreads conversations", () => {
      const catalog = catalogOf([weighted], []);
      const users = Array.from({ length: 400 }, (_, index) => `user-${index}`);
      const orders = users.map((user) => ordersOf(catalog, user));
      expect(users.map((user) => ordersOf(catalogOf([weighted], []), user))).toEqual(orders);
      for (const first of "abcd") {
        const share = orders.filter((each) => each.startsWith(first)).length;
        expect(share).toBeGreaterThan(60);
        expect(share).toBeLessThan(140);
      }
    });

    test("moves only the conversations of a target that is taken out", () => {
      const without = { ...weighted, routes: weighted.routes.slice(0, 3) };
      for (let index = 0; index < 100; index += 1) {
        const before = ordersOf(catalogOf([weighted], []), `user-${index}`);
        const after = ordersOf(catalogOf([without], []), `user-${index}`);
        expect(after).toBe(before.replace("d", ""));
      }
    });

    test("knows a conversation by header, then by user, then by how it begins", () => {
      const catalog = catalogOf([weighted], []);
      const firstOf = (changes: object, headers: Record<string, string> = {}): string | undefined =>
        catalog.plan(chatRequest({ model: "mix", ...changes }), keyRecord(), new Headers(headers))
          .routes[0]?.provider;
      for (let index = 0; index < 20; index += 1) {
        const named = { "x-session-id": `session-${index}` };
        expect(firstOf({ user: "x" }, named)).toBe(firstOf({ user: "y" }, named));
        const messages = texts(`question ${index}`);
        expect(firstOf({ messages })).toBe(
          firstOf({ messages: texts(`question ${index}`, "and then?") }),
        );
      }
      const spread = Array.from({ length: 20 }, (_, index) =>
        firstOf({ messages: texts(`question ${index}`) }),
      );
      expect(new Set(spread).size).toBeGreaterThan(1);
    });

    test.each([
      ["tools", { tools: false }, { tools: [{ name: "look" }] }],
      ["images", { images: false }, withPart("image")],
      ["PDFs", { files: false }, withPart("file")],
      ["audio", { audio: false }, withPart("audio")],
      ["video", { video: false }, withPart("video")],
      [
        "a JSON schema",
        { jsonSchema: false },
        { output: { type: "json-schema", name: "x", schema: {} } },
      ],
      [
        "a long context",
        { contextTokens: 100 },
        {
          messages: [{ role: "user", parts: [{ type: "text", text: "long ".repeat(200) }] }],
          source: { dialect: "openai-chat", text: "long ".repeat(200), body: {} },
        },
      ],
    ])("passes over a target that cannot take %s", (_what, lack, changes) => {
      expect(able(conditional(lack, {}), changes)).toBe("b");
      expect(able(conditional({}, lack), changes)).toBe("a");
      expect(able(conditional(lack, {}), {})).toBe("ab");
    });

    test("refuses what the operator says that no target can do, naming the field", () => {
      const catalog = conditional({ tools: false }, { tools: false });
      const error = chatErrorOf(() => able(catalog, { tools: [{ name: "look" }] }));
      expect([error.kind, error.param, error.code]).toEqual([
        "invalid-request",
        "tools",
        "not_supported",
      ]);
    });

    test("leaves it to the provider when only the gateway believes that no target can", () => {
      const catalog = createCatalog(
        { models: [fast], providers: [], retry, timeouts },
        () => 0.5,
        () => ({ ...capable(), tools: false }),
      );
      const request = chatRequest({ tools: [{ name: "look" }] });
      expect(catalog.plan(request, keyRecord(), new Headers()).routes).toHaveLength(2);
    });
  });
});
