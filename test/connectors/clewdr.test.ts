/** Clewdr's three faces, with answers in the shapes that its source (v0.13) gives them. */
import { describe, expect, test } from "bun:test";

import { createClewdrConnector } from "../../src/connectors/clewdr.ts";
import type { Connector, ConnectorOptions, Fetch } from "../../src/connectors/connector.ts";
import type { JsonObject } from "../../src/connectors/hub/json.ts";
import { isJsonObject } from "../../src/connectors/hub/json.ts";
import type { ChatRequest } from "../../src/connectors/hub/request.ts";
import { chatCall, chatRequest, converse, failure, messagesRequest } from "../contract/calling.ts";

type Sent = { readonly url: string; readonly headers: Headers; readonly body: JsonObject };

function rig(
  backend: ConnectorOptions["backend"],
  answer: (sent: Sent) => Response,
): { readonly connector: Connector; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch: Fetch = (url, init) => {
    const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : {};
    const seen = {
      url,
      headers: new Headers(init.headers),
      body: isJsonObject(body) ? body : {},
    };
    sent.push(seen);
    return Promise.resolve(answer(seen));
  };
  const connector = createClewdrConnector({
    name: "clewdr",
    kind: "clewdr",
    apiKeys: ["clewdr-password"],
    headers: {},
    fetch,
    ...(backend === undefined ? {} : { backend }),
  });
  return { connector, sent };
}

function message(more: JsonObject = {}): Response {
  return Response.json({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5",
    content: [{ type: "text", text: "Bonjour." }],
    stop_reason: "end_turn",
    usage: { input_tokens: 9, output_tokens: 3 },
    ...more,
  });
}

function events(lines: readonly string[]): Response {
  return new Response(lines.map((line) => `${line}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });
}

/** An error as Clewdr tells it on every path. */
function told(status: number, type: string, words: JsonObject | string): Response {
  return Response.json({ error: { message: words, type, code: status } }, { status });
}

const TOOLS = [{ name: "tide", input_schema: { type: "object" } }];

describe("Clewdr as Claude Code's API", () => {
  test("is where requests go unless another face is chosen, with a bearer token", async () => {
    const { connector, sent } = rig(undefined, () => message());
    const { reply } = await converse(connector, messagesRequest({ tools: TOOLS }));
    expect(sent[0]?.url).toBe("http://localhost:8484/code/v1/messages");
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer clewdr-password");
    expect(sent[0]?.headers.get("accept-encoding")).toBe("identity");
    expect(sent[0]?.body["tools"]).toEqual(TOOLS);
    expect(reply.usage).toEqual({ inputTokens: 9, outputTokens: 3, source: "reported" });
  });

  test("takes OpenAI's dialect translated, with a limit that it must have", async () => {
    const { connector, sent } = rig("code", () => message());
    await converse(connector, chatRequest());
    expect(sent[0]?.body).toMatchObject({
      model: "native",
      max_tokens: 16_384,
      messages: [{ role: "user", content: [{ type: "text", text: "Hello?" }] }],
    });
  });

  test("counts tokens", async () => {
    const { connector, sent } = rig("code", () => Response.json({ input_tokens: 42 }));
    expect(await connector.countTokens?.(messagesRequest(), chatCall())).toBe(42);
    expect(sent[0]?.url).toBe("http://localhost:8484/code/v1/messages/count_tokens");
  });

  test("is not asked a lone Hi in a way that it answers by itself", async () => {
    const { connector, sent } = rig("code", () =>
      events([
        'data: {"type":"message_start","message":{"id":"msg_2","usage":{"input_tokens":8,"output_tokens":1}}}',
        'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
        'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello!"}}',
        'data: {"type":"content_block_stop","index":0}',
        'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}',
        'data: {"type":"message_stop"}',
      ]),
    );
    for (const request of [
      messagesRequest({ messages: [{ role: "user", content: "Hi" }] }),
      chatRequest({ messages: [{ role: "user", content: "Hi" }] }),
    ]) {
      const { reply } = await converse(connector, request);
      expect(reply.parts).toEqual([{ type: "text", text: "Hello!" }]);
    }
    expect(sent.map(({ body }) => body["stream"])).toEqual([true, true]);
  });
});

describe("an answer that no model gave", () => {
  test("is known by its lack of an id and of counts", async () => {
    for (const backend of ["code", "web"] as const) {
      const { connector } = rig(backend, () =>
        Response.json({ content: [{ type: "text", text: "It is working." }] }),
      );
      expect((await failure(connector, messagesRequest())).kind).toBe("bad-upstream");
    }
  });
});

describe("Clewdr as the web chat", () => {
  test("refuses before asking what it would drop without a word", async () => {
    const { connector, sent } = rig("web", () => message());
    const pdf = { type: "base64", media_type: "application/pdf", data: "JVBERg==" };
    const cases: readonly (readonly [string, ChatRequest])[] = [
      ["tools", messagesRequest({ tools: TOOLS })],
      [
        "messages",
        messagesRequest({
          messages: [{ role: "user", content: [{ type: "document", source: pdf }] }],
        }),
      ],
      [
        "messages",
        chatRequest({
          messages: [
            {
              role: "user",
              content: [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }],
            },
          ],
        }),
      ],
    ];
    for (const [param, request] of cases) {
      const error = await failure(connector, request);
      expect([error.kind, error.param, error.traits.tryElsewhere]).toEqual([
        "invalid-request",
        param,
        true,
      ]);
    }
    expect(sent).toEqual([]);
  });

  test("is read without names of events, models and reasons, and its counts are estimates", async () => {
    const { connector, sent } = rig("web", () =>
      message({ model: "", stop_reason: null, usage: { input_tokens: 7, output_tokens: 2 } }),
    );
    const whole = await converse(connector, messagesRequest());
    expect(sent[0]?.url).toBe("http://localhost:8484/v1/messages");
    expect(whole.reply.usage?.source).toBe("estimated");

    const streaming = rig("web", () =>
      events([
        'data: {"type":"message_start","message":{"id":"msg_3","usage":{"input_tokens":31,"output_tokens":1}}}',
        'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
        'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Oui."}}',
        'data: {"type":"content_block_stop","index":0}',
        'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":0,"output_tokens":4}}',
        'data: {"type":"message_stop"}',
      ]),
    );
    const { reply } = await converse(streaming.connector, messagesRequest({ stream: true }));
    expect(reply.usage).toEqual({ inputTokens: 31, outputTokens: 4, source: "estimated" });
  });
});

describe("Clewdr as OpenAI's chat", () => {
  test("is spoken to in the three roles and the plain parts that it knows, whoever asks", async () => {
    const { connector, sent } = rig("openai", () =>
      Response.json({ choices: [{ message: { content: "A pier." } }] }),
    );
    const image = { type: "image_url", image_url: { url: "data:image/png;base64,cG5n" } };
    const { messages: received, reply } = await converse(
      connector,
      chatRequest({
        messages: [
          { role: "developer", content: "Be brief." },
          { role: "user", content: [{ type: "text", text: "What is it?" }, image] },
        ],
      }),
    );
    expect(sent[0]?.body).toEqual({
      model: "native",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: [{ type: "text", text: "What is it?" }, image] },
      ],
      stream: false,
    });
    // Its own words are no good to a client of the dialect.
    expect(received.map(({ raw }) => raw)).toEqual([undefined]);
    expect(reply.parts).toEqual([{ type: "text", text: "A pier." }]);
  });

  test("refuses before asking what it would drop or misread", async () => {
    const { connector, sent } = rig("openai", () => Response.json({}));
    const call = { id: "a", type: "function", function: { name: "tide", arguments: "{}" } };
    const content = [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }];
    const cases: readonly JsonObject[] = [
      { tools: [{ type: "function", function: { name: "tide" } }] },
      { messages: [{ role: "assistant", content: null, tool_calls: [call] }] },
      { messages: [{ role: "tool", tool_call_id: "a", content: "x" }] },
      { messages: [{ role: "user", content }] },
    ];
    for (const body of cases) {
      const error = await failure(connector, chatRequest(body));
      expect([error.code, error.traits.tryElsewhere]).toEqual(["unsupported_by_provider", true]);
    }
    expect(sent).toEqual([]);
  });

  test("ends where its bytes end, and says no usage", async () => {
    const { connector, sent } = rig("openai", () =>
      events([
        'data: {"choices":[{"delta":{"reasoning_content":"Let me see."}}]}',
        'data: {"choices":[{"delta":{"content":"Two "}}]}',
        ": keep-alive",
        'data: {"choices":[{"delta":{"content":"words."}}]}',
      ]),
    );
    const { reply } = await converse(connector, chatRequest({ stream: true, stop: "END" }));
    expect(sent[0]?.url).toBe("http://localhost:8484/v1/chat/completions");
    expect(sent[0]?.body["stop"]).toEqual(["END"]);
    expect(sent[0]?.body["stream_options"]).toBeUndefined();
    expect(reply.parts.map((part) => "text" in part && part.text)).toEqual([
      "Let me see.",
      "Two words.",
    ]);
    expect(reply.finish).toBe("stop");
    expect(reply.usage).toBeUndefined();
  });

  test("counts by guessing, where it counts", async () => {
    const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
    const { connector } = rig("openai", () =>
      Response.json({ id: "a", choices: [{ message: { content: "A pier." } }], usage }),
    );
    const { reply } = await converse(connector, chatRequest());
    expect(reply.usage).toMatchObject({ inputTokens: 9, outputTokens: 3, source: "estimated" });
  });

  test("that ends before it said a word has failed", async () => {
    const { connector } = rig("openai", () => events([": keep-alive"]));
    expect((await failure(connector, chatRequest({ stream: true }))).kind).toBe("bad-upstream");
  });
});

describe("thinking in the web chat", () => {
  test("is asked for in the words of either face, and not asked for by silence", async () => {
    const bodies: JsonObject[] = [];
    for (const backend of ["web", "openai"] as const) {
      const { connector, sent } = rig(backend, () =>
        backend === "web" ? message() : Response.json({ choices: [{ message: { content: "a" } }] }),
      );
      for (const effort of ["xhigh", "none"]) {
        await converse(
          connector,
          chatRequest({ reasoning_effort: effort }),
          chatCall({ target: { provider: "clewdr", model: "claude-sonnet-4-5" } }),
        );
      }
      bodies.push(...sent.map(({ body }) => body));
    }
    const wishes = bodies.map((body) => body["reasoning_effort"] ?? body["thinking"]);
    expect(wishes).toEqual([
      { type: "enabled", budget_tokens: expect.any(Number) },
      undefined,
      "high",
      undefined,
    ]);
  });
});

describe("its errors", () => {
  test("of capacity leave the target for the next one, and let it rest, whatever their status", async () => {
    for (const [status, type] of [
      [500, "no_cookie_available"],
      [504, "too_many_retries"],
    ] as const) {
      const { connector } = rig("code", () => told(status, type, "no account is free"));
      const error = await failure(connector, messagesRequest());
      expect([error.kind, error.code, error.upstreamStatus]).toEqual([
        "rate-limited",
        type,
        status,
      ]);
      expect(error.traits).toMatchObject({
        origin: "provider",
        retryHere: false,
        tryElsewhere: true,
      });
    }
  });

  test("of one account are worth another try, which takes the next account", async () => {
    const { connector } = rig("code", () => told(400, "invalid_cookie", "expired"));
    const error = await failure(connector, messagesRequest());
    expect([error.kind, error.code]).toEqual(["unavailable", "invalid_cookie"]);
    expect(error.traits).toMatchObject({ retryHere: true, tryElsewhere: true });
  });

  test("of a body that it cannot read are plain text", async () => {
    const { connector } = rig(
      "code",
      () => new Response("missing field `messages`", { status: 422 }),
    );
    const error = await failure(connector, messagesRequest());
    expect([error.kind, error.upstreamStatus]).toEqual(["invalid-request", 422]);
  });

  test("of a wrong password are the gateway's own, and tell the caller no 401", async () => {
    const { connector } = rig("code", () => told(401, "invalid_auth", "Key/Password Invalid"));
    const error = await failure(connector, messagesRequest());
    expect([error.kind, error.traits.status]).toEqual(["unavailable", 502]);
  });

  test("may have an object for a message", async () => {
    const { connector } = rig("code", () =>
      told(400, "bad_request", { error: { message: "messages: too few" } }),
    );
    const error = await failure(connector, messagesRequest());
    expect(error.message).toContain("messages: too few");
  });

  test("of a wall in between are a redirect, which is not followed", async () => {
    const { connector, sent } = rig(
      "code",
      () => new Response(null, { status: 302, headers: { location: "https://example.com/wall" } }),
    );
    const error = await failure(connector, messagesRequest());
    expect([error.kind, error.code]).toEqual(["unavailable", "redirect"]);
    expect(error.message).toBe("Clewdr's own provider has turned it away (status 302)");
    expect(error.traits).toMatchObject({ retryHere: false, tryElsewhere: true });
    expect(sent).toHaveLength(1);
  });
});
