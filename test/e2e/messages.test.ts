/** Anthropic's door of the built binary, as its official SDK sees it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { askMessages, createAnthropic } from "../support/anthropic-sdk.ts";
import { configText, PATIENT } from "../support/config-text.ts";
import { startFakeUpstream, type FakeUpstream, type Lane } from "../support/fake-upstream.ts";
import { startGateway, type Gateway } from "../support/gateway.ts";
import { type Exchange, FIXTURES, readRecordings, RECORDINGS } from "../support/recordings.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { ask, createClient, type Outcome } from "../support/sdk.ts";
import { splitAtRandom, toCrlf } from "../support/split.ts";
import { readUsageRows } from "../support/usage-rows.ts";
import { waitFor } from "../support/wait-for.ts";

const messages = [
  ...readRecordings(FIXTURES, "anthropic-messages").exchanges,
  ...readRecordings(RECORDINGS, "anthropic-messages").exchanges,
];
const chats = [...readRecordings(FIXTURES).exchanges, ...readRecordings(RECORDINGS).exchanges];

let upstream: FakeUpstream;
let gateway: Gateway;
let key: string;

/** Logical models, each behind a provider of the kind that it is named for. */
const KINDS = ["anthropic", "openrouter", "openai-compatible"] as const;
type Kind = (typeof KINDS)[number];

/** The logical model for a provider's own, of which each kind has all that were recorded. */
function nameOf(kind: Kind, model: string): string {
  return `${kind}:${model}`;
}

const NAMES = [...new Set(messages.map(({ body }) => body.model))];

beforeAll(async () => {
  upstream = startFakeUpstream();
  gateway = await startGateway({
    config: configText({
      more: PATIENT,
      providers: Object.fromEntries(
        KINDS.map((kind) => [kind, { kind, url: upstream.lane(kind).url }]),
      ),
      models: Object.fromEntries(
        KINDS.flatMap((kind) => [
          [kind, [{ provider: kind, model: "claude-sonnet-4-5" }]],
          ...NAMES.map((model) => [nameOf(kind, model), [{ provider: kind, model }]]),
        ]),
      ),
    }),
  });
  ({ key } = await gateway.makeKey());
});

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

/** Lets a lane answer as the provider did. */
function replay(lane: Lane, exchange: Exchange): void {
  lane.forget();
  lane.answer(() =>
    exchange.stream
      ? streamReply(splitAtRandom(exchange.text, 7, exchange.text.length))
      : jsonReply(exchange.text, exchange.status),
  );
}

/** The same without the name of the model, be it a body, a message or the start of a stream. */
function nameless(value: JsonObject): JsonObject {
  const { model: _, ...rest } = value;
  const message = rest["message"];
  return isJsonObject(message) ? { ...rest, message: nameless(message) } : rest;
}

function parsed(text: string | undefined): JsonObject {
  const value: unknown = JSON.parse(text ?? "null");
  return isJsonObject(value) ? value : {};
}

describe("a message through the gateway", () => {
  for (const kind of ["anthropic", "openrouter"] as const) {
    test.each(messages.map((exchange) => [exchange.id, exchange] as const))(
      `reads as it does from the provider, behind ${kind}: %s`,
      async (_, exchange) => {
        const lane = upstream.lane(kind);
        replay(lane, exchange);
        const root = lane.url.slice(0, -"/v1".length);
        const direct = await askMessages(createAnthropic(root, "direct"), exchange.body);
        const sent = lane.calls[0]?.text;
        replay(lane, exchange);
        const through = await askMessages(createAnthropic(gateway.url, key), {
          ...exchange.body,
          model: nameOf(kind, exchange.body.model),
        });
        expect(lane.calls[0]?.path).toBe("/messages");
        expect(parsed(lane.calls[0]?.text)).toEqual(parsed(sent));
        if (direct.error) {
          expect(through.error).toMatchObject({ name: direct.error.name, status: exchange.status });
          return;
        }
        expect(through.error).toBeUndefined();
        expect(through.events.map(nameless)).toEqual(direct.events.map(nameless));
        expect(JSON.stringify(through.events[0])).toContain(
          `"model":"${nameOf(kind, exchange.body.model)}"`,
        );
      },
    );
  }

  test("goes to Anthropic with its own key and version, and the client's betas", async () => {
    const [exchange] = messages;
    if (!exchange) throw new Error("no exchange");
    const lane = upstream.lane("anthropic");
    replay(lane, exchange);
    await createAnthropic(gateway.url, key)
      .beta.messages.create({
        model: "anthropic",
        max_tokens: 5,
        messages: [{ role: "user", content: "Hello?" }],
        betas: ["files-api-2025-04-14"],
      })
      .catch(() => undefined);
    const headers = lane.calls[0]?.headers;
    expect(headers?.get("x-api-key")).not.toContain("XJP_");
    expect(headers?.get("authorization")).toBeNull();
    expect(headers?.get("anthropic-version")).toMatch(/^20\d\d-\d\d-\d\d$/);
    expect(headers?.get("anthropic-beta")).toContain("files-api-2025-04-14");
  });
});

/** Text and calls of an OpenAI chat completion, plainly read. */
function plainChat(chunks: readonly JsonObject[]): { text: string; names: string[] } {
  let text = "";
  const names: string[] = [];
  for (const chunk of chunks) {
    const choices = chunk["choices"];
    const [choice] = Array.isArray(choices) ? choices : [];
    const message: unknown = isJsonObject(choice) ? (choice["delta"] ?? choice["message"]) : {};
    if (!isJsonObject(message)) continue;
    if (typeof message["content"] === "string") text += message["content"];
    const calls = message["tool_calls"];
    for (const call of Array.isArray(calls) ? calls : []) {
      const named = isJsonObject(call) ? call["function"] : undefined;
      const name = isJsonObject(named) ? named["name"] : undefined;
      if (typeof name === "string" && name !== "") names.push(name);
    }
  }
  return { text, names };
}

/** The same of a message or the events of one. */
function plainMessage(events: readonly JsonObject[]): { text: string; names: string[] } {
  let text = "";
  const names: string[] = [];
  const read = (block: unknown): void => {
    if (!isJsonObject(block)) return;
    if (typeof block["text"] === "string") text += block["text"];
    if (block["type"] === "tool_use" && typeof block["name"] === "string")
      names.push(block["name"]);
  };
  for (const event of events) {
    if (Array.isArray(event["content"])) for (const block of event["content"]) read(block);
    read(event["content_block"]);
    read(event["delta"]);
  }
  return { text, names };
}

/** What the SDK makes of an exchange with nothing in between. */
function askDirectly(exchange: Exchange): Promise<Outcome> {
  const lane = upstream.lane("direct");
  replay(lane, exchange);
  return ask(createClient(lane.url, "direct"), exchange.body);
}

/** Posts as a client of Anthropic's dialect, with the tests' key unless other headers are given. */
function post(
  path: string,
  body: JsonObject | string,
  headers: Readonly<Record<string, string>> = { "x-api-key": key },
): Promise<Response> {
  return fetch(`${gateway.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

const QUESTION = { max_tokens: 1024, messages: [{ role: "user", content: "What do you say?" }] };

describe("across dialects", () => {
  test.each(chats.map((exchange) => [exchange.id, exchange] as const))(
    "a chat completion is told to Anthropic's SDK: %s",
    async (_, exchange) => {
      const direct = await askDirectly(exchange);
      replay(upstream.lane("openai-compatible"), exchange);
      const told = await askMessages(createAnthropic(gateway.url, key), {
        ...QUESTION,
        model: "openai-compatible",
        stream: exchange.stream,
      });
      if (direct.error) {
        expect(told.error).toBeDefined();
        return;
      }
      expect(told.error).toBeUndefined();
      const { text, names } = plainChat(direct.chunks);
      const seen = plainMessage(told.events);
      expect(seen.names).toEqual(names);
      expect(seen.text).toStartWith(text);
    },
  );

  test.each(messages.filter(({ status }) => status === 200).map((one) => [one.id, one] as const))(
    "a message is told to OpenAI's SDK: %s",
    async (_, exchange) => {
      const lane = upstream.lane("anthropic");
      replay(lane, exchange);
      const root = lane.url.slice(0, -"/v1".length);
      const direct = await askMessages(createAnthropic(root, "direct"), exchange.body);
      replay(lane, exchange);
      const told = await ask(createClient(`${gateway.url}/v1`, key), {
        ...QUESTION,
        model: "anthropic",
        stream: exchange.stream,
      });
      expect(told.error).toBeUndefined();
      expect(plainChat(told.chunks)).toEqual(plainMessage(direct.events));
    },
  );
});

describe("the door", () => {
  test("tells its errors in Anthropic's envelope, with the request's id in head and body", async () => {
    const cases = [
      [
        await post("/v1/messages", { ...QUESTION, model: "anthropic" }, {}),
        401,
        "authentication_error",
      ],
      [await post("/v1/messages", { ...QUESTION, model: "nothing" }), 404, "not_found_error"],
      [await post("/v1/messages", "{"), 400, "invalid_request_error"],
      [
        await post("/v1/messages", { model: "anthropic", messages: [{ role: "poet" }] }),
        400,
        "invalid_request_error",
      ],
      [await post("/v1/nowhere", {}), 404, "not_found_error"],
    ] as const;
    for (const [response, status, type] of cases) {
      const body: unknown = await response.json();
      expect([response.status, body]).toMatchObject([status, { type: "error", error: { type } }]);
      const id = response.headers.get("request-id");
      expect(id).toBe(response.headers.get("x-request-id"));
      expect(body).toMatchObject({ request_id: id });
    }
  });

  test("maps what providers answer to the status and type that Anthropic's clients know", async () => {
    const lane = upstream.lane("openai-compatible");
    const cases = [
      [429, 429, "rate_limit_error"],
      [500, 500, "api_error"],
      [503, 529, "overloaded_error"],
      [400, 400, "invalid_request_error"],
    ] as const;
    for (const [from, status, type] of cases) {
      lane.answer(() => jsonReply('{"error":{"message":"no","type":"x"}}', from));
      const { error } = await askMessages(createAnthropic(gateway.url, key), {
        ...QUESTION,
        model: "openai-compatible",
      });
      expect(error).toMatchObject({ status, body: { error: { type } } });
    }
  });

  test("ends a stream that breaks off with an error event, which the SDK throws", async () => {
    const exchange = messages.find(({ stream }) => stream);
    const lane = upstream.lane("anthropic");
    const text = exchange?.text ?? "";
    lane.answer(() => streamReply([toCrlf(text.slice(0, text.indexOf("event: message_delta")))]));
    const { events, error } = await askMessages(createAnthropic(gateway.url, key), {
      ...QUESTION,
      model: "anthropic",
      stream: true,
    });
    expect(events.at(-1)?.["type"]).toBe("content_block_stop");
    expect(error?.body).toMatchObject({ type: "error", error: { type: "api_error" } });
  });

  test("counts tokens by the provider's own count, and by an estimate that says so where there is none", async () => {
    const body = { model: "anthropic", messages: QUESTION.messages };
    upstream.lane("anthropic").forget();
    upstream.lane("anthropic").answer(() => Response.json({ input_tokens: 2095 }));
    const exact = await createAnthropic(gateway.url, key).messages.countTokens({
      model: "anthropic",
      messages: [{ role: "user", content: "What do you say?" }],
    });
    expect(exact.input_tokens).toBe(2095);
    const [call] = upstream.lane("anthropic").calls;
    expect(call?.path).toBe("/messages/count_tokens");
    expect(JSON.parse(call?.text ?? "")).toEqual({ ...body, model: "claude-sonnet-4-5" });

    const estimated = await post("/v1/messages/count_tokens", {
      ...body,
      model: "openai-compatible",
    });
    expect(estimated.headers.get("x-xjp-estimated")).toBe("true");
    const told: unknown = await estimated.json();
    expect(isJsonObject(told) && Number(told["input_tokens"])).toBeGreaterThan(3);
  });

  test("lists models as Anthropic does", async () => {
    const page = await createAnthropic(gateway.url, key).models.list();
    expect(page.data.map(({ id, type }) => [type, id])).toEqual(
      expect.arrayContaining(KINDS.map((kind) => ["model", kind])),
    );
    expect(page.has_more).toBe(false);
    const one = await createAnthropic(gateway.url, key).models.retrieve("anthropic");
    expect(one.id).toBe("anthropic");
  });

  test("tells a key's limits under Anthropic's names", async () => {
    const limited = await gateway.makeKey("limited", ["--rpm", "1"]);
    upstream
      .lane("openai-compatible")
      .answer(() => jsonReply(chats.find((c) => !c.stream)?.text ?? ""));
    const headers = { "x-api-key": limited.key };
    const body = { ...QUESTION, model: "openai-compatible" };
    const first = await post("/v1/messages", body, headers);
    expect(first.headers.get("anthropic-ratelimit-requests-limit")).toBe("1");
    expect(
      Date.parse(first.headers.get("anthropic-ratelimit-requests-reset") ?? ""),
    ).toBeGreaterThan(Date.now());
    const second = await post("/v1/messages", body, headers);
    expect(second.status).toBe(429);
    expect(second.headers.get("retry-after")).not.toBeNull();
    expect(await second.json()).toMatchObject({ error: { type: "rate_limit_error" } });
  });

  test("writes down cached, written and thought tokens of a message", async () => {
    const cached = messages.find(({ id }) => id === "anthropic/tides-and-charts.json#1");
    if (!cached) throw new Error("the repository's own exchange is missing");
    replay(upstream.lane("anthropic"), cached);
    await askMessages(createAnthropic(gateway.url, key), { ...cached.body, model: "anthropic" });
    const row = await waitFor("the row", () =>
      readUsageRows(gateway.database).find((each) => each["cached"] === 1500),
    );
    expect(row).toMatchObject({
      input_tokens: 1595,
      output_tokens: 31,
      reasoning: 9,
      estimated: 0,
    });
  });
});
