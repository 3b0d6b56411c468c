/**
 * Opaque reasoning through the built binary: it comes back to its maker through clients that keep only what their dialect
 * documents, and goes to nobody else.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { type Json, type JsonObject } from "../../src/connectors/hub/json.ts";
import { readAnswer } from "../support/answer.ts";
import { askMessages, createAnthropic } from "../support/anthropic-sdk.ts";
import { configText, PATIENT } from "../support/config-text.ts";
import { type FakeUpstream, type Lane, startFakeUpstream } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { ask, createClient } from "../support/sdk.ts";
import {
  anthropicAnswer,
  ARGUMENTS,
  claudeDetails,
  geminiAnswer,
  openrouterAnswer,
} from "../support/thinking-answers.ts";
import { object, objects } from "../support/json.ts";

const KINDS = ["openrouter", "anthropic", "gemini"] as const;
type Kind = (typeof KINDS)[number];

const GEMINI = "google-gemini-v1";

let upstream: FakeUpstream;
let gateway: Gateway;
let key: string;
let lanes: Readonly<Record<Kind, Lane>>;

beforeAll(async () => {
  upstream = startFakeUpstream();
  lanes = {
    openrouter: upstream.lane("openrouter"),
    anthropic: upstream.lane("anthropic"),
    gemini: upstream.lane("gemini"),
  };
  const { openrouter, anthropic, gemini } = lanes;
  gateway = await startGateway({
    config: configText({
      more: PATIENT,
      providers: {
        openrouter: { kind: "openrouter", url: openrouter.url },
        anthropic: { kind: "anthropic", url: anthropic.url },
        gemini: { kind: "gemini", url: gemini.url },
        groq: { kind: "openai-compatible", url: openrouter.url, profile: "groq" },
      },
      models: {
        "or-claude": [{ provider: "openrouter", model: "anthropic/claude-sonnet-4.5" }],
        "or-gemini": [{ provider: "openrouter", model: "google/gemini-3-pro-preview" }],
        claude: [{ provider: "anthropic", model: "claude-sonnet-4-5" }],
        gemini: [{ provider: "gemini", model: "gemini-3-pro-preview" }],
        plain: [{ provider: "groq", model: "llama" }],
        // Claude answers when Gemini fails.
        moved: [
          { provider: "gemini", model: "gemini-3-pro-preview" },
          { provider: "openrouter", model: "anthropic/claude-sonnet-4.5" },
        ],
      },
    }),
  });
  ({ key } = await gateway.makeKey("acme"));
});

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

beforeEach(() => {
  for (const kind of KINDS) lanes[kind].forget();
});

/** The body that a lane got last. */
function sent(kind: Kind): JsonObject {
  return object(JSON.parse(lanes[kind].calls.at(-1)?.text ?? "null"));
}

const TOOL = {
  name: "tide",
  parameters: { type: "object", properties: { at: { type: "string" } } },
};

/** What ends the second turn, by who is asked. */
const ENDS: Readonly<Record<Kind, () => Response>> = {
  openrouter: () =>
    jsonReply(
      '{"id":"gen-2","choices":[{"index":0,"message":{"role":"assistant","content":"At six."},"finish_reason":"stop"}]}',
    ),
  anthropic: () =>
    jsonReply(
      '{"id":"msg_2","type":"message","role":"assistant","content":[{"type":"text","text":"At six."}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}',
    ),
  gemini: () =>
    jsonReply(
      '{"candidates":[{"content":{"role":"model","parts":[{"text":"At six."}]},"finishReason":"STOP"}]}',
    ),
};

const QUESTION = "When is it high?";

/** Asks by OpenAI's SDK, streamed, and gives back what an application keeps that knows nothing of thoughts. */
async function firstChat(model: string, kind: Kind, answer: string) {
  lanes[kind].answer(() => streamReply([answer]));
  const { chunks, error } = await ask(createClient(`${gateway.url}/v1`, key), {
    model,
    messages: [{ role: "user", content: QUESTION }],
    tools: [{ type: "function", function: TOOL }],
    reasoning_effort: "low",
    stream: true,
  });
  expect(error).toBeUndefined();
  const { tools, text } = readAnswer(chunks);
  lanes[kind].answer(ENDS[kind]);
  return {
    chunks,
    assistant: {
      role: "assistant",
      content: text === "" ? null : text,
      tool_calls: tools.map(({ id, name, arguments: json }) => ({
        id,
        type: "function",
        function: { name, arguments: json },
      })),
    },
    id: tools[0]?.id ?? "",
  };
}

/** The turn after it, with the result of the tool. */
async function secondChat(
  model: string,
  assistant: JsonObject,
  id: string,
  own = key,
): Promise<void> {
  const { error } = await ask(createClient(`${gateway.url}/v1`, own), {
    model,
    messages: [
      { role: "user", content: QUESTION },
      assistant,
      { role: "tool", tool_call_id: id, content: "06:00" },
    ],
    tools: [{ type: "function", function: TOOL }],
  });
  expect(error).toBeUndefined();
}

/** The signature of the call that Gemini got back. */
function signatureSent(): Json | undefined {
  const parts = objects(sent("gemini")["contents"]).flatMap((content) => objects(content["parts"]));
  return parts.find((part) => part["functionCall"] !== undefined)?.["thoughtSignature"];
}

/** Sends a chat as it is written. */
function post(text: string): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: text,
  });
}

describe("a client of OpenAI's that drops what it does not know", () => {
  test("gives Claude at OpenRouter its signed thought back, in the caller's own body", async () => {
    const { pieces, whole } = claudeDetails("sig-or");
    const { assistant, id } = await firstChat(
      "or-claude",
      "openrouter",
      openrouterAnswer("toolu_or", pieces),
    );
    await secondChat("or-claude", assistant, id);
    expect(objects(sent("openrouter")["messages"])[1]).toEqual({
      ...assistant,
      reasoning_details: [whole],
    });
  });

  test("gives Gemini at OpenRouter its encrypted thought back, though it came behind the call", async () => {
    const encrypted = {
      type: "reasoning.encrypted",
      data: "Q2lR",
      id: "tool_tide_1",
      format: GEMINI,
      index: 0,
    };
    const readable = { type: "reasoning.text", text: "Two harbours.", format: GEMINI, index: 0 };
    const { assistant, id } = await firstChat(
      "or-gemini",
      "openrouter",
      openrouterAnswer("tool_tide_1", [readable], [encrypted]),
    );
    await secondChat("or-gemini", assistant, id);
    expect(objects(sent("openrouter")["messages"])[1]?.["reasoning_details"]).toEqual([encrypted]);
  });

  test("gives Claude at Anthropic its thoughts back, hidden ones too, in front of the call", async () => {
    const { assistant, id } = await firstChat(
      "claude",
      "anthropic",
      anthropicAnswer("toolu_a", "sig-a"),
    );
    await secondChat("claude", assistant, id);
    expect(objects(sent("anthropic")["messages"])[1]?.["content"]).toEqual([
      { type: "thinking", thinking: "Two harbours.", signature: "sig-a" },
      { type: "redacted_thinking", data: "sig-a-hidden" },
      { type: "tool_use", id: "toolu_a", name: "tide", input: { at: "Husum" } },
    ]);
  });

  test("gives Gemini the signature of its call back, and the documented word where that is lost", async () => {
    const { assistant, id } = await firstChat("gemini", "gemini", geminiAnswer("c2ln"));
    await secondChat("gemini", assistant, id);
    expect(signatureSent()).toBe("c2ln");
    const [call] = assistant.tool_calls;
    await secondChat(
      "gemini",
      { ...assistant, tool_calls: [{ ...object(call), id: "another" }] },
      "another",
    );
    expect(signatureSent()).toBe("skip_thought_signature_validator");
  });

  test("gives back what came in one piece, and leaves the rest of its body as it wrote it", async () => {
    const { whole } = claudeDetails("sig-whole");
    const call = { id: "toolu_w", type: "function", function: { name: "tide", arguments: "{}" } };
    const message = { role: "assistant", content: null, tool_calls: [call] };
    lanes.openrouter.answer(() =>
      jsonReply(
        JSON.stringify({
          id: "gen-3",
          choices: [
            {
              index: 0,
              message: { ...message, reasoning_details: [whole] },
              finish_reason: "tool_calls",
            },
          ],
        }),
      ),
    );
    const question = '{"role":"user","content":"When?"}';
    const first = await post(`{"model":"or-claude","messages":[${question}]}`);
    expect(first.status).toBe(200);
    await first.body?.cancel();
    lanes.openrouter.answer(ENDS.openrouter);
    // Numbers that JavaScript would write otherwise, and spaces.
    const tail = `, {"role":"tool", "tool_call_id":"toolu_w","content":"06:00"} ],"x":[1.0, 12345678901234567890]}`;
    const lean = JSON.stringify(message);
    await post(`{"model":"or-claude","messages":[ ${question}, ${lean}${tail}`);
    const { type, text, signature, format, index } = whole;
    const details = JSON.stringify([{ type, text, signature, format, index }]);
    expect(lanes.openrouter.calls.at(-1)?.text).toBe(
      `{"model":"anthropic/claude-sonnet-4.5","messages":[ ${question}, ${lean.slice(0, -1)},"reasoning_details":${details}}${tail}`,
    );
  });

  test("gets nothing of another tenant's, even under the same id", async () => {
    const { key: other } = await gateway.makeKey("other");
    const { pieces, whole } = claudeDetails("sig-acme");
    const { assistant, id } = await firstChat(
      "or-claude",
      "openrouter",
      openrouterAnswer("toolu_shared", pieces),
    );
    await secondChat("or-claude", assistant, id, other);
    expect(objects(sent("openrouter")["messages"])[1]).toEqual(assistant);
    // A second key of the tenant that owns it does.
    const { key: second } = await gateway.makeKey("acme");
    await secondChat("or-claude", assistant, id, second);
    expect(objects(sent("openrouter")["messages"])[1]).toEqual({
      ...assistant,
      reasoning_details: [whole],
    });
  });
});

/** Asks by Anthropic's SDK, streamed. */
async function firstMessages(model: string, kind: Kind, answer: string) {
  lanes[kind].answer(() => streamReply([answer]));
  const client = createAnthropic(gateway.url, key);
  const { content } = await client.messages
    .stream({
      model,
      max_tokens: 4000,
      thinking: { type: "enabled", budget_tokens: 1024 },
      messages: [{ role: "user", content: QUESTION }],
      tools: [
        {
          name: TOOL.name,
          input_schema: { type: "object", properties: TOOL.parameters.properties },
        },
      ],
    })
    .finalMessage();
  lanes[kind].answer(kind === "gemini" ? ENDS.gemini : ENDS.anthropic);
  const blocks: readonly JsonObject[] = objects(JSON.parse(JSON.stringify(content)));
  const lean = blocks.filter(({ type }) => type === "text" || type === "tool_use");
  const id = lean.find(({ type }) => type === "tool_use")?.["id"] ?? "";
  return { blocks, lean, id };
}

async function secondMessages(
  model: string,
  content: readonly JsonObject[],
  id: Json,
): Promise<void> {
  const { error } = await askMessages(createAnthropic(gateway.url, key), {
    model,
    max_tokens: 4000,
    thinking: { type: "enabled", budget_tokens: 1024 },
    messages: [
      { role: "user", content: QUESTION },
      { role: "assistant", content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: "06:00" }] },
    ],
    tools: [
      { name: TOOL.name, input_schema: { type: "object", properties: TOOL.parameters.properties } },
    ],
  });
  expect(error).toBeUndefined();
}

describe("a client of Anthropic's", () => {
  test("that lost its thoughts gives them back to Claude all the same, by either way to it", async () => {
    for (const [model, kind] of [
      ["claude", "anthropic"],
      ["or-claude", "openrouter"],
    ] as const) {
      const signature = `sig-${model}`;
      const { blocks, lean, id } = await firstMessages(
        model,
        kind,
        anthropicAnswer(`toolu_${kind}`, signature),
      );
      expect(blocks.map(({ type }) => type)).toEqual(["thinking", "redacted_thinking", "tool_use"]);
      await secondMessages(model, lean, id);
      const [, assistant] = objects(sent(kind)["messages"]);
      expect(assistant?.["content"]).toEqual([
        { type: "thinking", thinking: "Two harbours.", signature },
        { type: "redacted_thinking", data: `${signature}-hidden` },
        ...lean,
      ]);
    }
  });

  test("gives Gemini its signature back, whether it keeps thoughts or not", async () => {
    const signatures: (Json | undefined)[] = [];
    for (const keeps of [true, false]) {
      const { blocks, lean, id } = await firstMessages(
        "gemini",
        "gemini",
        geminiAnswer(`c2ln${keeps ? "" : "Mg=="}`),
      );
      await secondMessages("gemini", keeps ? blocks : lean, id);
      signatures.push(signatureSent());
    }
    expect(signatures).toEqual(["c2ln", "c2lnMg=="]);
  });
});

describe("a conversation that goes on with another maker's model", () => {
  test("loses Gemini's signatures on its way to Claude, in a caller's own body too", async () => {
    const { blocks, id } = await firstMessages("gemini", "gemini", geminiAnswer("Z2VtaW5p"));
    for (const [model, kind] of [
      ["claude", "anthropic"],
      ["or-claude", "openrouter"],
    ] as const) {
      lanes[kind].answer(ENDS.anthropic);
      await secondMessages(model, blocks, id);
      const text = lanes[kind].calls.at(-1)?.text ?? "";
      expect(text).toContain('"tool_use"');
      expect(text).not.toContain("Z2VtaW5p");
      expect(text).not.toContain("xjp1.");
    }
  });

  test("loses them when only the fallback answers", async () => {
    const { chunks, assistant, id } = await firstChat("moved", "gemini", geminiAnswer("bW92ZWQ="));
    expect(JSON.stringify(chunks)).toContain("bW92ZWQ=");
    lanes.gemini.answer(() =>
      jsonReply('{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}', 503),
    );
    lanes.openrouter.answer(ENDS.openrouter);
    const [call] = assistant.tool_calls;
    const signed = {
      ...object(call),
      extra_content: { google: { thought_signature: "bW92ZWQ=" } },
    };
    await secondChat("moved", { ...assistant, tool_calls: [signed] }, id);
    expect(lanes.gemini.calls.at(-1)?.text).toContain("bW92ZWQ=");
    expect(objects(sent("openrouter")["messages"])[1]).toEqual(assistant);
  });

  test("loses Claude's on its way to Gemini, and everybody's on its way to a host that takes none", async () => {
    const { whole } = claudeDetails("sig-foreign");
    const call = {
      id: "call_x",
      type: "function",
      function: { name: "tide", arguments: ARGUMENTS },
    };
    const assistant = {
      role: "assistant",
      content: "I look.",
      reasoning_details: [whole],
      tool_calls: [call],
    };
    lanes.gemini.answer(ENDS.gemini);
    await secondChat("gemini", assistant, "call_x");
    expect(lanes.gemini.calls.at(-1)?.text).not.toContain("sig-foreign");
    lanes.openrouter.answer(ENDS.openrouter);
    await secondChat("plain", assistant, "call_x");
    const { reasoning_details: _, ...bare } = assistant;
    expect(objects(sent("openrouter")["messages"])[1]).toEqual(bare);
  });
});
