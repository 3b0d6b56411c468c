/** The wire's machines driven with plain arrays, and the grammar that clients hold its streams to. */
import { expect } from "bun:test";

import type { ChatEvent } from "../../../../src/connectors/hub/event.ts";
import type { SseMessage } from "../../../../src/connectors/hub/wire.ts";
import { anthropicMessagesProvider } from "../../../../src/connectors/wire/anthropic-messages/egress.ts";
import { anthropicMessagesClient } from "../../../../src/connectors/wire/anthropic-messages/ingress.ts";
import { CONTEXT } from "../machines.ts";
import { parseObject } from "../../../support/json.ts";

/** The messages of SSE text, each with a name and one data line. */
export function messagesOf(text: string): readonly SseMessage[] {
  if (text !== "" && !text.endsWith("\n\n")) throw new Error(`an unfinished message: ${text}`);
  return text
    .split("\n\n")
    .slice(0, -1)
    .map((message) => {
      const [, event, data] = /^event: ([a-z_]+)\ndata: ([^\n]*)$/.exec(message) ?? [];
      if (event === undefined || data === undefined) throw new Error(`not a message: ${message}`);
      return { event, data };
    });
}

/** Decodes a stream and the end of its bytes. */
export function decode(messages: readonly SseMessage[]): readonly ChatEvent[] {
  const decoder = anthropicMessagesProvider.decodeStream({});
  const events = messages.flatMap((message) => decoder.push(message));
  return [...events, ...decoder.end()];
}

/** What a client of ours reads when these events are written for it. */
export function encode(events: readonly ChatEvent[]): readonly SseMessage[] {
  const encoder = anthropicMessagesClient.encodeStream(CONTEXT);
  return messagesOf(events.map((event) => encoder.push(event)).join("") + encoder.end());
}

/**
 * The order that https://docs.anthropic.com/en/docs/build-with-claude/streaming promises: a start, blocks one after the other,
 * each begun, grown and ended under its own number, one delta with the reason, the end.
 */
export function expectGrammar(messages: readonly SseMessage[]): void {
  const types = messages.map(({ event, data }) => {
    expect(parseObject(data)["type"]).toBe(event);
    return event;
  });
  expect(types[0]).toBe("message_start");
  expect(types.slice(-2)).toEqual(["message_delta", "message_stop"]);
  let open: number | undefined;
  let next = 0;
  for (const { event, data } of messages.slice(1, -2)) {
    if (event === "ping") continue;
    const { index } = parseObject(data);
    if (event === "content_block_start") {
      expect(open).toBeUndefined();
      expect(index).toBe(next);
      open = next;
      next += 1;
    } else {
      expect(event).toBeOneOf(["content_block_delta", "content_block_stop"]);
      expect(index).toBe(open);
      if (event === "content_block_stop") open = undefined;
    }
  }
  expect(open).toBeUndefined();
}
