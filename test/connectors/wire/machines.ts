/** What the tests of every wire drive its machines with: plain values in, plain values out. */
import { type ChatReply, createCollector } from "../../../src/connectors/hub/collect.ts";
import type { ChatEvent } from "../../../src/connectors/hub/event.ts";
import { type JsonObject } from "../../../src/connectors/hub/json.ts";
import type { ChatRequest, Dialect } from "../../../src/connectors/hub/request.ts";
import type { ProviderHalf, ReplyContext } from "../../../src/connectors/hub/wire.ts";

/** Of an answer to a client that wants the usage of its stream. */
export const CONTEXT: ReplyContext = {
  requestId: "req-1",
  model: "logical",
  created: 1_700_000_000,
  streamUsage: true,
  estimateInput: () => 7,
};

/** A plain question with these fields, as a client of `dialect` asked it. */
export function requestOf(dialect: Dialect, fields: Partial<ChatRequest>): ChatRequest {
  return {
    model: "logical",
    system: [],
    messages: [{ role: "user", parts: [{ type: "text", text: "Hello there" }] }],
    tools: [],
    sampling: {},
    stop: [],
    stream: false,
    streamUsage: false,
    unmapped: [],
    source: { dialect, text: "{}", body: {} },
    ...fields,
  };
}

/** A body for a provider, and the names of what was left out of it. */
export type Encoded = { readonly body: JsonObject; readonly dropped: readonly string[] };

/** What a provider is sent for a request. */
export function encodeFor<Quirks>(
  provider: ProviderHalf<Quirks>,
  request: ChatRequest,
  model: string,
  quirks: Quirks,
): Encoded {
  const dropped: string[] = [];
  const body = provider.encodeRequest(request, model, quirks, (field) => dropped.push(field));
  return { body, dropped };
}

/** What events add up to. */
export function fold(events: readonly ChatEvent[]): ChatReply {
  const collector = createCollector();
  for (const event of events) collector.push(event);
  return collector.reply();
}

/** As JSON says it: without fields that are undefined, blind to prototypes. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
