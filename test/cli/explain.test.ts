import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, object, text, type Folder } from "./run.ts";

let folder: Folder;
beforeAll(() => {
  folder = makeFolder();
  writeFileSync(
    join(folder.path, "xjp.toml"),
    `[models.fast]
recovery = "buffer"
fallback = { provider = "mine", provider_model_id = "large", capabilities = { context_tokens = 200000 } }
[[models.fast.routes]]
provider = "mine"
provider_model_id = "one"
weight = 3
[[models.fast.routes]]
provider = "mine"
provider_model_id = "two"
weight = 1
capabilities = { tools = false }
[[models.fast.routes]]
provider = "groq"
provider_model_id = "three"
weight = 1
[providers.mine]
kind = "openai-compatible"
base_url = "http://127.0.0.1:1/v1"
[tenants.acme]
models = ["fast"]
aliases = { turbo = "fast" }
`,
  );
});
afterAll(() => folder.remove());

describe("xjp models --explain", () => {
  test("tells from the configuration which targets would be tried, in which order, and why not others", async () => {
    const { code, stdout, stderr } = await folder.run(
      "models --explain turbo --tenant acme --needs tools".split(" "),
    );
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "turbo stands for fast for tenant acme; broken streams: buffer",
        "",
        "ORDER  TARGET      FIRST  CIRCUIT  CONTEXT",
        "    1  mine/one    100 %  closed",
        "    2  mine/large         closed   200,000",
        "",
        "not tried",
        "  mine/two    it does not take tools",
        "  groq/three  its provider cannot be used: it has no key; set GROQ_API_KEY, or api_key in [providers.groq]",
        "",
      ].join("\n"),
    );
    expect(stderr).toContain("set XJP_ADMIN_TOKEN");
  });

  test("tells programs the same", async () => {
    expect(await folder.json(["models", "--explain", "fast"])).toMatchObject({
      model: "fast",
      tenant: null,
      targets: [
        { order: 1, target: "mine/one", share: 0.75, circuit: "closed" },
        { order: 2, target: "mine/two", share: 0.25 },
        { order: 3, target: "mine/large", share: null, contextTokens: 200_000 },
      ],
      passedOver: [{ target: "groq/three" }],
    });
  });

  test("answers for a key, by its id or beginning, with its tenant and its models", async () => {
    const good = object(await folder.json(["keygen", "acme"]));
    const told = await folder.json(["models", "--explain", "turbo", "--key", text(good["id"])]);
    expect(told).toMatchObject({ tenant: "acme", standsFor: "fast" });
    const narrow = object(await folder.json(["keygen", "acme", "--models", "slow"]));
    const words = ["models", "--explain", "turbo", "--key", text(narrow["key"])];
    const { code, stderr } = await folder.run(words);
    expect([code, stderr]).toEqual([1, "xjp: this key may not use the model `turbo`\n"]);
  });

  test.each([
    [["--explain", "fsat"], 1, "did you mean `fast`?"],
    [["--explain", "fast", "--needs", "wings"], 2, '--needs: found "wings", expected some of'],
    [["--explain", "fast", "--tenant", "a", "--key", "b"], 2, "a key has its tenant"],
    [["--tenant", "acme"], 2, "--tenant says more of --explain MODEL"],
  ])("says what is wrong with %p", async (words, expected, message) => {
    const { code, stderr } = await folder.run(["models", ...words]);
    expect(code).toBe(expected);
    expect(stderr).toContain(message);
  });
});
