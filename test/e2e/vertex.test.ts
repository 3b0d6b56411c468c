/** Vertex AI behind the built binary: official SDKs in front, made-up answers behind, tokens from a service account. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type OpenAI from "openai";

import { type JsonObject } from "../../src/connectors/hub/json.ts";
import { askMessages, createAnthropic } from "../support/anthropic-sdk.ts";
import type { Lane } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { startTokenServer } from "../support/google-account.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { ask, createClient } from "../support/sdk.ts";
import { splitAtRandom } from "../support/split.ts";
import { readUsageRows } from "../support/usage-rows.ts";
import { startVertexRig, type VertexRig } from "../support/vertex-rig.ts";
import { waitFor } from "../support/wait-for.ts";
import { object, objects, text } from "../support/json.ts";

let rig: VertexRig;
let lane: Lane;
let gateway: Gateway;
let sdk: OpenAI;

beforeAll(async () => {
  rig = await startVertexRig();
  ({ lane, gateway, sdk } = rig);
});

afterAll(() => rig.stop());

beforeEach(() => lane.forget());

/** What the lane got last. */
function sent(): JsonObject {
  return object(JSON.parse(lane.calls.at(-1)?.text ?? "null"));
}

function events(chunks: readonly JsonObject[]): string {
  return chunks.map((each) => `data: ${JSON.stringify(each)}\r\n\r\n`).join("");
}

function chunk(parts: readonly JsonObject[], more: JsonObject = {}): JsonObject {
  return {
    candidates: [{ content: { role: "model", parts }, ...more }],
    modelVersion: "gemini-3-pro-preview",
    responseId: "resp",
  };
}

const USAGE = {
  promptTokenCount: 20,
  candidatesTokenCount: 5,
  thoughtsTokenCount: 30,
  cachedContentTokenCount: 8,
  totalTokenCount: 55,
};

test("a route's own region and project stand in the address", async () => {
  lane.answer(() => jsonReply(JSON.stringify(chunk([{ text: "Hi" }], { finishReason: "STOP" }))));
  await sdk.chat.completions.create({
    model: "flash",
    messages: [{ role: "user", content: "Hi?" }],
  });
  expect(lane.calls[0]?.path).toBe(
    "/projects/other/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent",
  );
});

describe("tokens", () => {
  test("are fetched once for all who ask at the same time, and shown to Google alone", async () => {
    lane.answer(() => jsonReply(JSON.stringify(chunk([{ text: "Hi" }], { finishReason: "STOP" }))));
    const asked = Array.from({ length: 20 }, () =>
      sdk.chat.completions.create({ model: "flash", messages: [{ role: "user", content: "Hi?" }] }),
    );
    await Promise.all(asked);
    expect(rig.tokens.calls.length).toBe(1);
    expect(new Set(lane.calls.map(({ headers }) => headers.get("authorization")))).toEqual(
      new Set(["Bearer token-1"]),
    );
    expect(gateway.log()).not.toContain("token-1");
  });

  test("that are refused are replaced, and the client sees nothing of it", async () => {
    lane.answer(({ headers }) =>
      headers.get("authorization") === "Bearer token-1"
        ? jsonReply('{"error":{"code":401,"message":"expired","status":"UNAUTHENTICATED"}}', 401)
        : jsonReply(JSON.stringify(chunk([{ text: "Hi" }], { finishReason: "STOP" }))),
    );
    const reply = await sdk.chat.completions.create({
      model: "flash",
      messages: [{ role: "user", content: "Hi?" }],
    });
    expect(reply.choices[0]?.message.content).toBe("Hi");
    expect(lane.calls.map(({ headers }) => headers.get("authorization"))).toEqual([
      "Bearer token-1",
      "Bearer token-2",
    ]);
    expect(rig.tokens.calls.length).toBe(2);
  });
});

const TOOLS: OpenAI.Chat.ChatCompletionTool[] = ["look", "listen"].map((name) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties: { at: { type: "string" } } } },
}));

/** A streamed answer with a thought and two calls, whose ids begin with `id`. */
function callingTools(id: string, signature: string): string {
  const head = { ...chunk([]), responseId: id };
  const candidate = (parts: readonly JsonObject[], more: JsonObject = {}): JsonObject => ({
    ...head,
    candidates: [{ content: { role: "model", parts }, ...more }],
  });
  return events([
    candidate([{ text: "I shall look.", thought: true }]),
    candidate([
      { functionCall: { name: "look", args: { at: "sea" } }, thoughtSignature: signature },
      { functionCall: { name: "listen", args: {} } },
    ]),
    { ...candidate([{ text: "" }], { finishReason: "STOP" }), usageMetadata: USAGE },
  ]);
}

function partsSent(): readonly JsonObject[] {
  return objects(sent()["contents"]).flatMap((content) => objects(content["parts"]));
}

const question: OpenAI.Chat.ChatCompletionMessageParam = {
  role: "user",
  content: "What is there?",
};

async function firstTurn(id: string, signature: string) {
  lane.answer(() => streamReply(splitAtRandom(callingTools(id, signature), 12, 3)));
  const { chunks } = await ask(sdk, {
    model: "gemini",
    messages: [{ role: "user", content: "What is there?" }],
    tools: JSON.parse(JSON.stringify(TOOLS)),
    reasoning_effort: "low",
    stream: true,
    stream_options: { include_usage: true },
  });
  expect(object(sent()["generationConfig"])["thinkingConfig"]).toEqual({
    thinkingLevel: "LOW",
    includeThoughts: true,
  });
  const calls = chunks
    .flatMap((each) => objects(object(object(objects(each["choices"])[0])["delta"])["tool_calls"]))
    .filter((call) => text(call["id"]) !== "");
  lane.answer(() =>
    jsonReply(JSON.stringify(chunk([{ text: "A ship." }], { finishReason: "STOP" }))),
  );
  return { calls };
}

async function secondTurn(calls: readonly JsonObject[], keep: (call: JsonObject) => JsonObject) {
  await ask(sdk, {
    model: "gemini",
    messages: JSON.parse(
      JSON.stringify([
        question,
        {
          role: "assistant",
          content: null,
          tool_calls: calls.map((call, index) => ({
            ...keep(call),
            type: "function",
            function: {
              name: index === 0 ? "look" : "listen",
              arguments: index === 0 ? '{"at":"sea"}' : "{}",
            },
          })),
        },
        ...calls
          .map((call) => ({ role: "tool", tool_call_id: call["id"], content: "a ship" }))
          .toReversed(),
      ]),
    ),
    tools: JSON.parse(JSON.stringify(TOOLS)),
  });
  return partsSent().filter((part) => part["functionCall"] ?? part["functionResponse"]);
}

function expected(signature: string): JsonObject[] {
  return [
    { functionCall: { name: "look", args: { at: "sea" } }, thoughtSignature: signature },
    { functionCall: { name: "listen", args: {} } },
    { functionResponse: { name: "look", response: { output: "a ship" } } },
    { functionResponse: { name: "listen", response: { output: "a ship" } } },
  ];
}

describe("a conversation with tools", () => {
  test("gives the signature back that the client echoes", async () => {
    const { calls } = await firstTurn("echoed", "c2lnLTE=");
    const parts = await secondTurn(calls, ({ id, extra_content }) => ({ id, extra_content }));
    expect(parts).toEqual(expected("c2lnLTE="));
  });

  test("gives it back also for a client that keeps only what OpenAI documents", async () => {
    const { calls } = await firstTurn("dropped", "c2lnLTI=");
    const parts = await secondTurn(calls, ({ id }) => ({ id }));
    expect(parts).toEqual(expected("c2lnLTI="));
  });

  test("says that it is lost where nobody has it any more", async () => {
    const { calls } = await firstTurn("lost", "c2lnLTM=");
    const renamed = calls.map(({ id }) => ({ id: `${text(id)}-renamed` }));
    expect(await secondTurn(renamed, ({ id }) => ({ id }))).toEqual(
      expected("skip_thought_signature_validator"),
    );
  });
});

describe("Anthropic's SDK", () => {
  test("thinks, calls tools and counts with Gemini", async () => {
    lane.answer(({ path }) =>
      path.includes("countTokens")
        ? jsonReply('{"totalTokens":41}')
        : streamReply(splitAtRandom(callingTools("anthropic", "c2lnLTQ="), 12, 5)),
    );
    const client = createAnthropic(gateway.url, rig.key);
    const body = {
      model: "gemini",
      max_tokens: 2000,
      thinking: { type: "enabled", budget_tokens: 1024 },
      messages: [{ role: "user", content: "What is there?" }],
      tools: [
        { name: "look", input_schema: { type: "object", properties: { at: { type: "string" } } } },
      ],
    };
    const { events: told, error } = await askMessages(client, { ...body, stream: true });
    expect(error).toBeUndefined();
    const starts = told
      .filter((event) => event["type"] === "content_block_start")
      .map((event) => object(event["content_block"])["type"]);
    expect(starts).toEqual(["thinking", "tool_use", "tool_use"]);
    const delta = told.find((event) => event["type"] === "message_delta");
    expect(object(delta?.["delta"])["stop_reason"]).toBe("tool_use");
    expect(object(delta?.["usage"])).toMatchObject({
      input_tokens: 12,
      cache_read_input_tokens: 8,
      output_tokens: 35,
    });
    const counted = await client.messages.countTokens({
      model: "gemini",
      messages: [{ role: "user", content: "How long?" }],
    });
    expect(counted.input_tokens).toBe(41);
  });

  test("reaches Claude on Vertex AI in its own words", async () => {
    const message = {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude-sonnet-4-5-20250929",
      content: [{ type: "text", text: "Hello", x_new: 1 }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: { input_tokens: 3, output_tokens: 1 },
    };
    lane.answer(() => jsonReply(JSON.stringify(message)));
    const client = createAnthropic(gateway.url, rig.key);
    const { events: told } = await askMessages(client, {
      model: "claude",
      max_tokens: 9,
      messages: [{ role: "user", content: "Hi" }],
      x_wish: [1],
    });
    expect(told).toEqual([{ ...message, model: "claude" }]);
    expect(lane.calls[0]?.path).toBe(
      "/projects/acme/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
    );
    expect(sent()).toEqual({
      anthropic_version: "vertex-2023-10-16",
      max_tokens: 9,
      messages: [{ role: "user", content: "Hi" }],
      x_wish: [1],
    });
  });
});

test("without a file, the environment alone opens it, and its models go by their own names", async () => {
  const plain = await startGateway({
    env: {
      VERTEX_ACCESS_TOKEN: "ya29.from-the-environment",
      VERTEX_PROJECT: "zero",
      VERTEX_REGION: "europe-west4",
      VERTEX_BASE_URL: lane.url,
    },
  });
  try {
    const { key: own } = await plain.makeKey();
    lane.answer(() => jsonReply(JSON.stringify(chunk([{ text: "Hi" }], { finishReason: "STOP" }))));
    const reply = await createClient(`${plain.url}/v1`, own).chat.completions.create({
      model: "vertex/gemini-2.5-flash",
      messages: [{ role: "user", content: "Hi?" }],
    });
    expect(reply.choices[0]?.message.content).toBe("Hi");
    expect(lane.calls[0]?.path).toBe(
      "/projects/zero/locations/europe-west4/publishers/google/models/gemini-2.5-flash:generateContent",
    );
    expect(lane.calls[0]?.headers.get("authorization")).toBe("Bearer ya29.from-the-environment");
    expect(plain.log()).not.toContain("ya29");
  } finally {
    await plain.stop();
  }
});

test("with a table alone, the machine it runs on gives token and project", async () => {
  const machine = startTokenServer();
  const plain = await startGateway({
    config: `[providers.vertex]\nbase_url = "${lane.url}"\n`,
    env: { GCE_METADATA_HOST: machine.host },
  });
  try {
    const { key: own } = await plain.makeKey();
    lane.answer(() => jsonReply(JSON.stringify(chunk([{ text: "Hi" }], { finishReason: "STOP" }))));
    await createClient(`${plain.url}/v1`, own).chat.completions.create({
      model: "vertex/gemini-2.5-flash",
      messages: [{ role: "user", content: "Hi?" }],
    });
    expect(lane.calls[0]?.path).toStartWith("/projects/machine-project/locations/global/");
    expect(lane.calls[0]?.headers.get("authorization")).toBe("Bearer token-1");
  } finally {
    await plain.stop();
    await machine.stop();
  }
});

describe("what goes wrong", () => {
  test("a blocked prompt is a refusal, and on the books", async () => {
    lane.answer(() =>
      jsonReply(
        JSON.stringify({
          promptFeedback: { blockReason: "SAFETY" },
          usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 },
        }),
      ),
    );
    const reply = await sdk.chat.completions.create({
      model: "gemini",
      messages: [{ role: "user", content: "Bad." }],
    });
    expect(reply.choices[0]?.finish_reason).toBe("content_filter");
    await waitFor("its usage row", () =>
      readUsageRows(gateway.database).some(
        (row) => row["input_tokens"] === 9 && row["provider"] === "vertex",
      ),
    );
  });

  test("a stream that ends in a bare error ends in an error for the client too", async () => {
    const error = JSON.stringify(
      { error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } },
      null,
      2,
    );
    lane.answer(() => streamReply([events([chunk([{ text: "Hel" }])]), error]));
    const outcome = await ask(sdk, {
      model: "gemini",
      messages: [{ role: "user", content: "Hi?" }],
      stream: true,
    });
    expect(outcome.error).toBeDefined();
    expect(outcome.error?.message).toContain("overloaded");
  });

  test("a quota that has run out tells the client how long to wait, here and on its next try", async () => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.4s" }];
    lane.answer(() =>
      jsonReply(
        JSON.stringify([
          { error: { code: 429, message: "slow down", status: "RESOURCE_EXHAUSTED", details } },
        ]),
        429,
      ),
    );
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${rig.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "gemini", messages: [{ role: "user", content: "Hi?" }] }),
    });
    expect(answer.status).toBe(429);
    expect(answer.headers.get("retry-after-ms")).toBe("34400");
    await answer.body?.cancel();
  });
});
