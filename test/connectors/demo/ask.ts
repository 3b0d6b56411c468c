/** Asks a demo connector the way the gateway does, on a clock that passes only when somebody waits. */
import type {
  ChatCall,
  Connector,
  Timeouts,
  UpstreamMessage,
} from "../../../src/connectors/connector.ts";
import { createDemoConnector } from "../../../src/connectors/demo.ts";
import type { Clock } from "../../../src/connectors/demo/pace.ts";
import { createCollector, type ChatReply } from "../../../src/connectors/hub/collect.ts";
import type { ChatEvent } from "../../../src/connectors/hub/event.ts";
import type { JsonObject } from "../../../src/connectors/hub/json.ts";
import type { ChatRequest } from "../../../src/connectors/hub/request.ts";
import { openaiChatClient } from "../../../src/connectors/wire/openai-chat/ingress.ts";

const timeouts: Timeouts = {
  connectMs: 1_000,
  headersMs: 60_000,
  firstEventMs: 10_000,
  idleMs: 20_000,
};

/** A clock at 0 that jumps to the end of every wait, and tells how long each was. */
export function createFakeClock(): Clock & { readonly waits: readonly number[] } {
  const waits: number[] = [];
  let now = 0;
  return {
    waits,
    now: () => now,
    wait(ms, signal) {
      signal.throwIfAborted();
      waits.push(ms);
      now += ms;
      return Promise.resolve();
    },
  };
}

export function createDemo(clock: Clock = createFakeClock()): Connector {
  return createDemoConnector({ name: "demo" }, clock);
}

/** A request in OpenAI's words; a string is the one user message. */
export function toRequest(body: string | JsonObject): ChatRequest {
  const whole = typeof body === "string" ? { messages: [{ role: "user", content: body }] } : body;
  return openaiChatClient.decodeRequest(JSON.stringify({ model: "demo/any", ...whole }));
}

export function toCall(model: string, changes: Partial<ChatCall> = {}): ChatCall {
  return {
    target: { provider: "demo", model },
    timeouts,
    signal: new AbortController().signal,
    requestId: "request-1",
    headers: new Headers(),
    drop: () => {},
    ...changes,
  };
}

export type Asked = {
  readonly messages: readonly UpstreamMessage[];
  readonly events: readonly ChatEvent[];
  readonly reply: ChatReply;
  /** All visible text. */
  readonly text: string;
};

export async function ask(
  model: string,
  body: string | JsonObject,
  { connector = createDemo(), ...changes }: Partial<ChatCall> & { connector?: Connector } = {},
): Promise<Asked> {
  const messages: UpstreamMessage[] = [];
  const collector = createCollector();
  const request = toRequest(body);
  const call = toCall(model, changes);
  const keep = (message: UpstreamMessage): void => {
    messages.push(message);
    for (const event of message.events) collector.push(event);
  };
  if (request.stream) for await (const message of connector.chat(request, call)) keep(message);
  else keep(await connector.complete(request, call));
  const reply = collector.reply();
  return {
    messages,
    events: messages.flatMap((message) => message.events),
    reply,
    text: reply.parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
  };
}

/** A body with one message of the user's. */
export function asking(content: string, more: JsonObject = {}): JsonObject {
  return { messages: [{ role: "user", content }], ...more };
}

/** A tool in OpenAI's words. */
export const weather = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, unit: { enum: ["celsius", "fahrenheit"] } },
      required: ["city", "unit"],
      additionalProperties: false,
    },
  },
};
