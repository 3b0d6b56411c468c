import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { hashKey, isKeyShaped } from "../../src/server/store/key.ts";
import { makeFolder, object, stored, text, type Folder } from "./run.ts";

let folder: Folder;
beforeAll(() => {
  folder = makeFolder();
});
afterAll(() => folder.remove());

describe("xjp keygen", () => {
  test("makes a key on a fresh machine, with nothing set up", async () => {
    const { code, stdout, stderr } = await folder.run(["keygen", "acme"]);
    expect([code, stderr]).toEqual([0, ""]);
    const [key = ""] = /XJP_[\w-]{43}/.exec(stdout) ?? [];
    expect(isKeyShaped(key)).toBe(true);
    expect(stdout).toMatch(/^New API key for acme$/m);
    expect(stdout).toMatch(/^ {2}Limits +60 requests\/minute, 1,000 requests\/day$/m);
    const [id = ""] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(stdout) ?? [];
    expect(await stored(folder, id)).toMatchObject({
      keyHash: hashKey(key),
      keyPrefix: key.slice(0, 12),
      tenantId: "acme",
      description: null,
      rpm: 60,
      rpd: 1000,
      tpm: null,
      models: null,
      expiresAt: null,
      isActive: true,
    });
  });

  test("never writes the key itself to disk", async () => {
    const { key } = object(await folder.json(["keygen", "secretive"]));
    const path = folder.database.slice("sqlite:".length);
    const files = [path, `${path}-wal`].filter((file) => existsSync(file));
    for (const file of files)
      expect(await Bun.file(file).text()).not.toContain(text(key).slice(12));
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  test("prints a curl line that a shell reads as one request with this key", async () => {
    const { stdout } = await folder.run(["keygen", "o'hara", "--models", "it's-a-model"], {
      env: { PORT: "9999", HOST: "0.0.0.0" },
    });
    const [, line = ""] = /(curl [^]*)$/.exec(stdout) ?? [];
    const shell = Bun.spawn(["bash", "-c", `curl() { printf '%s\\n' "$@"; }\n${line}`], {
      stdout: "pipe",
    });
    const [url, , authorization, , , , body = ""] = (await new Response(shell.stdout).text()).split(
      "\n",
    );
    expect(url).toBe("http://127.0.0.1:9999/v1/chat/completions");
    expect(authorization).toMatch(/^Authorization: Bearer XJP_[\w-]{43}$/);
    expect(JSON.parse(body)).toEqual({
      model: "it's-a-model",
      messages: [{ role: "user", content: "Hello!" }],
    });
  });

  test("shows a request that the key may make", async () => {
    const configured = makeFolder();
    const route = 'primary = { provider = "openrouter", provider_model_id = "x" }';
    const config = ["big", "fast", "fast-2"].map((name) => `[models.${name}]\n${route}`);
    config.push('[tenants.bound]\nmodels = ["fast-2"]');
    const asked = async (words: readonly string[], open = false): Promise<unknown> => {
      await Bun.write(`${configured.path}/xjp.toml`, open ? "" : config.join("\n"));
      const env = { OPENROUTER_API_KEY: "k", GROQ_API_KEY: "k" };
      const { stdout } = await configured.run(["keygen", ...words], { env });
      return /"model":"([^"]*)"/.exec(stdout)?.[1];
    };
    try {
      expect(await asked(["acme"])).toBe("big");
      expect(await asked(["acme", "--models", "fas*"])).toBe("fast");
      expect(await asked(["acme", "--models", "none*"])).toBe("MODEL");
      expect(await asked(["bound"])).toBe("fast-2");
      expect(await asked(["acme"], true)).toBe("openrouter/MODEL");
      expect(await asked(["acme", "--models", "groq/*"], true)).toBe("groq/MODEL");
    } finally {
      configured.remove();
    }
  });

  test("takes the earlier gateway's words", async () => {
    const made = object(await folder.json(["keygen", "acme", "billing service", "120", "0"]));
    expect(made).toMatchObject({
      tenant_id: "acme",
      description: "billing service",
      rate_limit_rpm: 120,
      rate_limit_rpd: 0,
    });
    expect(await stored(folder, made["id"])).toMatchObject({
      rpm: 120,
      rpd: 0,
      description: "billing service",
    });
  });

  test("takes every limit as a flag and stores what it prints", async () => {
    const before = Date.now();
    const made = object(
      await folder.json(
        "keygen acme --rpm 1 --rpd 2 --tpm 3_000 --tokens-per-day 4 --budget 12.345678901 --budget-per-day 0.5 --concurrency 5 --models gpt-4o,claude-* --expires 30d".split(
          " ",
        ),
      ),
    );
    expect(made).toMatchObject({
      rate_limit_rpm: 1,
      rate_limit_rpd: 2,
      rate_limit_tpm: 3000,
      tokens_per_day: 4,
      budget_usd: "12.345678901",
      budget_nano_usd: 12_345_678_901,
      budget_per_day_usd: "0.50",
      budget_day_nano_usd: 500_000_000,
      concurrency: 5,
      models: ["gpt-4o", "claude-*"],
      state: "active",
    });
    const record = await stored(folder, made["id"]);
    expect(record).toMatchObject({
      rpm: 1,
      rpd: 2,
      tpm: 3000,
      tokensPerDay: 4,
      budgetNanoUsd: 12_345_678_901,
      budgetPerDayNanoUsd: 500_000_000,
      concurrency: 5,
      models: ["gpt-4o", "claude-*"],
    });
    expect(record.expiresAt).toBeWithin(before + 30 * 86_400_000, Date.now() + 30 * 86_400_000 + 1);
    expect(made["expires_at"]).toBe(new Date(record.expiresAt ?? 0).toISOString());
  });

  test.each<[string, readonly string[]]>([
    ["--rpm is given twice: as the word 1 and as --rpm 3", ["a", "b", "1", "--rpm", "3"]],
    ['RPM: "many" is not a whole number from 0 up', ["a", "b", "many"]],
    ['--budget: "x" is not an amount in US dollars', ["a", "--budget", "x"]],
    ["--expires: 2020-01-01 is in the past", ["a", "--expires", "2020-01-01"]],
    ['--expires: "soon" is not a moment', ["a", "--expires", "soon"]],
    ['--models: "a,,b" holds an empty name: write a,b', ["a", "--models", "a,,b"]],
    ["TENANT is empty", [" "]],
    ["TENANT has 256 characters, at most 255 fit", ["x".repeat(256)]],
    ["TENANT holds control characters", ["a\u001Bb"]],
  ])("refuses: %s", async (message, words) => {
    const { code, stdout, stderr } = await folder.run(["keygen", ...words]);
    expect(stderr).toStartWith(`xjp: ${message}`);
    expect([code, stdout]).toEqual([2, ""]);
  });
});
