import { describe, expect, test } from "bun:test";

import { ChatError, type ErrorKind } from "../../../../src/connectors/hub/error.ts";
import { isJsonObject } from "../../../../src/connectors/hub/json.ts";
import type { RawMessage } from "../../../../src/connectors/hub/wire.ts";
import { openaiChatClient as client } from "../../../../src/connectors/wire/openai-chat/ingress.ts";
import { CONTEXT } from "../machines.ts";
import { encodeEvents, payloadsOf } from "./_machines.ts";
import { parseObject } from "../../../support/json.ts";

const QUIET = { ...CONTEXT, streamUsage: false };
const COUNTED = { inputTokens: 3, outputTokens: 4, source: "reported" } as const;

function raw(data: string, event?: string): RawMessage {
  return { dialect: "openai-chat", data, event };
}

const piece = (text: string, more: object): object => ({
  type: "audio",
  source: { kind: "base64", data: Buffer.from(text).toString("base64") },
  ...more,
});

describe("a stream from events", () => {
  test("begins with the role, carries the caller's model name, and ends with [DONE]", () => {
    const [first, text, last, done] = encodeEvents(
      [
        { type: "start", id: "gen-1", model: "provider/model", created: 7 },
        { type: "text-start", index: 0 },
        { type: "text-delta", index: 0, text: 'hi\n"there"' },
        { type: "text-end", index: 0 },
        { type: "finish", reason: "stop" },
      ],
      QUIET,
    );
    const head = { id: "gen-1", object: "chat.completion.chunk", created: 7, model: "logical" };
    const choice = { index: 0, logprobs: null, finish_reason: null };
    expect(parseObject(first ?? "")).toEqual({
      ...head,
      choices: [{ ...choice, delta: { role: "assistant", content: "" } }],
    });
    expect(parseObject(text ?? "")).toEqual({
      ...head,
      choices: [{ ...choice, delta: { content: 'hi\n"there"' } }],
    });
    expect(parseObject(last ?? "")).toEqual({
      ...head,
      choices: [{ ...choice, delta: {}, finish_reason: "stop" }],
    });
    expect(done).toBe("[DONE]");
  });

  test("has an id and a time of its own where the provider gave none, and begins without a start event", () => {
    const [first] = encodeEvents([{ type: "finish", reason: "stop" }], QUIET);
    expect(parseObject(first ?? "")).toMatchObject({
      id: "chatcmpl-req-1",
      created: CONTEXT.created,
    });
  });

  test("has usage exactly as OpenAI does it when asked: null in every chunk, then one without choices", () => {
    const chunks = encodeEvents([
      { type: "start" },
      { type: "usage", usage: COUNTED },
      { type: "finish", reason: "stop" },
    ])
      .slice(0, -1)
      .map((payload) => parseObject(payload));
    expect(chunks.map((chunk) => chunk["usage"])).toEqual([
      null,
      null,
      {
        prompt_tokens: 3,
        completion_tokens: 4,
        total_tokens: 7,
        prompt_tokens_details: {},
        completion_tokens_details: {},
      },
    ]);
    expect(chunks.at(-1)?.["choices"]).toEqual([]);
  });

  test("has no usage at all when not asked", () => {
    const written = encodeEvents(
      [{ type: "start" }, { type: "usage", usage: COUNTED }, { type: "finish", reason: "stop" }],
      QUIET,
    );
    expect(written.some((payload) => payload.includes("usage"))).toBe(false);
  });

  test("gives a call without arguments an empty object", () => {
    const written = encodeEvents(
      [
        { type: "start" },
        { type: "tool-start", index: 0, id: "a", name: "f" },
        { type: "tool-delta", index: 0, arguments: "" },
        { type: "tool-end", index: 0 },
        { type: "finish", reason: "tool-calls" },
      ],
      QUIET,
    );
    const calls = written
      .slice(1, 3)
      .map((payload) => payload.match(/"tool_calls":(\[.*?\])\}/)?.[1]);
    expect(calls).toEqual([
      '[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]',
      '[{"index":0,"function":{"arguments":"{}"}}]',
    ]);
  });

  test("after an error has OpenAI's envelope and no [DONE]", () => {
    const encoder = client.encodeStream(QUIET);
    encoder.push({ type: "start" });
    const [payload] = payloadsOf(encoder.fail(new ChatError("timeout", "too slow")));
    expect(parseObject(payload ?? "")).toEqual({
      error: {
        message: "too slow",
        type: "timeout",
        param: null,
        code: "timeout",
        request_id: "req-1",
      },
    });
  });
});

describe("a stream passed on", () => {
  const chunk =
    '{"id":"a", "model":"up/m","x_new":12345678901234567890,"choices":[{"index":0,"delta":{"content":"\\u00e9","model":"inner"}}],"usage":null}';

  test("differs in nothing but the model's name", () => {
    const passed = client.encodeStream(QUIET).pass(raw(chunk));
    expect(passed).toBe(`data: ${chunk.replace("up/m", "logical")}\n\n`);
  });

  test("keeps the name of an event, and messages that have no model or are no object", () => {
    const encoder = client.encodeStream(QUIET);
    expect(encoder.pass(raw('{"a":{"model":"x"}}', "note"))).toBe(
      'event: note\ndata: {"a":{"model":"x"}}\n\n',
    );
    expect(encoder.pass(raw("[1]"))).toBe("data: [1]\n\n");
    expect(encoder.pass(raw("plain"))).toBe("data: plain\n\n");
  });

  test("keeps the lines of data that has several", () => {
    expect(client.encodeStream(QUIET).pass(raw('{\n"model":"m"}'))).toBe(
      'data: {\ndata: "model":"logical"}\n\n',
    );
  });

  test("leaves [DONE] to the end, which writes it once", () => {
    const encoder = client.encodeStream(CONTEXT);
    expect(encoder.pass(raw("[DONE]"))).toBe("");
    expect(encoder.end()).toBe("data: [DONE]\n\n");
  });

  test("hides the usage block from a caller who did not ask for it, and only that", () => {
    const usage = '{"model":"m","choices": [ ],"usage":{"prompt_tokens":1}}';
    expect(client.encodeStream(QUIET).pass(raw(usage))).toBe("");
    expect(client.encodeStream(CONTEXT).pass(raw(usage))).toContain('"prompt_tokens":1');
    const both = '{"model":"m","choices":[{"delta":{}}],"usage":{"prompt_tokens":1}}';
    expect(client.encodeStream(QUIET).pass(raw(both))).toContain('"prompt_tokens":1');
    const quoted = '{"model":"m","choices":[{"delta":{"content":"\\"choices\\":[] \\"usage\\""}}]}';
    expect(client.encodeStream(QUIET).pass(raw(quoted))).not.toBe("");
    const azure = '{"model":"","choices":[],"prompt_filter_results":[{"usage":1}]}';
    expect(client.encodeStream(QUIET).pass(raw(azure))).not.toBe("");
  });
});

describe("a whole reply", () => {
  test("passed on differs in nothing but the model's name", () => {
    const text = '{ "model" : "up", "cost": 1.0, "choices":[{"message":{"model":"x"}}] }\n';
    expect(client.passReply(text, CONTEXT)).toBe(text.replace('"up"', '"logical"'));
  });

  test("joins pieces of speech as bytes", () => {
    const parts = [
      piece("a", { id: "audio_1" }),
      piece("bc", { transcript: "Hel" }),
      piece("", { transcript: "lo" }),
    ];
    const reply = client.encodeReply(
      JSON.parse(JSON.stringify({ parts, annotations: [], finish: "stop" })),
      CONTEXT,
    );
    const [choice] = Array.isArray(reply["choices"]) ? reply["choices"] : [];
    expect(isJsonObject(choice) ? choice["message"] : undefined).toMatchObject({
      content: null,
      audio: { id: "audio_1", data: "YWJj", transcript: "Hello" },
    });
  });
});

describe("an error", () => {
  const kinds: readonly (readonly [ErrorKind, string, string | null])[] = [
    ["invalid-request", "invalid_request_error", null],
    ["too-large", "invalid_request_error", "request_too_large"],
    ["unauthenticated", "authentication_error", "invalid_api_key"],
    ["forbidden", "permission_error", "permission_denied"],
    ["not-found", "invalid_request_error", "model_not_found"],
    ["rate-limited", "rate_limit_error", "rate_limit_exceeded"],
    ["quota-exceeded", "insufficient_quota", "insufficient_quota"],
    ["refused", "invalid_request_error", "content_policy_violation"],
    ["timeout", "timeout", "timeout"],
    ["unavailable", "server_error", "provider_unavailable"],
    ["bad-upstream", "api_error", "bad_upstream"],
    ["cancelled", "api_error", "cancelled"],
    ["internal", "server_error", "internal_error"],
  ];
  for (const [kind, type, code] of kinds) {
    test(`of kind ${kind} is a ${type}`, () => {
      expect(client.encodeError(new ChatError(kind, "words", { param: "n" }), "req-9")).toEqual({
        error: { message: "words", type, param: "n", code, request_id: "req-9" },
      });
    });
  }

  test("keeps a code of its own", () => {
    const error = new ChatError("invalid-request", "words", { code: "context_length_exceeded" });
    expect(client.encodeError(error, "r")).toMatchObject({
      error: { code: "context_length_exceeded", param: null },
    });
  });
});
