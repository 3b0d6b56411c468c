import { describe, expect, test } from "bun:test";

import type { JsonObject } from "../../../../src/connectors/hub/json.ts";
import type { ChatRequest } from "../../../../src/connectors/hub/request.ts";
import { openaiChatClient as client } from "../../../../src/connectors/wire/openai-chat/ingress.ts";

const HELLO = { role: "user", content: "Hello there" };

function decode(body: JsonObject): ChatRequest {
  return client.decodeRequest(JSON.stringify({ model: "m", messages: [HELLO], ...body }));
}

/** The parts of the only message. */
function partsOf(message: JsonObject): readonly unknown[] {
  return decode({ messages: [message] }).messages[0]?.parts ?? [];
}

const image = (url: unknown): unknown =>
  partsOf({
    role: "user",
    content: [{ type: "image_url", image_url: JSON.parse(JSON.stringify(url)) }],
  })[0];
const result = (id: string): JsonObject => ({ role: "tool", tool_call_id: id, content: id });
const choice = (value: JsonObject | string): unknown => decode({ tool_choice: value }).toolChoice;
const unmapped = (body: JsonObject): unknown => decode(body).unmapped;

describe("content", () => {
  test("becomes one text part when it is a string, and none when it is empty or null", () => {
    expect(partsOf(HELLO)).toEqual([{ type: "text", text: "Hello there" }]);
    expect(partsOf({ role: "user", content: "" })).toEqual([]);
    expect(partsOf({ role: "assistant", content: null })).toEqual([]);
  });

  test("takes an image given as a bare URL, and data URLs with capitals, parameters or percent-encoding", () => {
    expect(image("https://e.com/a")).toEqual({
      type: "image",
      source: { kind: "url", url: "https://e.com/a" },
    });
    expect(image({ url: "DATA:image/PNG;charset=x;Base64,QUJD" })).toEqual({
      type: "image",
      source: { kind: "base64", data: "QUJD" },
      mimeType: "image/png",
    });
    expect(image({ url: "data:,a%20b" })).toEqual({
      type: "image",
      source: { kind: "base64", data: "YSBi" },
      mimeType: "text/plain",
    });
  });

  test("guesses the type of a bare base64 file from its name", () => {
    expect(
      partsOf({
        role: "user",
        content: [{ type: "file", file: { file_data: "JVBERi0=", filename: "A.PDF" } }],
      }),
    ).toEqual([
      {
        type: "file",
        source: { kind: "base64", data: "JVBERi0=" },
        mimeType: "application/pdf",
        filename: "A.PDF",
      },
    ]);
    expect(
      partsOf({
        role: "user",
        content: [{ type: "file", file: { file_data: "AAAA", filename: "x.toString" } }],
      }),
    ).toEqual([
      {
        type: "file",
        source: { kind: "base64", data: "AAAA" },
        mimeType: "application/octet-stream",
        filename: "x.toString",
      },
    ]);
  });

  test("keeps a cache mark on its part, and one on the message at the last part", () => {
    const mark = { type: "ephemeral" };
    expect(
      partsOf({
        role: "user",
        cache_control: mark,
        content: [
          { type: "text", text: "a", cache_control: { ...mark, ttl: "5m" } },
          { type: "text", text: "b" },
        ],
      }),
    ).toEqual([
      { type: "text", text: "a", cache: { ttl: "5m" } },
      { type: "text", text: "b", cache: {} },
    ]);
  });

  test("of an unknown type is noted as something that matters, and the rest is kept", () => {
    const request = decode({
      messages: [
        {
          role: "user",
          content: [
            { type: "hologram", x: 1 },
            { type: "text", text: "a" },
          ],
        },
      ],
    });
    expect(request.messages[0]?.parts).toEqual([{ type: "text", text: "a" }]);
    expect(request.unmapped).toEqual([{ field: "messages[0].content[0]", harmless: false }]);
  });
});

describe("messages", () => {
  test("leading instructions are apart, later ones stay in their place", () => {
    const request = decode({
      messages: [
        { role: "system", content: "a" },
        { role: "developer", content: "b", name: "ops" },
        HELLO,
        { role: "developer", content: "c" },
      ],
    });
    expect(request.system).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "b", authority: "developer", name: "ops" },
    ]);
    expect(request.messages.map(({ role }) => role)).toEqual(["user", "system"]);
    expect(request.messages[1]).toEqual({
      role: "system",
      parts: [{ type: "text", text: "c" }],
      authority: "developer",
    });
  });

  test("results in a row are one message, results after another message are their own", () => {
    const request = decode({ messages: [HELLO, result("a"), result("b"), HELLO, result("c")] });
    expect(request.messages.map(({ role, parts }) => [role, parts.length])).toEqual([
      ["user", 1],
      ["tool", 2],
      ["user", 1],
      ["tool", 1],
    ]);
  });

  test("thoughts come from reasoning_details where those can be read, and only once", () => {
    const details = [{ type: "reasoning.text", text: "hm", signature: "s", index: 0 }];
    expect(
      partsOf({
        role: "assistant",
        content: "a",
        reasoning: "hm",
        reasoning_content: "hm",
        reasoning_details: details,
      }),
    ).toEqual([
      { type: "reasoning", form: "text", text: "hm", signature: "s" },
      { type: "text", text: "a" },
    ]);
  });

  test("plain thoughts are kept beside encrypted details", () => {
    const details = [{ type: "reasoning.encrypted", data: "xx", id: "rs_1" }];
    expect(
      partsOf({ role: "assistant", content: "a", reasoning: "hm", reasoning_details: details }),
    ).toEqual([
      { type: "reasoning", form: "text", text: "hm" },
      { type: "reasoning", form: "encrypted", text: "", data: "xx", id: "rs_1" },
      { type: "text", text: "a" },
    ]);
  });

  test("a refusal and speech made earlier are kept", () => {
    expect(
      partsOf({ role: "assistant", content: null, refusal: "No.", audio: { id: "audio_1" } }),
    ).toEqual([
      { type: "refusal", text: "No." },
      { type: "audio", source: { kind: "file-id", id: "audio_1" } },
    ]);
  });

  test("a role that is not known is noted as something that matters", () => {
    const request = decode({ messages: [HELLO, { role: "oracle", content: "x" }] });
    expect(request.messages.length).toBe(1);
    expect(request.unmapped).toEqual([{ field: "messages[1].role", harmless: false }]);
  });

  test("a custom tool call is noted as something that matters", () => {
    const calls = [{ id: "c", type: "custom", custom: { name: "f", input: "x" } }];
    const request = decode({ messages: [HELLO, { role: "assistant", tool_calls: calls }] });
    expect(request.unmapped).toEqual([{ field: "messages[1].tool_calls[0]", harmless: false }]);
  });
});

describe("options", () => {
  test("null means not given, everywhere", () => {
    const nothing = Object.fromEntries(
      [
        "temperature",
        "tools",
        "tool_choice",
        "stop",
        "stream",
        "n",
        "response_format",
        "user",
        "reasoning",
        "audio",
        "foo",
      ].map((field) => [field, null]),
    );
    const { source: _, ...request } = decode(nothing);
    const { source: __, ...plain } = decode({});
    expect(request).toEqual(plain);
  });

  test("tool_choice is read in all its forms", () => {
    expect(choice("auto")).toEqual({ type: "auto" });
    expect(choice("none")).toEqual({ type: "none" });
    expect(choice("required")).toEqual({ type: "required" });
    expect(choice("any")).toEqual({ type: "required" });
    expect(choice({ type: "function", function: { name: "f" } })).toEqual({
      type: "tool",
      name: "f",
    });
    const tools = [{ type: "function", function: { name: "f" } }];
    expect(choice({ type: "allowed_tools", allowed_tools: { mode: "auto", tools } })).toEqual({
      type: "allowed",
      mode: "auto",
      names: ["f"],
    });
  });

  test("tool_choice of something that is no function is noted as something that matters", () => {
    for (const tool_choice of ["always", { type: "custom", custom: { name: "f" } }]) {
      const request = decode({ tool_choice });
      expect(request.toolChoice).toBeUndefined();
      expect(request.unmapped).toEqual([{ field: "tool_choice", harmless: false }]);
    }
  });

  test("max_completion_tokens wins over max_tokens, wherever it stands", () => {
    expect(decode({ max_tokens: 1, max_completion_tokens: 2 }).maxOutputTokens).toBe(2);
    expect(decode({ max_completion_tokens: 2, max_tokens: 1 }).maxOutputTokens).toBe(2);
    expect(decode({ max_tokens: 1 }).maxOutputTokens).toBe(1);
  });

  test("usage is asked for by stream_options or by OpenRouter's older field", () => {
    expect(decode({ stream_options: { include_usage: true } }).streamUsage).toBe(true);
    expect(decode({ usage: { include: true } }).streamUsage).toBe(true);
    expect(decode({ usage: { include: false }, stream_options: {} }).streamUsage).toBe(false);
  });

  test("one answer is the same as no n", () => {
    expect(decode({ n: 1 }).candidates).toBeUndefined();
    expect(decode({ n: 3 }).candidates).toBe(3);
  });

  test("wishes about reasoning are read in every host's words", () => {
    const wish = (body: JsonObject): unknown => decode(body).reasoning;
    expect(wish({ reasoning_effort: "xhigh" })).toEqual({ effort: "xhigh" });
    expect(wish({ reasoning: { effort: "low", exclude: true, summary: "auto" } })).toEqual({
      effort: "low",
      hidden: true,
      summary: "auto",
    });
    expect(wish({ reasoning: { max_tokens: 2000, enabled: true } })).toEqual({
      budgetTokens: 2000,
      enabled: true,
    });
    expect(wish({ include_reasoning: false })).toEqual({ hidden: true });
    expect(wish({ thinking: { type: "enabled", budget_tokens: 1024 } })).toEqual({
      enabled: true,
      budgetTokens: 1024,
    });
    expect(wish({ enable_thinking: false })).toEqual({ enabled: false });
    expect(wish({})).toBeUndefined();
    expect(decode({ reasoning_effort: "gigantic" }).unmapped).toEqual([
      { field: "reasoning_effort", harmless: true },
    ]);
  });

  test("fields without a place are harmless only where the answer cannot depend on them", () => {
    expect(unmapped({ store: true, service_tier: "auto" })).toEqual([
      { field: "store", harmless: true },
      { field: "service_tier", harmless: true },
    ]);
    for (const field of [
      "models",
      "plugins",
      "provider",
      "web_search_options",
      "audio",
      "transforms",
      "unheard_of",
    ]) {
      expect(unmapped({ [field]: { a: 1 } })).toEqual([{ field, harmless: false }]);
    }
    expect(unmapped({ modalities: ["text"] })).toEqual([]);
    expect(unmapped({ modalities: ["text", "audio"] })).toEqual([
      { field: "modalities", harmless: false },
    ]);
    expect(unmapped({ tools: [{ type: "openrouter:web_search" }] })).toEqual([
      { field: "tools[0]", harmless: false },
    ]);
    expect(unmapped({ response_format: { type: "grammar", grammar: "x" } })).toEqual([
      { field: "response_format", harmless: false },
    ]);
  });

  test("names of unknown fields are safe for a header and the list stays short", () => {
    expect(decode({ "bad\r\nname: x": 1 }).unmapped).toEqual([
      { field: "bad??name:?x", harmless: false },
    ]);
    const wild = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`field_${at}`, at]));
    expect(decode(wild).unmapped.length).toBe(64);
    const harmless = { role: "user", content: "a", ...wild };
    const request = decode({ messages: [harmless], plugins: [] });
    expect(request.unmapped.length).toBe(64);
    expect(request.unmapped).toContainEqual({ field: "plugins", harmless: false });
  });
});
