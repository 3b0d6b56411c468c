/** The wire's machines driven with plain arrays. */
import type { ChatEvent } from "../../../../src/connectors/hub/event.ts";
import type { ReplyContext } from "../../../../src/connectors/hub/wire.ts";
import { openaiChatProvider } from "../../../../src/connectors/wire/openai-chat/egress.ts";
import { openaiChatClient } from "../../../../src/connectors/wire/openai-chat/ingress.ts";
import { CONTEXT } from "../machines.ts";

/** Decodes data payloads and the end of the bytes. */
export function decodePayloads(payloads: readonly string[]): readonly ChatEvent[] {
  const decoder = openaiChatProvider.decodeStream({});
  const events = payloads.flatMap((data) => decoder.push({ data }));
  return [...events, ...decoder.end()];
}

/** Decodes chunks, with `[DONE]` behind them. */
export function decodeChunks(chunks: readonly unknown[]): readonly ChatEvent[] {
  return decodePayloads([...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"]);
}

/** What a client of ours reads when these events are written for it. */
export function encodeEvents(
  events: readonly ChatEvent[],
  context: ReplyContext = CONTEXT,
): readonly string[] {
  const encoder = openaiChatClient.encodeStream(context);
  return payloadsOf(events.map((event) => encoder.push(event)).join("") + encoder.end());
}

/** The payloads of SSE text in which every message is one data line. */
export function payloadsOf(text: string): readonly string[] {
  if (text !== "" && !text.endsWith("\n\n")) throw new Error(`an unfinished message: ${text}`);
  const messages = text.split("\n\n").slice(0, -1);
  return messages.map((message) => {
    if (!/^data: [^\n]*$/.test(message)) throw new Error(`not one data line: ${message}`);
    return message.slice("data: ".length);
  });
}
