import { describe, expect, test } from "bun:test";

import { checkedBaseUrl } from "../../src/connectors/checks.ts";
import { createConnector } from "../../src/connectors/index.ts";
import { profileNames, profiles } from "../../src/connectors/profiles.ts";
import { chatCall, chatRequest, converse, optionsFor } from "../contract/calling.ts";
import { TEXT_REPLY } from "../contract/openai-answers.ts";

const REQUIRED = [
  "openai",
  "deepseek",
  "groq",
  "mistral",
  "xai",
  "together",
  "fireworks",
  "moonshot",
  "alibaba",
  "qwen",
  "ollama",
  "vllm",
  "lm-studio",
];

/** Asks through a connector of this profile and gives back the URL and the body of what went out. */
async function sentBy(
  profile: string,
  body: Parameters<typeof chatRequest>[0],
): Promise<{ readonly url: string; readonly body: unknown; readonly dropped: readonly string[] }> {
  const sent: { url: string; body: unknown }[] = [];
  const { baseUrl: _baseUrl, ...options } = optionsFor("openai-compatible", "");
  const connector = createConnector({
    ...options,
    profile,
    fetch(url, init) {
      sent.push({ url, body: JSON.parse(typeof init.body === "string" ? init.body : "") });
      return Promise.resolve(Response.json(TEXT_REPLY));
    },
  });
  const call = chatCall();
  await converse(connector, chatRequest(body), call);
  return { url: "", body: undefined, ...sent[0], dropped: call.dropped };
}

describe("the profiles", () => {
  test("have the hosts that people ask for", () => {
    expect(profileNames).toEqual(expect.arrayContaining(REQUIRED));
  });

  test("are each a connector to an address that can be asked, in lower case and without a slash at its end", () => {
    for (const [name, profile] of Object.entries(profiles)) {
      expect(name).toMatch(/^[a-z][a-z-]*$/);
      expect(profile.baseUrl).not.toEndWith("/");
      expect(checkedBaseUrl(name, profile.baseUrl)("/x")).toBe(`${profile.baseUrl}/x`);
      const isLocal = profile.baseUrl.startsWith("http://localhost:");
      expect([name, profile.needsKey, profile.keyVariable !== undefined]).toEqual([
        name,
        !isLocal,
        !isLocal,
      ]);
      expect(profile.baseUrl.startsWith("https://")).toBe(!isLocal);
    }
  });

  test("ask at their own address unless told another", async () => {
    expect((await sentBy("groq", {})).url).toBe("https://api.groq.com/openai/v1/chat/completions");
    expect((await sentBy("ollama", {})).url).toBe("http://localhost:11434/v1/chat/completions");
  });

  test("ask for usage where a stream does not tell it unasked, keeping the caller's own options", async () => {
    const own = { stream: true, stream_options: { include_obfuscation: false } };
    expect((await sentBy("openai", own)).body).toMatchObject({
      stream_options: { include_obfuscation: false, include_usage: true },
    });
    expect((await sentBy("openai", {})).body).not.toHaveProperty("stream_options");
    expect((await sentBy("zai", { stream: true })).body).not.toHaveProperty("stream_options");
  });

  test("leave out what the host would refuse and name it", async () => {
    const body = { stream: true, stream_options: { include_usage: true }, user: "u", n: 1 };
    const sent = await sentBy("mistral", body);
    expect(sent.body).toEqual({
      model: "native",
      messages: [{ role: "user", content: "Hello?" }],
      stream: true,
      n: 1,
    });
    expect(sent.dropped).toEqual(["stream_options", "user"]);
    expect((await sentBy("openai", body)).dropped).toEqual([]);
  });

  test("say whether there is a list of models, and where", async () => {
    const { baseUrl: _baseUrl, ...options } = optionsFor("openai-compatible", "");
    expect("models" in createConnector({ ...options, profile: "perplexity" })).toBe(false);
    const asked: string[] = [];
    const connector = createConnector({
      ...options,
      profile: "github-models",
      fetch(url) {
        asked.push(url);
        return Promise.resolve(Response.json([{ id: "openai/gpt-4.1", publisher: "OpenAI" }]));
      },
    });
    expect(await connector.models?.(new AbortController().signal)).toEqual([
      { id: "openai/gpt-4.1", ownedBy: "OpenAI" },
    ]);
    expect(asked).toEqual(["https://models.github.ai/catalog/models"]);
  });
});
