/** Anthropic's own host, and OpenRouter's face in its dialect, as far as they differ from other hosts over HTTP. */
import { describe, expect, test } from "bun:test";

import type { Connector, Fetch, Target } from "../../src/connectors/connector.ts";
import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { createConnector } from "../../src/connectors/index.ts";
import { chatCall, chatRequest, converse, failure, messagesRequest } from "../contract/calling.ts";

type Sent = { readonly url: string; readonly headers: Headers; readonly body: JsonObject };
type Options = { readonly kind?: string; readonly baseUrl?: string };

function rig(
  answer: () => Response,
  { kind = "anthropic", baseUrl }: Options = {},
): { readonly connector: Connector; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch: Fetch = (url, init) => {
    const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : {};
    sent.push({ url, headers: new Headers(init.headers), body: isJsonObject(body) ? body : {} });
    return Promise.resolve(answer());
  };
  const connector = createConnector({
    name: "under-test",
    kind,
    apiKeys: ["sk-ant-under-test"],
    headers: {},
    fetch,
    ...(baseUrl === undefined ? {} : { baseUrl }),
  });
  return { connector, sent };
}

function message(): Response {
  return Response.json({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5-20250929",
    content: [{ type: "text", text: "Bonjour." }],
    stop_reason: "end_turn",
    usage: {
      input_tokens: 9,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 10,
      output_tokens: 3,
    },
  });
}

function counted(): Response {
  return Response.json({ input_tokens: 42 });
}

function target(model: string): { readonly target: Target } {
  return { target: { provider: "under-test", model } };
}

describe("Anthropic", () => {
  test("is asked with a key of its own kind and the version, at one path for either form of base URL", async () => {
    for (const baseUrl of [
      undefined,
      "https://api.anthropic.com/v1",
      "https://api.anthropic.com",
    ]) {
      const { connector, sent } = rig(message, baseUrl === undefined ? {} : { baseUrl });
      await converse(connector, messagesRequest());
      expect(sent[0]?.url).toBe("https://api.anthropic.com/v1/messages");
      expect(sent[0]?.headers.get("x-api-key")).toBe("sk-ant-under-test");
      expect(sent[0]?.headers.get("authorization")).toBeNull();
      expect(sent[0]?.headers.get("anthropic-version")).toBe("2023-06-01");
    }
  });

  test("hears the client's betas and version, and nothing else of its headers", async () => {
    const { connector, sent } = rig(message);
    const headers = new Headers({
      "anthropic-beta": "context-1m-2025-08-07,files-api-2025-04-14",
      "anthropic-version": "2027-01-01",
      "anthropic-dangerous-direct-browser-access": "true",
      "x-api-key": "XJP_not-for-them",
      cookie: "a=b",
    });
    await converse(connector, messagesRequest(), chatCall({ headers }));
    expect(sent[0]?.headers.get("anthropic-beta")).toBe(
      "context-1m-2025-08-07,files-api-2025-04-14",
    );
    expect(sent[0]?.headers.get("anthropic-version")).toBe("2027-01-01");
    expect(sent[0]?.headers.get("x-api-key")).toBe("sk-ant-under-test");
    for (const name of ["cookie", "anthropic-dangerous-direct-browser-access"]) {
      expect(sent[0]?.headers.get(name)).toBeNull();
    }
  });

  test("gets its own dialect as it stands, with tools of its own and blocks that nobody here knows", async () => {
    const { connector, sent } = rig(message);
    const body = {
      tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 3 }],
      messages: [{ role: "user", content: [{ type: "hologram", data: 1 }] }],
      container: "container_1",
      mystery: { a: [1] },
    };
    const { reply } = await converse(
      connector,
      messagesRequest(body),
      chatCall(target("claude-x")),
    );
    expect(sent[0]?.body).toEqual({ model: "claude-x", max_tokens: 20, ...body });
    expect(reply.usage).toEqual({
      inputTokens: 119,
      outputTokens: 3,
      cacheReadTokens: 100,
      cacheWriteTokens: 10,
      source: "reported",
    });
  });

  test("gets what was written for a newer model in the words of the one that is asked, and the client hears of it", async () => {
    const { connector, sent } = rig(message);
    const call = chatCall(target("claude-haiku-4-5"));
    const request = messagesRequest({
      output_config: { effort: "low" },
      thinking: { type: "adaptive" },
      max_tokens: 4000,
    });
    await converse(connector, request, call);
    expect(sent[0]?.body).toMatchObject({ thinking: { type: "enabled", budget_tokens: 2048 } });
    expect(sent[0]?.body).not.toContainKey("output_config");
    expect(call.dropped).toEqual(["output_config.effort"]);
  });

  test("counts what it is to answer, in either dialect, without what only an answer needs", async () => {
    const { connector, sent } = rig(counted);
    const own = messagesRequest({ stream: true, temperature: 1, metadata: { user_id: "u" } });
    expect(await connector.countTokens?.(own, chatCall())).toBe(42);
    expect(await connector.countTokens?.(chatRequest(), chatCall())).toBe(42);
    expect(sent.map(({ url }) => url)).toEqual([
      "https://api.anthropic.com/v1/messages/count_tokens",
      "https://api.anthropic.com/v1/messages/count_tokens",
    ]);
    expect(sent.map(({ body }) => body)).toEqual([
      { model: "native", messages: [{ role: "user", content: "Salut ?" }] },
      {
        model: "native",
        messages: [{ role: "user", content: [{ type: "text", text: "Hello?" }] }],
      },
    ]);
  });

  test("tells its models", async () => {
    const { connector, sent } = rig(() =>
      Response.json({
        data: [
          {
            type: "model",
            id: "claude-opus-5-5",
            display_name: "Claude Opus 5.5",
            created_at: "2026-09-22T00:00:00Z",
          },
        ],
        has_more: false,
      }),
    );
    expect(await connector.models?.(new AbortController().signal)).toEqual([
      { id: "claude-opus-5-5", displayName: "Claude Opus 5.5", created: 1_790_035_200 },
    ]);
    expect(sent[0]?.url).toBe("https://api.anthropic.com/v1/models?limit=1000");
    expect(sent[0]?.headers.get("anthropic-version")).toBe("2023-06-01");
  });

  test("that is overloaded leaves the request to the next target", async () => {
    const { connector } = rig(() =>
      Response.json(
        { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
        { status: 529, headers: { "retry-after": "3" } },
      ),
    );
    const error = await failure(connector, messagesRequest());
    expect(error).toMatchObject({ kind: "unavailable", upstreamStatus: 529, retryAfterMs: 3000 });
    expect(error.traits.tryElsewhere).toBe(true);
  });
});

function refusal(): Response {
  const words = "messages.1.content.0: Invalid `signature` in `thinking` block";
  return Response.json(
    { type: "error", error: { type: "invalid_request_error", message: words } },
    { status: 400 },
  );
}

describe("thoughts that Anthropic does not take back", () => {
  const call = { type: "tool_use", id: "t", name: "f", input: {} };
  const result = {
    role: "user",
    content: [{ type: "tool_result", tool_use_id: "t", content: "1" }],
  };
  const question = { role: "user", content: "Salut ?" };
  const own = messagesRequest({
    max_tokens: 4000,
    thinking: { type: "enabled", budget_tokens: 2000 },
    messages: [
      question,
      {
        role: "assistant",
        content: [{ type: "thinking", thinking: "hm", signature: "b2xk" }, call],
      },
      result,
    ],
  });

  test("are left out, with what depends on them, and the request is sent once more", async () => {
    const answers = [refusal, message];
    const { connector, sent } = rig(() => (answers.shift() ?? refusal)());
    const asked = chatCall(target("claude-sonnet-4-5"));
    const { reply } = await converse(connector, own, asked);
    expect(reply.parts).toEqual([{ type: "text", text: "Bonjour." }]);
    expect(sent.map(({ body }) => body)).toMatchObject([
      { messages: [question, { content: [{ type: "thinking" }, call] }, result] },
      { messages: [question, { role: "assistant", content: [call] }, result] },
    ]);
    expect(sent[0]?.body["thinking"]).toBeDefined();
    expect(sent[1]?.body["thinking"]).toBeUndefined();
    expect(asked.dropped).toContain("messages[].content[].thinking");
  });

  test("are the request's fault when it is refused without them too, and other faults are not tried again", async () => {
    const stubborn = rig(refusal);
    expect((await failure(stubborn.connector, own)).kind).toBe("invalid-request");
    expect(stubborn.sent.length).toBe(2);
    const other = rig(() =>
      Response.json({ error: { type: "invalid_request_error", message: "no" } }, { status: 400 }),
    );
    await failure(other.connector, own);
    expect(other.sent.length).toBe(1);
  });
});

describe("OpenRouter", () => {
  test("gets Anthropic's dialect as it stands, whatever the model, and all others as a chat", async () => {
    const { connector, sent } = rig(message, { kind: "openrouter" });
    const body = { thinking: { type: "adaptive" }, output_config: { effort: "max" } };
    const call = chatCall({
      ...target("anthropic/claude-sonnet-4.5"),
      headers: new Headers({ "anthropic-beta": "b-1", "x-title": "Tides" }),
    });
    await converse(connector, messagesRequest(body), call);
    expect(sent[0]?.url).toBe("https://openrouter.ai/api/v1/messages");
    expect(sent[0]?.body).toMatchObject(body);
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer sk-ant-under-test");
    expect(sent[0]?.headers.get("anthropic-beta")).toBe("b-1");
    expect(sent[0]?.headers.get("x-title")).toBe("Tides");
    await failure(connector, chatRequest());
    expect(sent[1]?.url).toBe("https://openrouter.ai/api/v1/chat/completions");
  });
});
