/** Requests that a host refuses in one form and takes in another. */
import { describe, expect, test } from "bun:test";

import type { Connector } from "../../src/connectors/connector.ts";
import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { createConnector } from "../../src/connectors/index.ts";
import { anthropicMessagesClient } from "../../src/connectors/wire/anthropic-messages/ingress.ts";
import { chatCall, chatRequest, converse, failure } from "../contract/calling.ts";
import { reply } from "../support/samples.ts";

/** OpenAI, which refuses tools with an effort in these words and takes anything else. */
function openai(words: string): { readonly connector: Connector; readonly sent: JsonObject[] } {
  const sent: JsonObject[] = [];
  const connector = createConnector({
    name: "openai",
    kind: "openai-compatible",
    profile: "openai",
    apiKeys: ["sk-under-test"],
    headers: {},
    fetch(_, init) {
      const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : {};
      if (isJsonObject(body)) sent.push(body);
      return Promise.resolve(
        sent.length === 1
          ? Response.json({ error: { message: words, param: "reasoning_effort" } }, { status: 400 })
          : new Response(reply("Hello."), { headers: { "content-type": "application/json" } }),
      );
    },
  });
  return { connector, sent };
}

const LATER =
  "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please use /v1/responses instead.";
const NONE =
  "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.";

const asked = anthropicMessagesClient.decodeRequest(
  JSON.stringify({
    model: "m",
    max_tokens: 100,
    messages: [{ role: "user", content: "Hello?" }],
    tools: [{ name: "f", input_schema: { type: "object" } }],
    output_config: { effort: "high" },
  }),
);

describe("an effort beside tools that OpenAI's chat refuses", () => {
  test("is left out of a request of another dialect, which is sent once more", async () => {
    const { connector, sent } = openai(LATER);
    const call = chatCall();
    await converse(connector, asked, call);
    expect(sent.map((body) => body["reasoning_effort"])).toEqual(["high", undefined]);
    expect(sent[1]?.["tools"]).toHaveLength(1);
    expect(call.dropped).toContain("reasoning");
  });

  test("is said to be none where that is what it must be", async () => {
    const { connector, sent } = openai(NONE);
    await converse(connector, asked);
    expect(sent.map((body) => body["reasoning_effort"])).toEqual(["high", "none"]);
  });

  test("is told to who speaks OpenAI's own dialect", async () => {
    const { connector, sent } = openai(NONE);
    const own = chatRequest({
      reasoning_effort: "high",
      tools: [{ type: "function", function: { name: "f" } }],
    });
    expect((await failure(connector, own)).message).toBe(NONE);
    expect(sent.length).toBe(1);
  });
});

/** Vertex AI, which refuses one after the other what it has not got, each in Anthropic's words. */
function vertex(words: readonly string[]): {
  readonly connector: Connector;
  readonly sent: {
    readonly url: string;
    readonly betas: string | null;
    readonly body: JsonObject;
  }[];
} {
  const left = [...words];
  const sent: { readonly url: string; readonly betas: string | null; readonly body: JsonObject }[] =
    [];
  const connector = createConnector({
    name: "vertex",
    kind: "vertex",
    apiKeys: [],
    headers: {},
    google: { accessToken: "ya29.token", project: "acme" },
    fetch(url, init) {
      const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : {};
      const betas = new Headers(init.headers).get("anthropic-beta");
      sent.push({ url, betas, body: isJsonObject(body) ? body : {} });
      const message = left.shift();
      const error = { type: "invalid_request_error", message };
      if (message !== undefined) {
        return Promise.resolve(Response.json({ type: "error", error }, { status: 400 }));
      }
      return Promise.resolve(
        Response.json(url.includes("count-tokens") ? { input_tokens: 7 } : CLAUDE_SAYS),
      );
    },
  });
  return { connector, sent };
}

const CLAUDE_SAYS = {
  type: "message",
  content: [{ type: "text", text: "Hello." }],
  stop_reason: "end_turn",
  usage: { input_tokens: 1, output_tokens: 1 },
};

const CLAUDE_CODE =
  '{"model":"m","max_tokens":9,"context_management":{"edits":[]},"metadata":{"n":9007199254740993},' +
  '"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","scope":"global"}}],' +
  '"tools":[{"name":"f","input_schema":{"type":"object"},"defer_loading":true}],' +
  '"messages":[{"role":"user","content":"Hi there"}]}';

function claudeCall() {
  return chatCall({
    target: { provider: "vertex", model: "publishers/anthropic/models/claude-opus-5" },
    headers: new Headers({ "anthropic-beta": "a-1,b-2, c-3" }),
  });
}

const BETAS =
  "Unexpected value(s) `a-1`, `c-3` for the `anthropic-beta` header. Please consult our documentation or try again without the header.";

describe("what a host of Anthropic's dialect has not got yet", () => {
  const request = anthropicMessagesClient.decodeRequest(CLAUDE_CODE);

  test("is left out, betas and fields, and the rest stays as it was written", async () => {
    const { connector, sent } = vertex([
      BETAS,
      "context_management: Extra inputs are not permitted",
      "tools.0.custom.defer_loading: Extra inputs are not permitted",
      "system.0.cache_control.ephemeral.scope: Extra inputs are not permitted",
    ]);
    const call = claudeCall();
    await converse(connector, request, call);
    expect(sent.map(({ betas }) => betas)).toEqual(["a-1,b-2, c-3", "b-2", "b-2", "b-2", "b-2"]);
    expect(sent.at(-1)?.body).toEqual({
      anthropic_version: "vertex-2023-10-16",
      max_tokens: 9,
      metadata: { n: 2 ** 53 },
      system: [{ type: "text", text: "s", cache_control: { type: "ephemeral" } }],
      tools: [{ name: "f", input_schema: { type: "object" } }],
      messages: [{ role: "user", content: "Hi there" }],
    });
    expect(call.dropped).toEqual([
      "anthropic-beta:a-1",
      "anthropic-beta:c-3",
      "context_management",
      "tools.custom.defer_loading",
      "system.cache_control.ephemeral.scope",
    ]);
  });

  test("is left out of the next request at once, and told each time", async () => {
    const { connector, sent } = vertex([
      BETAS,
      "context_management: Extra inputs are not permitted",
    ]);
    await converse(connector, request, claudeCall());
    const call = claudeCall();
    await converse(connector, request, call);
    expect(sent.length).toBe(4);
    expect(sent[3]?.betas).toBe("b-2");
    expect(sent[3]?.body).not.toContainKey("context_management");
    expect(call.dropped).toEqual([
      "anthropic-beta:a-1",
      "anthropic-beta:c-3",
      "context_management",
    ]);
  });

  test("is told to the caller where the answer depends on it, and where there is no end of it", async () => {
    const needed = vertex(["container: Extra inputs are not permitted"]);
    const error = await failure(needed.connector, request, claudeCall());
    expect(error.message).toBe("container: Extra inputs are not permitted");
    expect(needed.sent.length).toBe(1);
    const fields = Array.from({ length: 9 }, (_, at) => `x${at}`);
    const endless = vertex(
      fields.map((field) => `output_config.${field}: Extra inputs are not permitted`),
    );
    const config = Object.fromEntries(fields.map((field) => [field, 1]));
    const wordy = anthropicMessagesClient.decodeRequest(
      CLAUDE_CODE.replace("{", `{"output_config":${JSON.stringify(config)},`),
    );
    expect((await failure(endless.connector, wordy, claudeCall())).kind).toBe("invalid-request");
    expect(endless.sent.length).toBe(5);
  });

  test("keeps nobody from being told how long a prompt is", async () => {
    const { connector, sent } = vertex([BETAS]);
    expect(await connector.countTokens?.(request, claudeCall())).toBe(7);
    expect(sent.map(({ betas }) => betas)).toEqual(["a-1,b-2, c-3", "b-2"]);
  });
});
