import { describe, expect, test } from "bun:test";
import { harmless } from "../../src/cli/_output.ts";
import { createChunkReader, type Piece } from "../../src/cli/chat/_stream.ts";

function read(chunks: readonly unknown[], done = true): readonly Piece[] {
  const reader = createChunkReader();
  const pieces = chunks.flatMap((chunk) => reader.push(JSON.stringify(chunk)));
  if (done) reader.push("[DONE]");
  return [...pieces, ...reader.end()];
}

function delta(fields: object, finish: string | null = null): object {
  return { choices: [{ index: 0, delta: fields, finish_reason: finish }] };
}

describe("the chunks of an answer", () => {
  test("become text, thoughts under either name, and refusals", () => {
    expect(
      read([
        delta({ role: "assistant", content: "" }),
        delta({ reasoning: "hm" }),
        delta({ reasoning_content: "m", reasoning: "m" }),
        delta({ content: "a" }),
        delta({ refusal: "no" }),
        delta({}, "stop"),
      ]),
    ).toEqual([
      { type: "reasoning", text: "hm" },
      { type: "reasoning", text: "m" },
      { type: "text", text: "a" },
      { type: "text", text: "no" },
      { type: "finish", reason: "stop" },
    ]);
  });

  test("give tool calls whole, in order, however they were cut", () => {
    expect(
      read([
        delta({ tool_calls: [{ index: 1, function: { name: "b", arguments: "" } }] }),
        delta({ tool_calls: [{ index: 0, function: { name: "a", arguments: '{"x"' } }] }),
        delta({
          tool_calls: [
            { index: 0, function: { arguments: ":1}" } },
            { index: 1, function: { arguments: "{}" } },
          ],
        }),
        delta({}, "tool_calls"),
      ]),
    ).toEqual([
      { type: "tool", name: "a", arguments: '{"x":1}' },
      { type: "tool", name: "b", arguments: "{}" },
      { type: "finish", reason: "tool_calls" },
    ]);
  });

  test("tell what was spent, with the cost where the provider states one", () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4, cost: 0.00125 };
    expect(read([delta({}, "stop"), { choices: [], usage }]).at(-1)).toEqual({
      type: "spent",
      spent: { inputTokens: 3, outputTokens: 4, costUsd: 0.00125 },
    });
  });

  test("may hold what nobody here knows", () => {
    const reader = createChunkReader();
    for (const data of [
      "{}",
      "null",
      "[]",
      "not json",
      '{"choices":[{}]}',
      '{"choices":"x","usage":null}',
    ])
      expect(reader.push(data)).toEqual([]);
  });

  test("that end without an end are an error", () => {
    expect(() => read([delta({ content: "half" })], false)).toThrow(
      "the answer broke off: the connection ended before it did",
    );
  });

  test("that hold an error are that error", () => {
    expect(() => read([delta({ content: "half" }), { error: { message: "out of luck" } }])).toThrow(
      "the answer broke off: out of luck",
    );
  });
});

test("text loses what would steer a terminal, and nothing else", () => {
  expect(harmless("a\tb\n\u001B[31mred\u0007\u009Bx\r日本語 🙂 é")).toBe(
    "a\tb\n[31mredx日本語 🙂 é",
  );
});
