/** Clewdr behind the built binary, by each of its faces; its answers have the shapes that its source (v0.13) gives them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { readAnswer } from "../support/answer.ts";
import { askMessages, createAnthropic } from "../support/anthropic-sdk.ts";
import { configText } from "../support/config-text.ts";
import { startFakeUpstream, type FakeUpstream, type Lane } from "../support/fake-upstream.ts";
import { startGateway, type Gateway } from "../support/gateway.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { ask, createClient } from "../support/sdk.ts";
import { readUsageRows } from "../support/usage-rows.ts";
import { waitFor } from "../support/wait-for.ts";

let upstream: FakeUpstream;
let gateway: Gateway;
let key: string;
let clewdr: Lane;
let spare: Lane;

beforeAll(async () => {
  upstream = startFakeUpstream();
  clewdr = upstream.lane("clewdr");
  spare = upstream.lane("spare");
  const { url } = clewdr;
  const model = "claude-sonnet-4-5";
  const provider = (backend: string) => ({ kind: "clewdr", url, backend }) as const;
  const route = (name: string) => ({ provider: name, model });
  gateway = await startGateway({
    config: configText({
      providers: {
        code: provider("code"),
        web: provider("web"),
        openai: provider("openai"),
        spare: { kind: "openai-compatible", url: spare.url },
      },
      models: {
        code: [route("code")],
        web: [route("web")],
        openai: [route("openai")],
        thinking: [{ provider: "code", model: `${model}-thinking` }],
        // The web chat cannot call tools, its code face can.
        able: [route("web"), route("code")],
        walled: [{ provider: "code", model: "walled" }, route("spare")],
        tired: [{ provider: "code", model: "tired", retries: 2 }, route("spare")],
      },
    }),
  });
  ({ key } = await gateway.makeKey());
});

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

beforeEach(() => {
  clewdr.forget();
  spare.forget();
  spare.answer(() =>
    jsonReply(
      '{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Spare."},"finish_reason":"stop"}]}',
    ),
  );
});

const USER = [{ role: "user", content: "Say something." }];
const TOOL = { name: "tide", input_schema: { type: "object", properties: {} } };

function sent(): JsonObject {
  const body: unknown = JSON.parse(clewdr.calls.at(-1)?.text ?? "null");
  return isJsonObject(body) ? body : {};
}

/** Events without the names that only the code face gives them. */
function nameless(events: readonly JsonObject[]): string {
  return events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
}

function named(events: readonly (JsonObject & { readonly type: string })[]): string {
  return events
    .map((event) => `event: ${event.type}\nid: 1\ndata: ${JSON.stringify(event)}\n\n`)
    .join(": keep-alive\n\n");
}

const STREAM = [
  {
    type: "message_start",
    message: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude-sonnet-4-5",
      content: [],
      usage: { input_tokens: 31, cache_read_input_tokens: 20, output_tokens: 1 },
    },
  },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "The sea." } },
  { type: "content_block_stop", index: 0 },
  {
    type: "message_delta",
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { input_tokens: 0, output_tokens: 4 },
  },
  { type: "message_stop" },
] as const;

/** The latest usage row of a provider. */
function rowOf(provider: string): Promise<JsonObject> {
  return waitFor(`a usage row of ${provider}`, () =>
    readUsageRows(gateway.database).findLast((row) => row["provider"] === provider),
  );
}

describe("the code face", () => {
  test("takes Anthropic's dialect word for word and gives its events back as they are", async () => {
    clewdr.answer(() => streamReply([named(STREAM)]));
    const { events, error } = await askMessages(createAnthropic(gateway.url, key), {
      model: "code",
      max_tokens: 50,
      stream: true,
      system: [{ type: "text", text: "Prefix.", cache_control: { type: "ephemeral" } }],
      messages: USER,
      tools: [TOOL, { type: "web_search_20250305", name: "web_search" }],
      "x-own": [1],
    });
    expect(error).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual(STREAM.map(({ type }) => type));
    const [call] = clewdr.calls;
    expect(call?.path).toBe("/code/v1/messages");
    expect(call?.headers.get("authorization")).toBe("Bearer sk-fake-provider-key");
    expect(call?.headers.get("x-api-key")).toBeNull();
    expect(sent()).toMatchObject({ model: "claude-sonnet-4-5", "x-own": [1] });
    expect(call?.text).toContain(
      '"system":[{"type":"text","text":"Prefix.","cache_control":{"type":"ephemeral"}}]',
    );
    expect(await rowOf("code")).toMatchObject({ output_tokens: 4, status_code: 200, estimated: 0 });
  });

  test("takes OpenAI's dialect translated, with tools, and counts tokens by itself", async () => {
    clewdr.answer(({ path }) =>
      path.endsWith("count_tokens")
        ? jsonReply('{"input_tokens":42}')
        : streamReply([named(STREAM)]),
    );
    const { chunks, error } = await ask(createClient(`${gateway.url}/v1`, key), {
      model: "thinking",
      stream: true,
      messages: USER,
      tools: [{ type: "function", function: { name: "tide", parameters: { type: "object" } } }],
    });
    expect(error).toBeUndefined();
    expect(readAnswer(chunks)).toMatchObject({ text: "The sea.", finish: "stop" });
    expect(sent()).toMatchObject({
      model: "claude-sonnet-4-5-thinking",
      tools: [{ name: "tide" }],
    });
    expect(sent()["max_tokens"]).toBeNumber();
    const client = createAnthropic(gateway.url, key);
    const counted = await client.messages.countTokens({
      model: "code",
      messages: [{ role: "user", content: "How long?" }],
    });
    expect(counted.input_tokens).toBe(42);
    expect(clewdr.calls.at(-1)?.path).toBe("/code/v1/messages/count_tokens");
  });
});

describe("the web face", () => {
  test("is whole for clients of both dialects though it leaves half of the dialect out", async () => {
    clewdr.answer(() => streamReply([nameless(STREAM)]));
    const messages = await askMessages(createAnthropic(gateway.url, key), {
      model: "web",
      max_tokens: 50,
      stream: true,
      messages: USER,
    });
    expect(messages.error).toBeUndefined();
    const types = messages.events.map(({ type }) => type);
    expect(types.filter((type) => type !== "ping")).toEqual(STREAM.map(({ type }) => type));
    expect(clewdr.calls[0]?.path).toBe("/v1/messages");

    clewdr.answer(() =>
      jsonReply(
        '{"id":"msg_2","type":"message","role":"assistant","model":"","content":[{"type":"text","text":"The sea."}],"stop_reason":null,"usage":{"input_tokens":31,"output_tokens":4}}',
      ),
    );
    const whole = await askMessages(createAnthropic(gateway.url, key), {
      model: "web",
      max_tokens: 50,
      messages: USER,
    });
    expect(whole.events[0]).toMatchObject({ model: "web", stop_reason: "end_turn" });
    const chat = await ask(createClient(`${gateway.url}/v1`, key), {
      model: "web",
      messages: USER,
    });
    expect(readAnswer(chat.chunks)).toMatchObject({ text: "The sea.", finish: "stop" });
    const counts = { input_tokens: 31, output_tokens: 4, estimated: 1 };
    expect(await rowOf("web")).toMatchObject(counts);
  });

  test("is passed over for what it would drop, and refuses it where nobody else is left", async () => {
    clewdr.answer(() => streamReply([named(STREAM)]));
    const body = { max_tokens: 50, messages: USER, tools: [TOOL] };
    const client = createAnthropic(gateway.url, key);
    const able = await askMessages(client, { ...body, model: "able", stream: true });
    expect(able.error).toBeUndefined();
    expect(clewdr.calls.map(({ path }) => path)).toEqual(["/code/v1/messages"]);
    clewdr.forget();
    const { error } = await askMessages(client, { ...body, model: "web" });
    expect(error?.status).toBe(400);
    expect(JSON.stringify(error?.body)).toContain("tools");
    expect(clewdr.calls).toEqual([]);
  });
});

describe("the face of OpenAI's dialect", () => {
  const pieces = [
    'data: {"choices":[{"delta":{"reasoning_content":"Hm."}}]}\n\n',
    'data: {"choices":[{"delta":{"content":"The "}}]}\n\n',
    ": keep-alive\n\n",
    'data: {"choices":[{"delta":{"content":"sea."}}]}\n\n',
  ];

  test("is whole for its clients: roles, ids, a reason, an end, and counts that say they are estimates", async () => {
    clewdr.answer(() => streamReply(pieces));
    const { chunks, error } = await ask(createClient(`${gateway.url}/v1`, key), {
      model: "openai",
      messages: USER,
      stop: "END",
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(error).toBeUndefined();
    expect(clewdr.calls[0]?.path).toBe("/v1/chat/completions");
    expect(sent()["stop"]).toEqual(["END"]);
    const answer = readAnswer(chunks);
    expect([answer.text, answer.finish]).toEqual(["The sea.", "stop"]);
    expect(answer.reasoning).toContain("Hm.");
    expect(new Set(chunks.map(({ id }) => typeof id))).toEqual(new Set(["string"]));
    const row = await rowOf("openai");
    expect(Number(row["input_tokens"])).toBeGreaterThan(0);
    expect(Number(row["output_tokens"])).toBeGreaterThan(0);
    expect(row["estimated"]).toBe(1);
  });

  test("has failed if it ends before a word of the answer", async () => {
    clewdr.answer(() => streamReply(pieces.slice(0, 1)));
    const { error } = await ask(createClient(`${gateway.url}/v1`, key), {
      model: "openai",
      messages: USER,
      stream: true,
    });
    expect(error).toBeDefined();
  });
});

/** An error as Clewdr tells it on every path. */
function told(status: number, type: string): Response {
  return jsonReply(
    JSON.stringify({ error: { message: "no account", type, code: status } }),
    status,
  );
}

describe("what goes wrong", () => {
  test("a lack of accounts sends requests elsewhere at once, and the next ones too", async () => {
    clewdr.answer(() => told(504, "too_many_retries"));
    for (let round = 0; round < 3; round += 1) {
      const { chunks } = await ask(createClient(`${gateway.url}/v1`, key), {
        model: "tired",
        messages: USER,
      });
      expect(readAnswer(chunks).text).toBe("Spare.");
    }
    // Asked once, and left alone after that.
    expect(clewdr.calls).toHaveLength(1);
  });

  test("a wall in between is not followed", async () => {
    clewdr.answer(() => Response.redirect(`${spare.url}/wall`, 302));
    const { chunks } = await ask(createClient(`${gateway.url}/v1`, key), {
      model: "walled",
      messages: USER,
    });
    expect(readAnswer(chunks).text).toBe("Spare.");
    expect(spare.calls.map(({ path }) => path)).toEqual(["/chat/completions"]);
  });

  test("a lone Hi reaches the model, not the answer that Clewdr has ready for it", async () => {
    clewdr.answer(() =>
      sent()["stream"] === true
        ? streamReply([named(STREAM)])
        : jsonReply('{"content":[{"type":"text","text":"It works."}]}'),
    );
    const { chunks } = await ask(createClient(`${gateway.url}/v1`, key), {
      model: "code",
      messages: [{ role: "user", content: "Hi" }],
    });
    expect(readAnswer(chunks).text).toBe("The sea.");
  });
});
