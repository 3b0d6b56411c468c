import { describe, expect, test } from "bun:test";

import { type ChatReply, createCollector } from "../../../src/connectors/hub/collect.ts";
import type { ChatEvent } from "../../../src/connectors/hub/event.ts";

function fold(...events: readonly ChatEvent[]): ChatReply {
  const collector = createCollector();
  for (const event of events) collector.push(event);
  return collector.reply();
}

const EARLY = { inputTokens: 5, outputTokens: 0, source: "reported" } as const;
const LATE = { inputTokens: 5, outputTokens: 9, source: "reported" } as const;

describe("the fold of events", () => {
  test("of nothing is an empty answer", () => {
    expect(fold()).toEqual({ parts: [], annotations: [], finish: "stop" });
  });

  test("has blocks in the order in which they opened, however they grew", () => {
    const reply = fold(
      { type: "start", id: "a", model: "m", created: 1 },
      { type: "reasoning-start", index: 0, form: "text", format: "f" },
      { type: "reasoning-delta", index: 0, text: "hm" },
      { type: "tool-start", index: 1, id: "c1", name: "f", signature: "s" },
      { type: "tool-start", index: 2, id: "c2", name: "g" },
      { type: "tool-delta", index: 2, arguments: "{" },
      { type: "tool-delta", index: 1, arguments: "1" },
      { type: "reasoning-signature", index: 0, signature: "z" },
      { type: "reasoning-end", index: 0 },
      { type: "tool-delta", index: 2, arguments: "}" },
      { type: "tool-end", index: 1 },
      { type: "tool-end", index: 2 },
      { type: "text-start", index: 3 },
      { type: "text-delta", index: 3, text: "a" },
      { type: "text-delta", index: 3, text: "b" },
      { type: "text-end", index: 3 },
      { type: "text-start", index: 4, refusal: true },
      { type: "text-delta", index: 4, text: "no" },
      { type: "finish", reason: "tool-calls", native: "tool_use" },
    );
    expect(reply).toEqual({
      id: "a",
      model: "m",
      created: 1,
      parts: [
        { type: "reasoning", form: "text", text: "hm", format: "f", signature: "z" },
        { type: "tool-call", id: "c1", name: "f", arguments: "1", signature: "s" },
        { type: "tool-call", id: "c2", name: "g", arguments: "{}" },
        { type: "text", text: "ab" },
        { type: "refusal", text: "no" },
      ],
      annotations: [],
      finish: "tool-calls",
      nativeFinish: "tool_use",
    });
  });

  test("takes the last usage, wherever the first came from", () => {
    expect(fold({ type: "start", usage: EARLY }).usage).toEqual(EARLY);
    expect(fold({ type: "start", usage: EARLY }, { type: "usage", usage: LATE }).usage).toEqual(
      LATE,
    );
  });

  test("puts pieces of encrypted thoughts, log probabilities, citations and media together", () => {
    const reply = fold(
      { type: "reasoning-start", index: 0, form: "encrypted", id: "r" },
      { type: "reasoning-signature", index: 0, data: "ab" },
      { type: "reasoning-signature", index: 0, data: "cd" },
      { type: "logprobs", content: [{ token: "a" }] },
      { type: "logprobs", content: [{ token: "b" }], refusal: [{ token: "c" }] },
      { type: "annotation", annotation: { type: "file" } },
      { type: "media", part: { type: "image", source: { kind: "url", url: "u" } } },
      { type: "finish", reason: "stop-sequence", stopSequence: "END" },
    );
    expect(reply).toEqual({
      parts: [
        { type: "reasoning", form: "encrypted", text: "", id: "r", data: "abcd" },
        { type: "image", source: { kind: "url", url: "u" } },
      ],
      annotations: [{ type: "file" }],
      logprobs: { content: [{ token: "a" }, { token: "b" }], refusal: [{ token: "c" }] },
      finish: "stop-sequence",
      stopSequence: "END",
    });
  });

  test("is blind to pieces of blocks that are not open, or of another kind", () => {
    const reply = fold(
      { type: "text-delta", index: 0, text: "lost" },
      { type: "text-start", index: 1 },
      { type: "tool-delta", index: 1, arguments: "lost" },
      { type: "text-end", index: 1 },
      { type: "text-delta", index: 1, text: "lost" },
    );
    expect(reply.parts).toEqual([{ type: "text", text: "" }]);
  });
});
