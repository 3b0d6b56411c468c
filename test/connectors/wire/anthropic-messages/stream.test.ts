/** The stream machines where blocks overlap, bytes are cut anywhere, and answers end badly. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";

import { estimateTokens } from "../../../../src/connectors/hub/estimate.ts";
import { ChatError } from "../../../../src/connectors/hub/error.ts";
import type { ChatEvent } from "../../../../src/connectors/hub/event.ts";
import type { Usage } from "../../../../src/connectors/hub/usage.ts";
import { readSse } from "../../../../src/connectors/net/sse.ts";
import { anthropicMessagesProvider as provider } from "../../../../src/connectors/wire/anthropic-messages/egress.ts";
import { anthropicMessagesClient as client } from "../../../../src/connectors/wire/anthropic-messages/ingress.ts";
import { FIXTURES, readRecordings } from "../../../support/recordings.ts";
import { splitAt, splitEachByte, toCrlf } from "../../../support/split.ts";
import { answer } from "../openai-chat/_answer-arbitrary.ts";
import { chatErrorOf } from "../../../support/rejection.ts";
import { CONTEXT, fold } from "../machines.ts";
import { decode, encode, expectGrammar, messagesOf } from "./_machines.ts";
import { parseObject } from "../../../support/json.ts";

const streams = readRecordings(FIXTURES, "anthropic-messages").exchanges.filter(
  ({ stream }) => stream,
);

async function decodeBytes(pieces: readonly Uint8Array[]): Promise<readonly ChatEvent[]> {
  const decoder = provider.decodeStream({});
  const events: ChatEvent[] = [];
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  for await (const messages of readSse(bytes())) {
    for (const message of messages) events.push(...decoder.push(message));
  }
  return [...events, ...decoder.end()];
}

describe("bytes", () => {
  test("may be cut anywhere, and lines end either way", async () => {
    for (const { text } of streams) {
      const expected = fold(decode(messagesOf(text)));
      for (const form of [text, toCrlf(text)]) {
        expect(fold(await decodeBytes(splitEachByte(form)))).toEqual(expected);
        for (let position = 1; position < form.length; position += 1) {
          expect(fold(await decodeBytes(splitAt(form, position)))).toEqual(expected);
        }
      }
    }
  });
});

/** Blocks of an answer whose events come in any order that keeps each block's own. */
const overlapping = fc
  .array(
    fc.record({
      kind: fc.constantFrom<"text" | "tool" | "reasoning">("text", "tool", "reasoning"),
      pieces: fc.array(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .chain((blocks) =>
    fc
      .infiniteStream(fc.nat())
      .map((choices) => interleave(blocks, () => Number(choices.next().value))),
  );

type Draft = { readonly kind: "text" | "tool" | "reasoning"; readonly pieces: readonly string[] };

function eventsOf({ kind, pieces }: Draft, index: number): ChatEvent[] {
  switch (kind) {
    case "text":
      return [
        { type: "text-start", index },
        ...pieces.map((text): ChatEvent => ({ type: "text-delta", index, text })),
        { type: "text-end", index },
      ];
    case "reasoning":
      return [
        { type: "reasoning-start", index, form: "text" },
        ...pieces.map((text): ChatEvent => ({ type: "reasoning-delta", index, text })),
        { type: "reasoning-signature", index, signature: `signed-${index}` },
        { type: "reasoning-end", index },
      ];
    case "tool":
      return [
        { type: "tool-start", index, id: `call_${index}`, name: "tool" },
        ...pieces.map((piece): ChatEvent => ({
          type: "tool-delta",
          index,
          arguments: JSON.stringify(piece),
        })),
        { type: "tool-end", index },
      ];
  }
}

function interleave(blocks: readonly Draft[], choose: () => number): readonly ChatEvent[] {
  const lanes = blocks.map(eventsOf);
  const mixed: ChatEvent[] = [{ type: "start", id: "a", model: "m" }];
  for (;;) {
    const open = lanes.filter((lane) => lane.length > 0);
    const event = open[choose() % Math.max(1, open.length)]?.shift();
    if (!event) break;
    mixed.push(event);
  }
  return [...mixed, { type: "finish", reason: "stop" }];
}

/** The characters of all blocks of a kind, sorted: texts that make way are cut at places of no meaning. */
function said(kind: "text" | "reasoning", events: readonly ChatEvent[]): string {
  const text = fold(events).parts.map((part) => (part.type === kind ? part.text : ""));
  return Array.from(text.join(""))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join("");
}

/** Calls by id with their arguments, sorted. */
function calls(events: readonly ChatEvent[]): readonly (readonly [string, string])[] {
  return fold(events)
    .parts.flatMap((part) =>
      part.type === "tool-call" ? [[part.id, part.arguments] as const] : [],
    )
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Input that no cache had. */
function freshOf(usage: Usage): number {
  return usage.inputTokens - (usage.cacheReadTokens ?? 0) - (usage.cacheWriteTokens ?? 0);
}

describe("blocks that overlap", () => {
  test("are written one after the other, and nothing of them is lost", () => {
    fc.assert(
      fc.property(overlapping, (events) => {
        const written = encode(events);
        expectGrammar(written);
        const again = decode(written);
        expect(said("text", again)).toBe(said("text", events));
        expect(said("reasoning", again)).toBe(said("reasoning", events));
        expect(calls(again)).toEqual(calls(events));
      }),
      { seed: 5, numRuns: 500 },
    );
  });

  test("of a translated answer read back as the same answer", () => {
    fc.assert(
      fc.property(answer, (events) => {
        const written = encode(events);
        expectGrammar(written);
        const before = fold(events);
        const after = fold(decode(written));
        expect(after.finish).toBe(before.finish);
        expect(calls(decode(written)).map(([id]) => id)).toEqual(calls(events).map(([id]) => id));
        // An estimate at the start gives way to a figure at the end, unless that is 0: Clewdr's zeros mean nothing.
        if (before.usage && freshOf(before.usage) > 0) {
          expect(after.usage?.inputTokens).toBe(before.usage.inputTokens);
          expect(after.usage?.outputTokens).toBe(before.usage.outputTokens);
        }
      }),
      { seed: 6, numRuns: 300 },
    );
  });
});

describe("an answer", () => {
  test("whose provider tells no usage begins with an estimate and never with 0", () => {
    const [start] = encode([
      { type: "start" },
      { type: "text-start", index: 0 },
      { type: "text-delta", index: 0, text: "Hello." },
      { type: "finish", reason: "stop" },
    ]);
    expect(parseObject(start?.data ?? "")).toMatchObject({
      message: { model: "logical", usage: { input_tokens: 7 } },
    });
  });

  test("is estimated as it is booked where its provider told no usage, whole and streamed, in any script", () => {
    for (const text of ["Hello there, and welcome.", "こんにちは、世界。ようこそ。"]) {
      const events: ChatEvent[] = [
        { type: "start" },
        { type: "text-start", index: 0 },
        { type: "text-delta", index: 0, text },
        { type: "text-end", index: 0 },
        { type: "finish", reason: "stop" },
      ];
      const usage = { input_tokens: 7, output_tokens: estimateTokens(text) };
      expect(parseObject(encode(events).at(-2)?.data ?? "")).toMatchObject({ usage });
      expect(client.encodeReply(fold(events), CONTEXT)).toMatchObject({ usage });
    }
  });

  test("keeps the thoughts of another maker in the fields for Anthropic's, and finds them again", () => {
    const written = encode([
      { type: "start" },
      {
        type: "reasoning-start",
        index: 0,
        form: "summary",
        format: "openai-responses-v1",
        id: "rs_1",
      },
      { type: "reasoning-delta", index: 0, text: "Thinking." },
      { type: "reasoning-signature", index: 0, data: "opaque" },
      { type: "reasoning-end", index: 0 },
      { type: "finish", reason: "stop" },
    ]);
    const reply = client.encodeReply(fold(decode(written)), CONTEXT);
    const request = client.decodeRequest(
      JSON.stringify({
        model: "m",
        max_tokens: 5,
        messages: [{ role: "assistant", content: reply["content"] }],
      }),
    );
    expect(request.messages[0]?.parts).toEqual([
      {
        type: "reasoning",
        form: "summary",
        text: "Thinking.",
        data: "opaque",
        format: "openai-responses-v1",
        id: "rs_1",
      },
    ]);
  });

  test("that breaks off ends with an error event and without message_stop", () => {
    const encoder = client.encodeStream(CONTEXT);
    const text =
      encoder.push({ type: "start" }) +
      encoder.fail(new ChatError("bad-upstream", "the stream was cut"));
    const last = messagesOf(text).at(-1);
    expect(last?.event).toBe("error");
    expect(parseObject(last?.data ?? "")).toEqual({
      type: "error",
      error: { type: "api_error", message: "the stream was cut" },
      request_id: "req-1",
    });
    expect(text).not.toContain("message_stop");
  });

  test("that stops without its last event is good if it said why it stopped, and broken if not", () => {
    for (const { text } of streams) {
      const messages = messagesOf(text);
      const whole = fold(decode(messages));
      expect(fold(decode(messages.slice(0, -1)))).toEqual(whole);
      const error = chatErrorOf(() => decode(messages.slice(0, -2)));
      expect(error.kind).toBe("bad-upstream");
    }
  });

  test("is broken by an error event in its middle, with the provider's status and words", () => {
    const [stream] = streams;
    const messages = messagesOf(stream?.text ?? "").slice(0, 4);
    const error = chatErrorOf(() =>
      decode([
        ...messages,
        {
          event: "error",
          data: '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        },
      ]),
    );
    expect(error.kind).toBe("unavailable");
    expect(error.message).toContain("Overloaded");
  });

  test("goes on past events and blocks that nobody here knows", () => {
    const [stream] = streams;
    const messages = messagesOf(stream?.text ?? "");
    const strange = [
      { event: "news", data: '{"type":"news"}' },
      {
        event: "content_block_start",
        data: '{"type":"content_block_start","index":77,"content_block":{"type":"hologram"}}',
      },
      {
        event: "content_block_delta",
        data: '{"type":"content_block_delta","index":77,"delta":{"type":"light_delta"}}',
      },
      { event: "content_block_stop", data: '{"type":"content_block_stop","index":77}' },
    ];
    const again = decode([...messages.slice(0, 1), ...strange, ...messages.slice(1)]);
    expect(fold(again)).toEqual(fold(decode(messages)));
  });
});
