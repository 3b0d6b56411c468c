import { describe, expect, test } from "bun:test";

import type { ChatReply } from "../../../../src/connectors/hub/collect.ts";
import type { JsonObject } from "../../../../src/connectors/hub/json.ts";
import { openaiChatProvider as provider } from "../../../../src/connectors/wire/openai-chat/egress.ts";
import { chatErrorOf } from "../../../support/rejection.ts";
import { fold } from "../machines.ts";
import { decodeChunks } from "./_machines.ts";

/** A chunk with this delta; `more` goes beside it. */
function chunk(delta: JsonObject | null, more: JsonObject = {}): JsonObject {
  return { id: "c1", created: 1, model: "m", choices: [{ index: 0, delta, ...more }] };
}

const STOP = chunk({}, { finish_reason: "stop" });

function replyTo(...chunks: readonly JsonObject[]): ChatReply {
  return fold(decodeChunks(chunks));
}

function calls(reply: ChatReply): readonly unknown[] {
  return reply.parts.filter((part) => part.type === "tool-call");
}

function call(piece: JsonObject): JsonObject {
  return chunk({ tool_calls: [piece] });
}

const other = (index: number, content: string): JsonObject => ({ index, delta: { content } });
const detail = (text: string): JsonObject => ({ type: "reasoning.text", text, index: 0 });
const piece = (text: string): JsonObject => ({
  reasoning_details: [{ type: "reasoning.text", text }],
});
const whole = (id: string): JsonObject => ({
  id,
  function: { name: "f", arguments: `"${id}"` },
});

describe("text", () => {
  test("chunks with only a role, null or empty content open no block", () => {
    const events = decodeChunks([
      chunk({ role: "assistant" }),
      chunk({ content: null }),
      chunk({ content: "" }),
      chunk(null),
      STOP,
    ]);
    expect(events.map(({ type }) => type)).toEqual(["start", "finish"]);
  });

  test("is opened once and closed before thoughts and calls", () => {
    const events = decodeChunks([
      chunk({ content: "a" }),
      chunk({ content: "b" }),
      call({ index: 0, id: "1", function: { name: "f", arguments: "{}" } }),
      chunk({ content: "c" }),
      STOP,
    ]);
    expect(events.map(({ type }) => type)).toEqual([
      "start",
      "text-start",
      "text-delta",
      "text-delta",
      "text-end",
      "tool-start",
      "tool-delta",
      "text-start",
      "text-delta",
      "text-end",
      "tool-end",
      "finish",
    ]);
  });

  test("and thoughts in Mistral's array form are told apart", () => {
    const thinking = { type: "thinking", thinking: [{ type: "text", text: "hm" }] };
    const reply = replyTo(
      chunk({ content: [thinking] }),
      chunk({ content: [thinking, { type: "text", text: "yes" }] }),
      STOP,
    );
    expect(reply.parts).toEqual([
      { type: "reasoning", form: "text", text: "hmhm" },
      { type: "text", text: "yes" },
    ]);
  });

  test("of further answers (n above 1) is left to verbatim callers", () => {
    const reply = replyTo(
      { id: "c1", choices: [other(1, "no"), other(0, "yes")] },
      { id: "c1", choices: [other(1, "no")] },
      { id: "c1", choices: [{ index: 1, delta: {}, finish_reason: "length" }] },
      STOP,
    );
    expect(reply.parts).toEqual([{ type: "text", text: "yes" }]);
    expect(reply.finish).toBe("stop");
  });
});

describe("thoughts", () => {
  test("in reasoning and in reasoning_details of the same chunk are told once", () => {
    const reply = replyTo(
      chunk({ reasoning: "a", reasoning_content: "a", reasoning_details: [detail("a")] }),
      chunk({ reasoning: "b", reasoning_details: [detail("b")] }),
      STOP,
    );
    expect(reply.parts).toEqual([{ type: "reasoning", form: "text", text: "ab" }]);
  });

  test("that come plain first and all at once in details at the end are told once, and signed", () => {
    const reply = replyTo(
      chunk({ reasoning: "a" }),
      chunk({ reasoning: "b" }),
      chunk({ reasoning_details: [{ ...detail("ab"), signature: "s" }] }),
      STOP,
    );
    expect(reply.parts).toEqual([{ type: "reasoning", form: "text", text: "ab", signature: "s" }]);
  });

  test("of different blocks are told apart by index, form and signature", () => {
    const reply = replyTo(
      chunk({ reasoning_details: [{ type: "reasoning.summary", summary: "one", index: 0 }] }),
      chunk({ reasoning_details: [{ type: "reasoning.summary", summary: "two", index: 1 }] }),
      chunk({ reasoning_details: [{ ...detail("three"), signature: "s", index: 2 }] }),
      chunk({ reasoning_details: [{ ...detail("four"), index: 2 }] }),
      chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "x", id: "e1" }] }),
      chunk({ reasoning_details: [{ type: "reasoning.encrypted", data: "y", id: "e2" }] }),
      STOP,
    );
    expect(reply.parts).toEqual([
      { type: "reasoning", form: "summary", text: "one" },
      { type: "reasoning", form: "summary", text: "two" },
      { type: "reasoning", form: "text", text: "three", signature: "s" },
      { type: "reasoning", form: "text", text: "four" },
      { type: "reasoning", form: "encrypted", text: "", data: "x", id: "e1" },
      { type: "reasoning", form: "encrypted", text: "", data: "y", id: "e2" },
    ]);
  });

  test("without an index go on where they stopped", () => {
    expect(replyTo(chunk(piece("a")), chunk(piece("b")), STOP).parts).toEqual([
      { type: "reasoning", form: "text", text: "ab" },
    ]);
  });
});

describe("tool calls", () => {
  test("that arrive whole, without index or type, are told apart by id", () => {
    const reply = replyTo(
      chunk({ tool_calls: [whole("a"), whole("b")] }, { finish_reason: "tool_calls" }),
    );
    expect(calls(reply)).toEqual([
      { type: "tool-call", id: "a", name: "f", arguments: '"a"' },
      { type: "tool-call", id: "b", name: "f", arguments: '"b"' },
    ]);
  });

  test("without index and id go on with the last call, and a name begins another", () => {
    const reply = replyTo(
      call({ id: "a", function: { name: "f", arguments: "{" } }),
      call({ function: { arguments: "}" } }),
      call({ function: { name: "g", arguments: "{}" } }),
      STOP,
    );
    expect(calls(reply)).toEqual([
      { type: "tool-call", id: "a", name: "f", arguments: "{}" },
      { type: "tool-call", id: "call_c1_1", name: "g", arguments: "{}" },
    ]);
  });

  test("that are all numbered 0 are told apart by id", () => {
    const reply = replyTo(
      call({ index: 0, id: "a", function: { name: "f", arguments: "1" } }),
      call({ index: 0, id: "b", function: { name: "f", arguments: "2" } }),
      STOP,
    );
    expect(calls(reply)).toMatchObject([
      { id: "a", arguments: "1" },
      { id: "b", arguments: "2" },
    ]);
  });

  test("keep their first id when later pieces have others, empty ones or none", () => {
    const reply = replyTo(
      call({ index: 0, id: "a", function: { name: "f", arguments: "" } }),
      call({ index: 0, id: "zz", function: { arguments: "1" } }),
      call({ index: 0, id: "", function: { name: "", arguments: "2" } }),
      call({ index: 0, function: { name: null, arguments: "3" } }),
      STOP,
    );
    expect(calls(reply)).toEqual([{ type: "tool-call", id: "a", name: "f", arguments: "123" }]);
  });

  test("keep arguments that come before the name", () => {
    const reply = replyTo(
      call({ index: 0, id: "a", function: { arguments: "{" } }),
      call({ index: 0, function: { name: "f", arguments: "}" } }),
      STOP,
    );
    expect(calls(reply)).toEqual([{ type: "tool-call", id: "a", name: "f", arguments: "{}" }]);
  });

  test("whose arguments are an object are written as JSON", () => {
    const reply = replyTo(
      call({ index: 0, id: "a", function: { name: "f", arguments: { b: 1 } } }),
      STOP,
    );
    expect(calls(reply)).toMatchObject([{ arguments: '{"b":1}' }]);
  });

  test("in the legacy form are calls like any other", () => {
    const reply = replyTo(
      chunk({ function_call: { name: "f", arguments: "{" } }),
      chunk({ function_call: { arguments: "}" } }),
      chunk({}, { finish_reason: "function_call" }),
    );
    expect(calls(reply)).toEqual([
      { type: "tool-call", id: "call_c1_0", name: "f", arguments: "{}" },
    ]);
    expect(reply.finish).toBe("tool-calls");
  });

  test("are the reason of an end that says stop", () => {
    const one = call({ index: 0, id: "a", function: { name: "f" } });
    expect(replyTo(one, STOP).finish).toBe("tool-calls");
    expect(replyTo(one, chunk({}, { finish_reason: "length" })).finish).toBe("length");
  });

  test("without any name are the provider's fault", () => {
    const error = chatErrorOf(() =>
      replyTo(call({ index: 0, id: "a", function: { arguments: "{}" } }), STOP),
    );
    expect(error.kind).toBe("bad-upstream");
  });
});

describe("what is made beside words", () => {
  test("images, speech and citations are events", () => {
    const reply = replyTo(
      chunk({ images: [{ type: "image_url", image_url: { url: "data:image/png;base64,QUJD" } }] }),
      chunk({ audio: { id: "audio_1", transcript: "Hi" } }),
      chunk({ audio: { data: "QUJD" } }),
      chunk({ audio: { expires_at: 7 } }),
      chunk({ annotations: [{ type: "file", file: { name: "a" } }] }),
      STOP,
    );
    const parts: readonly unknown[] = reply.parts;
    expect(parts).toEqual([
      { type: "image", source: { kind: "base64", data: "QUJD" }, mimeType: "image/png" },
      { type: "audio", source: { kind: "base64", data: "" }, id: "audio_1", transcript: "Hi" },
      { type: "audio", source: { kind: "base64", data: "QUJD" } },
    ]);
    expect(reply.annotations).toEqual([{ type: "file", file: { name: "a" } }]);
  });
});

describe("messages that are not understood", () => {
  test("yield nothing", () => {
    const decoder = provider.decodeStream({});
    for (const message of [
      { type: "ping" },
      [],
      7,
      null,
      { choices: {} },
      { choices: [] },
      { choices: [null] },
      { choices: [7] },
    ]) {
      expect(decoder.push({ data: JSON.stringify(message) })).toEqual([]);
    }
    expect(decoder.push({ data: "" })).toEqual([]);
  });
});
