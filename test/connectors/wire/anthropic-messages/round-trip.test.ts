import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";

import type { ChatReply } from "../../../../src/connectors/hub/collect.ts";
import type { Part } from "../../../../src/connectors/hub/request.ts";
import type { Usage } from "../../../../src/connectors/hub/usage.ts";
import { anthropicMessagesProvider as provider } from "../../../../src/connectors/wire/anthropic-messages/egress.ts";
import { anthropicMessagesClient as client } from "../../../../src/connectors/wire/anthropic-messages/ingress.ts";
import { answer } from "../openai-chat/_answer-arbitrary.ts";
import { CONTEXT, encodeFor, fold, plain } from "../machines.ts";
import { decode, encode, expectGrammar } from "./_machines.ts";
import { request } from "./_request-arbitrary.ts";

test("a request written for a provider reads back as the same request", () => {
  fc.assert(
    fc.property(request, (original) => {
      const { body, dropped } = encodeFor(provider, original, original.model, {});
      const { source: _, ...again } = client.decodeRequest(JSON.stringify(body));
      const { source: __, ...expected } = original;
      expect(dropped).toEqual([]);
      expect(plain(again)).toEqual(plain(expected));
    }),
    { seed: 1, numRuns: 300 },
  );
});

/** What the dialect can say of a part. */
function sayable(part: Part): Part | undefined {
  if (part.type === "tool-call") return { ...part, arguments: canonical(part.arguments) };
  if (part.type !== "text" && part.type !== "refusal") return part;
  return part.text === "" ? undefined : { type: "text", text: part.text };
}

/** Arguments are an object in this dialect, whatever spaces and faults they had. */
function canonical(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      return Object.keys(value).length === 0 ? "" : JSON.stringify(value);
    }
  } catch {
    // Kept as it is, inside an object.
  }
  return text.trim() === "" ? "" : JSON.stringify({ raw_arguments: text });
}

/** The counts that the dialect has; without any of the cache is with none of it. */
function counts(usage: Usage | undefined): unknown {
  if (!usage) return null;
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = usage;
  return {
    inputTokens,
    outputTokens,
    cacheReadTokens: cacheReadTokens ?? 0,
    cacheWriteTokens: cacheWriteTokens ?? 0,
    reasoningTokens: reasoningTokens ?? 0,
  };
}

/** Thoughts of other makers come back from a client as they were packed for it; a provider's are its own. */
function unpacked(part: Part): unknown {
  if (part.type !== "reasoning") return part;
  const own = { role: "assistant", content: [thoughtOf(part)] };
  const body = { model: "m", messages: [own] };
  const [message] = client.decodeRequest(JSON.stringify(body)).messages;
  const [thought] = message?.parts ?? [];
  return thought ?? part;
}

function thoughtOf(part: Extract<Part, { type: "reasoning" }>): object {
  return part.form === "encrypted"
    ? { type: "redacted_thinking", data: part.data ?? "" }
    : { type: "thinking", thinking: part.text, signature: part.signature ?? "" };
}

/** Whether there are counts, and input that no cache had. */
function isTold(usage: Usage | undefined): boolean {
  const cached = (usage?.cacheReadTokens ?? 0) + (usage?.cacheWriteTokens ?? 0);
  return usage !== undefined && usage.inputTokens > cached;
}

/** What must come through; a count that the original has not is an estimate, and input of 0 is no news after one. */
function told(
  { parts, finish, usage }: ChatReply,
  read: (part: Part) => unknown,
  original?: ChatReply,
): unknown {
  const said = parts.map(sayable).filter((part) => part !== undefined);
  const counted = isTold((original ?? { usage }).usage) ? counts(usage) : null;
  return plain({ parts: said.map(read), finish, usage: counted });
}

/** What signs or hides without a maker's name is Anthropic's; a call has no signature here. */
function marked(part: Part): unknown {
  if (part.type === "tool-call") return { ...part, signature: undefined };
  if (part.type !== "reasoning" || part.format !== undefined || part.id !== undefined) return part;
  const isOwn = part.form === "encrypted" || (part.form === "text" && part.signature !== undefined);
  return isOwn ? { ...part, format: "anthropic-claude-v1" } : part;
}

describe("answers", () => {
  test("a stream written for a client is in order, and reads back as the same answer", () => {
    fc.assert(
      fc.property(answer, (events) => {
        const written = encode(events);
        expectGrammar(written);
        const reply = fold(events);
        expect(told(fold(decode(written)), unpacked, reply)).toEqual(told(reply, marked));
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  test("a whole reply written for a client reads back as the same answer", () => {
    fc.assert(
      fc.property(answer, (events) => {
        const reply = fold(events);
        const body = client.encodeReply(reply, CONTEXT);
        const again = fold(provider.decodeReply(body, {}));
        expect(told(again, unpacked, reply)).toEqual(told(reply, marked));
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
