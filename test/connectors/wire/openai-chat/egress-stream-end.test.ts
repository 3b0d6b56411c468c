import { describe, expect, test } from "bun:test";

import type { ChatReply } from "../../../../src/connectors/hub/collect.ts";
import type { JsonObject } from "../../../../src/connectors/hub/json.ts";
import { openaiChatProvider as provider } from "../../../../src/connectors/wire/openai-chat/egress.ts";
import { chatErrorOf } from "../../../support/rejection.ts";
import { fold } from "../machines.ts";
import { decodeChunks, decodePayloads } from "./_machines.ts";

/** A chunk with this delta; `more` goes beside it, `top` around the choice. */
function chunk(delta: JsonObject | null, more: JsonObject = {}, top: JsonObject = {}): JsonObject {
  return { id: "c1", created: 1, model: "m", choices: [{ index: 0, delta, ...more }], ...top };
}

const STOP = chunk({}, { finish_reason: "stop" });

function replyTo(...chunks: readonly JsonObject[]): ChatReply {
  return fold(decodeChunks(chunks));
}

function call(piece: JsonObject): JsonObject {
  return chunk({ tool_calls: [piece] });
}

const HELLO = chunk({ content: "hi" });

const json = (...chunks: readonly JsonObject[]): string[] =>
  chunks.map((one) => JSON.stringify(one));
const end = (word: string, more: JsonObject = {}): ChatReply =>
  replyTo(HELLO, chunk({}, { finish_reason: word, ...more }));
const usage = (counted: JsonObject, top: JsonObject = {}): unknown =>
  replyTo(chunk({ content: "a" }), chunk({}, { finish_reason: "stop" }, { usage: counted, ...top }))
    .usage;
const after = (last: unknown, event?: string): ReturnType<typeof chatErrorOf> =>
  chatErrorOf(() => {
    const decoder = provider.decodeStream({});
    decoder.push({ data: JSON.stringify(chunk({ content: "hi" })) });
    decoder.push({ event, data: typeof last === "string" ? last : JSON.stringify(last) });
  });

describe("the end", () => {
  test("is held until usage has come, and is told once", () => {
    const events = decodeChunks([
      HELLO,
      STOP,
      STOP,
      chunk({ content: "" }, { finish_reason: null }, { usage: null }),
      { id: "c1", choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } },
    ]);
    expect(events.slice(-2).map(({ type }) => type)).toEqual(["usage", "finish"]);
    expect(events.filter(({ type }) => type === "finish").length).toBe(1);
  });

  test("is good without [DONE] if a finish reason came", () => {
    expect(fold(decodePayloads(json(HELLO, STOP))).finish).toBe("stop");
  });

  test("is good with [DONE] if the finish reason was forgotten", () => {
    expect(fold(decodePayloads([...json(HELLO), "[DONE]"])).finish).toBe("stop");
  });

  test("is bad at every place where the bytes stop before a finish reason", () => {
    const stream = json(
      chunk({ role: "assistant" }),
      HELLO,
      chunk({ reasoning: "hm" }),
      call({ index: 0, id: "a", function: { name: "f", arguments: "{" } }),
    );
    for (let length = 0; length <= stream.length; length += 1) {
      const decoder = provider.decodeStream({});
      for (const data of stream.slice(0, length)) decoder.push({ data });
      const error = chatErrorOf(() => decoder.end());
      expect(error.kind).toBe("bad-upstream");
      expect(error.traits.tryElsewhere).toBe(true);
      expect(decoder.done).toBe(false);
    }
  });

  test("is bad when [DONE] is all that comes", () => {
    expect(chatErrorOf(() => decodePayloads(["[DONE]"])).kind).toBe("bad-upstream");
  });

  test("ends reading: nothing after it is looked at", () => {
    const decoder = provider.decodeStream({});
    decoder.push({ data: JSON.stringify(HELLO) });
    decoder.push({ data: "[DONE]" });
    expect(decoder.done).toBe(true);
    expect(decoder.push({ data: "not even JSON" })).toEqual([]);
    expect(decoder.end()).toEqual([]);
  });

  test("has the provider's own word where it says more", () => {
    expect(end("stop")).toMatchObject({ finish: "stop" });
    expect(end("stop").nativeFinish).toBeUndefined();
    expect(end("stop", { native_finish_reason: "end_turn" })).toMatchObject({
      finish: "stop",
      nativeFinish: "end_turn",
    });
    expect(end("model_length")).toMatchObject({ finish: "length", nativeFinish: "model_length" });
    expect(end("content_filter")).toMatchObject({ finish: "refusal" });
    expect(end("eos")).toMatchObject({ finish: "stop", nativeFinish: "eos" });
    expect(end("stop", { stop_reason: "END" })).toMatchObject({
      finish: "stop-sequence",
      stopSequence: "END",
    });
  });
});

describe("usage", () => {
  test("counts xAI's separate reasoning as output", () => {
    expect(
      usage({
        prompt_tokens: 12,
        completion_tokens: 1,
        total_tokens: 303,
        completion_tokens_details: { reasoning_tokens: 290 },
        cost_in_usd_ticks: 1_466_250,
      }),
    ).toEqual({
      inputTokens: 12,
      outputTokens: 291,
      reasoningTokens: 290,
      costNanoUsd: 146_625,
      source: "reported",
    });
  });

  test("takes OpenAI's completion tokens as they are, which include reasoning", () => {
    expect(
      usage({
        prompt_tokens: 15,
        completion_tokens: 78,
        total_tokens: 93,
        completion_tokens_details: { reasoning_tokens: 64 },
      }),
    ).toEqual({ inputTokens: 15, outputTokens: 78, reasoningTokens: 64, source: "reported" });
  });

  test("never lets a part be larger than its whole", () => {
    expect(
      usage({
        prompt_tokens: 5,
        completion_tokens: 10,
        total_tokens: 15,
        prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 9 },
        completion_tokens_details: { reasoning_tokens: 11 },
      }),
    ).toEqual({
      inputTokens: 5,
      outputTokens: 10,
      cacheReadTokens: 4,
      cacheWriteTokens: 1,
      reasoningTokens: 10,
      source: "reported",
    });
  });

  test("finds cached tokens by the names of DeepSeek and Moonshot", () => {
    expect(
      usage({ prompt_tokens: 9, completion_tokens: 1, prompt_cache_hit_tokens: 7 }),
    ).toMatchObject({ cacheReadTokens: 7 });
    expect(usage({ prompt_tokens: 9, completion_tokens: 1, cached_tokens: 6 })).toMatchObject({
      cacheReadTokens: 6,
    });
  });

  test("is found where Groq and Moonshot put it", () => {
    const counted = { prompt_tokens: 1, completion_tokens: 2 };
    const groq = chunk({}, { finish_reason: "stop" }, { x_groq: { usage: counted } });
    const moonshot = chunk({}, { finish_reason: "stop", usage: counted });
    for (const last of [groq, moonshot]) {
      expect(replyTo(chunk({ content: "a" }), last).usage).toEqual({
        inputTokens: 1,
        outputTokens: 2,
        source: "reported",
      });
    }
  });

  test("adds the upstream's price where OpenRouter charges only its fee", () => {
    const byok = {
      prompt_tokens: 1,
      completion_tokens: 1,
      cost: 0.00001,
      cost_details: { upstream_inference_cost: 0.0002 },
    };
    expect(usage({ ...byok, is_byok: true })).toMatchObject({ costNanoUsd: 210_000 });
    expect(usage({ ...byok, is_byok: false })).toMatchObject({ costNanoUsd: 10_000 });
  });

  test("that counts nothing, or nonsense, is none", () => {
    expect(usage({})).toBeUndefined();
    expect(usage({ prompt_tokens: -1, completion_tokens: "2" })).toBeUndefined();
  });
});

describe("errors in mid-stream", () => {
  test("have the kind that their code stands for, number or text", () => {
    expect(after({ error: { code: 429, message: "slow down" } })).toMatchObject({
      kind: "rate-limited",
      message: "slow down",
    });
    expect(after({ error: { code: "502", message: "gone" } })).toMatchObject({
      kind: "unavailable",
      upstreamStatus: 502,
    });
    expect(after({ error: { code: "rate_limit_exceeded", message: "x" } }).kind).toBe(
      "rate-limited",
    );
    expect(after({ error: { type: "overloaded_error", message: "x" } })).toMatchObject({
      kind: "unavailable",
      upstreamStatus: 503,
    });
    expect(after({ error: { message: "who knows" } })).toMatchObject({
      kind: "unavailable",
      upstreamStatus: 502,
    });
    expect(after({ error: "just words" }).message).toContain("just words");
  });

  test("are found in a chunk that also has a choice, and within the choice", () => {
    const top = { error: { code: 400, message: "Token limit reached" } };
    expect(after(chunk({ content: "" }, {}, top))).toMatchObject({
      kind: "invalid-request",
      message: "Token limit reached",
    });
    const inner = chunk(
      { content: "" },
      { error: { code: 503, message: "bad luck" }, finish_reason: "error" },
    );
    expect(after(inner)).toMatchObject({ kind: "unavailable", upstreamStatus: 503 });
    expect(
      after(chunk({}, { finish_reason: "error", native_finish_reason: "MALFORMED_FUNCTION_CALL" })),
    ).toMatchObject({
      kind: "bad-upstream",
      message: "the provider broke the answer off (MALFORMED_FUNCTION_CALL)",
    });
  });

  test("are found in the shapes of vLLM and Alibaba, and under an event name", () => {
    expect(after({ object: "error", message: "too long", code: 400 })).toMatchObject({
      kind: "invalid-request",
    });
    expect(
      after({ code: "Throttling.RateQuota", message: "later", request_id: "1" }).message,
    ).toContain("later");
    expect(after({ message: "boom" }, "error").message).toContain("boom");
  });

  test("that are not JSON show what came, capped and without credentials", () => {
    const error = after(`<html>Bearer abcdefghijkl ${"x".repeat(5000)}`);
    expect(error.kind).toBe("bad-upstream");
    expect(error.message).not.toContain("abcdefghijkl");
    expect(error.message.length).toBeLessThan(300);
  });
});

describe("whole replies", () => {
  test("with an error in a 200 are errors", () => {
    const error = chatErrorOf(() =>
      provider.decodeReply({ error: { code: 502, message: "Provider returned error" } }, {}),
    );
    expect(error).toMatchObject({ kind: "unavailable", upstreamStatus: 502 });
    const choice = { message: { content: "" }, error: { code: 429, message: "busy" } };
    expect(chatErrorOf(() => provider.decodeReply({ choices: [choice] }, {})).kind).toBe(
      "rate-limited",
    );
  });

  test("without an answer are the provider's fault", () => {
    for (const body of [{}, { choices: [] }, { choices: null }]) {
      expect(chatErrorOf(() => provider.decodeReply(body, {})).kind).toBe("bad-upstream");
    }
  });
});
