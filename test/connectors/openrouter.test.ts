import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import type { Connector, ConnectorOptions } from "../../src/connectors/connector.ts";
import { createConnector } from "../../src/connectors/index.ts";
import { chatCall, chatRequest, converse, failure, optionsFor } from "../contract/calling.ts";
import { chunk, eventStream, TEXT_REPLY } from "../contract/openai-answers.ts";
import {
  jsonResponse,
  type RawUpstream,
  startRawUpstream,
  streamOf,
} from "../contract/raw-upstream.ts";

let upstream: RawUpstream;

beforeEach(() => {
  upstream = startRawUpstream((line) => line.write(jsonResponse(TEXT_REPLY)));
});
afterEach(() => upstream.stop());

function openrouter(more: Partial<ConnectorOptions> = {}): Connector {
  return createConnector(optionsFor("openrouter", upstream.url, more));
}

/** The headers that arrive when a client sends these. */
async function headersFor(
  client: Record<string, string>,
  configured: Record<string, string> = {},
): Promise<Record<string, string | null>> {
  const call = chatCall({ headers: new Headers(client) });
  await converse(openrouter({ headers: configured }), chatRequest(), call);
  const sent = upstream.seen.at(-1)?.headers ?? new Headers();
  const names = ["http-referer", "x-title", "x-openrouter-title", "x-session-id"];
  return Object.fromEntries(names.map((name) => [name, sent.get(name)]));
}

describe("attribution", () => {
  test("names the gateway unless somebody says otherwise", async () => {
    expect(await headersFor({})).toEqual({
      "http-referer": "https://xjp.invalid",
      "x-title": "xjp",
      "x-openrouter-title": "xjp",
      "x-session-id": null,
    });
  });

  test("is the client's if it says who it is, under either name of the header", async () => {
    for (const name of ["X-Title", "X-OpenRouter-Title"]) {
      const client = { "HTTP-Referer": "https://app.example", [name]: "App", "X-Session-Id": "s1" };
      expect(await headersFor(client)).toEqual({
        "http-referer": "https://app.example",
        "x-title": "App",
        "x-openrouter-title": "App",
        "x-session-id": "s1",
      });
    }
  });

  test("is the configured one whatever the client says, under either name of the header", async () => {
    for (const name of ["X-Title", "X-OpenRouter-Title"]) {
      expect(
        await headersFor(
          { "X-Title": "App", "HTTP-Referer": "https://app.example" },
          { [name]: "House", "HTTP-Referer": "https://house.example" },
        ),
      ).toMatchObject({
        "http-referer": "https://house.example",
        "x-title": "House",
        "x-openrouter-title": "House",
      });
    }
  });
});

test("its request extras go along untouched, and usage is not asked for", async () => {
  const extras = {
    stream: true,
    models: ["a", "b"],
    provider: { order: ["x"], allow_fallbacks: false },
    plugins: [{ id: "web" }],
    reasoning: { effort: "max" },
    session_id: "s",
    usage: { include: true },
  };
  upstream.script(streamOf(eventStream([chunk({ content: "x" }, "stop")])));
  await converse(openrouter(), chatRequest(extras));
  expect(JSON.parse(upstream.seen[0]?.text ?? "")).toEqual({
    model: "native",
    messages: [{ role: "user", content: "Hello?" }],
    ...extras,
  });
});

test("usage is told with its cost", async () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7, cost: 0.00_012 };
  upstream.script((line) => line.write(jsonResponse({ ...TEXT_REPLY, usage })));
  const { reply } = await converse(openrouter(), chatRequest());
  expect(reply.usage).toMatchObject({ inputTokens: 3, outputTokens: 4, costNanoUsd: 120_000 });
});

test("its errors say what the provider behind it said, without its key", async () => {
  const key = "the-key-behind-it-all";
  const raw = JSON.stringify({ error: { message: `max_tokens is too large for ${key}` } });
  const error = {
    message: "Provider returned error",
    code: 400,
    metadata: { provider_name: "Some Host", raw },
  };
  upstream.script((line) => line.write(jsonResponse({ error }, 400)));
  const whole = await failure(openrouter({ apiKeys: [key] }), chatRequest());
  upstream.script(streamOf(eventStream([chunk({ content: "x" }), { error, choices: [] }])));
  const streamed = await failure(openrouter({ apiKeys: [key] }), chatRequest({ stream: true }));
  for (const { kind, message } of [whole, streamed]) {
    expect(kind).toBe("invalid-request");
    expect(message).toMatch(/Provider returned error.*Some Host.*max_tokens is too large/);
    expect(message).not.toContain(key);
  }
});

describe("several keys", () => {
  test("take turns, and one that was refused is passed over at once", async () => {
    upstream.script((line, { headers }) => {
      const isBad = headers.get("authorization") === "Bearer bad-key";
      line.write(
        isBad ? jsonResponse({ error: { message: "no" } }, 401) : jsonResponse(TEXT_REPLY),
      );
    });
    const connector = openrouter({ apiKeys: ["bad-key", "good-key"] });
    const error = await failure(connector, chatRequest());
    expect(error.traits.retryHere).toBe(true);
    expect(error.retryAfterMs).toBe(0);
    for (let round = 0; round < 3; round += 1) await converse(connector, chatRequest());
    expect(upstream.seen.map(({ headers }) => headers.get("authorization"))).toEqual([
      "Bearer bad-key",
      "Bearer good-key",
      "Bearer good-key",
      "Bearer good-key",
    ]);
  });

  test("that all met their limit leave the provider's own wait standing", async () => {
    upstream.script((line) =>
      line.write(jsonResponse({ error: { message: "slow" } }, 429, { "retry-after": "9" })),
    );
    const connector = openrouter({ apiKeys: ["key-one", "key-two"] });
    expect((await failure(connector, chatRequest())).retryAfterMs).toBe(0);
    expect((await failure(connector, chatRequest())).retryAfterMs).toBe(9000);
  });
});
