import { describe, expect, test } from "bun:test";

import type { JsonObject } from "../../../../src/connectors/hub/json.ts";
import type { ChatRequest, Message } from "../../../../src/connectors/hub/request.ts";
import {
  type OpenAIChatFeature,
  type OpenAIChatQuirks,
  openaiChatProvider as provider,
} from "../../../../src/connectors/wire/openai-chat/egress.ts";
import { chatErrorOf } from "../../../support/rejection.ts";
import { type Encoded, encodeFor, requestOf } from "../machines.ts";

const USER: Message = { role: "user", parts: [{ type: "text", text: "Hello there" }] };
const TOOLS = [{ name: "f" }, { name: "g" }];

function encode(fields: Partial<ChatRequest>, quirks: OpenAIChatQuirks = {}): Encoded {
  return encodeFor(provider, requestOf("anthropic-messages", fields), "up", quirks);
}

function messages(fields: Partial<ChatRequest>, quirks: OpenAIChatQuirks = {}): unknown {
  return encode(fields, quirks).body["messages"];
}

function without(...features: readonly OpenAIChatFeature[]): OpenAIChatQuirks {
  return { supports: Object.fromEntries(features.map((feature) => [feature, false])) };
}

const user = (part: Extract<Message, { role: "user" }>["parts"][number]): Partial<ChatRequest> => ({
  messages: [{ role: "user", parts: [part] }],
});

describe("the plainest request", () => {
  test("has the provider's model and nothing that nobody asked for", () => {
    expect(encode({})).toEqual({
      body: { model: "up", messages: [{ role: "user", content: "Hello there" }], stream: false },
      dropped: [],
    });
  });
});

describe("instructions", () => {
  const system: ChatRequest["system"] = [
    { type: "text", text: "a" },
    { type: "text", text: "b" },
    { type: "text", text: "c", authority: "developer" },
  ];
  const ab = [
    { type: "text", text: "a" },
    { type: "text", text: "b" },
  ];

  const roles = (systemRole?: OpenAIChatQuirks["systemRole"]): unknown =>
    messages({ system }, systemRole ? { systemRole } : {});

  test("have the role that the host knows", () => {
    expect(roles()).toMatchObject([
      { role: "system", content: ab },
      { role: "system", content: "c" },
      {},
    ]);
    expect(roles("as-given")).toMatchObject([{ role: "system" }, { role: "developer" }, {}]);
    expect(roles("developer")).toMatchObject([{ role: "developer" }, { role: "developer" }, {}]);
  });

  test("are one text for a host that knows no parts", () => {
    expect(messages({ system }, without("textParts"))).toMatchObject([
      { content: "a\n\nb" },
      { content: "c" },
      {},
    ]);
  });

  test("in mid-conversation stay in their place", () => {
    const late: Message = { role: "system", parts: [{ type: "text", text: "now" }] };
    expect(messages({ messages: [USER, late, USER] })).toMatchObject([
      { role: "user" },
      { role: "system", content: "now" },
      { role: "user" },
    ]);
  });
});

describe("what a host cannot take", () => {
  const url = { kind: "url", url: "https://e.com/x" } as const;
  const cases: readonly (readonly [string, Partial<ChatRequest>, OpenAIChatQuirks, string])[] = [
    ["images", user({ type: "image", source: url }), without("images"), "messages"],
    ["images by id", user({ type: "image", source: { kind: "file-id", id: "f" } }), {}, "messages"],
    [
      "audio",
      user({ type: "audio", source: { kind: "base64", data: "AA" } }),
      without("audio"),
      "messages",
    ],
    ["audio by URL", user({ type: "audio", source: url }), {}, "messages"],
    ["video", user({ type: "video", source: url }), {}, "messages"],
    [
      "files",
      user({ type: "file", source: { kind: "base64", data: "AA" } }),
      without("files"),
      "messages",
    ],
    ["files by URL", user({ type: "file", source: url }), {}, "messages"],
    ["files by id", user({ type: "file", source: { kind: "file-id", id: "f" } }), {}, "messages"],
    [
      "video made by the assistant",
      { messages: [USER, { role: "assistant", parts: [{ type: "video", source: url }] }] },
      {},
      "messages",
    ],
    ["tools", { tools: TOOLS }, without("tools"), "tools"],
    [
      "one call at a time",
      { tools: TOOLS, parallelToolCalls: false },
      without("parallelToolCalls"),
      "parallel_tool_calls",
    ],
    [
      "a JSON schema",
      { output: { type: "json-schema", name: "a", schema: {} } },
      without("jsonSchema"),
      "response_format",
    ],
    ["JSON", { output: { type: "json" } }, without("jsonObject"), "response_format"],
    ["log probabilities", { sampling: { logprobs: true } }, without("logprobs"), "logprobs"],
    ["logit bias", { sampling: { logitBias: { "1": 2 } } }, without("logitBias"), "logit_bias"],
    ["so many stop sequences", { stop: ["a", "b", "c"] }, { maxStopSequences: 2 }, "stop"],
    ["several answers", { candidates: 2 }, {}, "n"],
    [
      "a field that nobody here knows",
      { unmapped: [{ field: "plugins", harmless: false }] },
      {},
      "plugins",
    ],
  ];
  for (const [what, fields, quirks, param] of cases) {
    test(`${what} is refused before anything is sent, for another target to try`, () => {
      const error = chatErrorOf(() => encode(fields, quirks));
      expect(error).toMatchObject({
        kind: "invalid-request",
        param,
        code: "unsupported_by_provider",
      });
      expect(error.traits).toMatchObject({ tryElsewhere: true, retryHere: false, status: 400 });
    });
  }

  test("but can do without is left out and named, once", () => {
    const cache = {};
    const { body, dropped } = encode(
      {
        system: [{ type: "text", text: "a", cache }],
        messages: [{ role: "user", name: "ada", parts: [{ type: "text", text: "b", cache }] }],
        tools: [{ name: "f", strict: true, cache }],
        sampling: {
          topK: 1,
          minP: 0.1,
          repetitionPenalty: 1,
          seed: 1,
          frequencyPenalty: 1,
          presencePenalty: 1,
          logprobs: false,
        },
        verbosity: "low",
        cacheKey: "k",
        user: "u",
        metadata: { a: "b" },
        unmapped: [{ field: "store", harmless: true }],
      },
      without("strictTools", "seed", "penalties", "names", "user", "logprobs"),
    );
    expect(body).toEqual({
      model: "up",
      messages: [
        { role: "system", content: "a" },
        { role: "user", content: "b" },
      ],
      tools: [{ type: "function", function: { name: "f" } }],
      stream: false,
    });
    expect(dropped.toSorted()).toEqual([
      "cache_control",
      "frequency_penalty",
      "logprobs",
      "messages[].name",
      "metadata",
      "min_p",
      "presence_penalty",
      "prompt_cache_key",
      "repetition_penalty",
      "seed",
      "store",
      "tools[].strict",
      "top_k",
      "user",
      "verbosity",
    ]);
  });
});

describe("tools", () => {
  test("that may be called become the only ones for a host that knows no allowed_tools", () => {
    const toolChoice = { type: "allowed", mode: "required", names: ["g"] } as const;
    expect(encode({ tools: TOOLS, toolChoice }).body).toMatchObject({
      tools: [{ function: { name: "g" } }],
      tool_choice: "required",
    });
    expect(
      encode({ tools: TOOLS, toolChoice }, { supports: { allowedTools: true } }).body,
    ).toMatchObject({
      tools: [{ function: { name: "f" } }, { function: { name: "g" } }],
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "required", tools: [{ function: { name: "g" } }] },
      },
    });
  });

  test("that are none have no choice", () => {
    const { body } = encode({ toolChoice: { type: "auto" }, parallelToolCalls: true });
    expect(Object.keys(body)).toEqual(["model", "messages", "stream"]);
  });

  test("called without arguments get an empty object", () => {
    const parts = [{ type: "tool-call", id: "1", name: "f", arguments: "" }] as const;
    expect(messages({ messages: [{ role: "assistant", parts }] })).toEqual([
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }],
      },
    ]);
  });

  test("that failed say so in their own words only, which is named", () => {
    const parts = [
      {
        type: "tool-result",
        toolCallId: "1",
        parts: [{ type: "text", text: "boom" }],
        isError: true,
      },
    ] as const;
    const { body, dropped } = encode({ messages: [{ role: "tool", parts }] });
    expect(body["messages"]).toEqual([{ role: "tool", tool_call_id: "1", content: "boom" }]);
    expect(dropped).toEqual(["tool_result.is_error"]);
  });

  test("that return images show them behind all results, or in place where the host can", () => {
    const source = { kind: "url", url: "https://e.com/x" } as const;
    const image = { type: "image_url", image_url: { url: "https://e.com/x" } };
    const request: Partial<ChatRequest> = {
      messages: [
        {
          role: "tool",
          parts: [
            { type: "tool-result", toolCallId: "1", parts: [{ type: "image", source }] },
            { type: "tool-result", toolCallId: "2", parts: [{ type: "text", text: "ok" }] },
          ],
        },
      ],
    };
    expect(messages(request)).toMatchObject([
      {
        role: "tool",
        tool_call_id: "1",
        content: "The content returned by tool call 1 follows in the next user message.",
      },
      { role: "tool", tool_call_id: "2", content: "ok" },
      {
        role: "user",
        content: [{ type: "text", text: "This is content returned by tool call 1:" }, image],
      },
    ]);
    expect(messages(request, { toolResultMedia: "parts" })).toEqual([
      { role: "tool", tool_call_id: "1", content: [image] },
      { role: "tool", tool_call_id: "2", content: "ok" },
    ]);
  });
});

describe("the cap and the stream", () => {
  test("are said in the host's words", () => {
    expect(encode({ maxOutputTokens: 5 }).body["max_tokens"]).toBe(5);
    const { body } = encode({ maxOutputTokens: 5 }, { maxTokensField: "max_completion_tokens" });
    expect(body).toMatchObject({ max_completion_tokens: 5 });
    expect(body["max_tokens"]).toBeUndefined();
    const options = (streamUsage?: OpenAIChatQuirks["streamUsage"]): unknown =>
      encode({ stream: true }, streamUsage ? { streamUsage } : {}).body["stream_options"];
    expect(options()).toEqual({ include_usage: true });
    expect(options("always")).toBeUndefined();
    expect(options("unsupported")).toBeUndefined();
  });

  test("plain text as output goes without saying", () => {
    expect(encode({ output: { type: "text" } }).body["response_format"]).toBeUndefined();
  });
});

function named(name: string): unknown {
  return encode({ user: name }).body["user"];
}

describe("the end user", () => {
  test("is named as the caller names it, and by a digest where that is longer than OpenAI takes", () => {
    expect(named("u-1")).toBe("u-1");
    expect(named("a".repeat(64))).toBe("a".repeat(64));
    expect(named("a".repeat(65))).toMatch(/^[0-9a-f]{64}$/);
    expect(named("a".repeat(65))).not.toBe(named("a".repeat(66)));
  });
});

/** The ids of calls and results, message by message. */
function ids(fields: Partial<ChatRequest>): readonly (readonly string[])[] {
  const list = messages(fields);
  return (Array.isArray(list) ? list : []).map((message: JsonObject) => {
    const calls = message["tool_calls"];
    const all = Array.isArray(calls) ? calls.map((call: JsonObject) => call["id"]) : [];
    return [...all, message["tool_call_id"]].filter((id) => typeof id === "string");
  });
}

test("the id of a call of another maker's is cut to what OpenAI takes, the same in its result", () => {
  const id = `portkey-${"6aa6db90".repeat(6)}`;
  const [, called, answered] = ids({
    messages: [
      USER,
      {
        role: "assistant",
        parts: [
          { type: "tool-call", id, name: "f", arguments: "{}" },
          { type: "tool-call", id: "call_1", name: "g", arguments: "{}" },
        ],
      },
      {
        role: "tool",
        parts: [
          { type: "tool-result", toolCallId: id, parts: [] },
          { type: "tool-result", toolCallId: "call_1", parts: [] },
        ],
      },
    ],
  });
  expect(called?.[0]).toMatch(/^call_[0-9a-f]{35}$/);
  expect(called?.[1]).toBe("call_1");
  expect(answered).toEqual([called?.[0] ?? ""]);
});
