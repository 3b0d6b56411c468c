/** Calls a connector as the gateway does, and keeps what comes of it. */
import type {
  ChatCall,
  Connector,
  ConnectorOptions,
  Timeouts,
  UpstreamMessage,
} from "../../src/connectors/connector.ts";
import { type ChatReply, createCollector } from "../../src/connectors/hub/collect.ts";
import type { ChatError } from "../../src/connectors/hub/error.ts";
import type { JsonObject } from "../../src/connectors/hub/json.ts";
import type { ChatRequest } from "../../src/connectors/hub/request.ts";
import { anthropicMessagesClient } from "../../src/connectors/wire/anthropic-messages/ingress.ts";
import { openaiChatClient } from "../../src/connectors/wire/openai-chat/ingress.ts";
import { errorOf } from "../support/rejection.ts";

/** Long enough for nothing to run out. */
export const PATIENT: Timeouts = {
  connectMs: 10_000,
  headersMs: 10_000,
  firstEventMs: 10_000,
  idleMs: 10_000,
};

/** A request as the OpenAI door decodes it. */
export function chatRequest(body: JsonObject = {}): ChatRequest {
  return openaiChatClient.decodeRequest(
    JSON.stringify({ model: "logical", messages: [{ role: "user", content: "Hello?" }], ...body }),
  );
}

/** A request as the Anthropic door decodes it. */
export function messagesRequest(body: JsonObject = {}): ChatRequest {
  return anthropicMessagesClient.decodeRequest(
    JSON.stringify({
      model: "m",
      max_tokens: 20,
      messages: [{ role: "user", content: "Salut ?" }],
      ...body,
    }),
  );
}

/** The same request as if a client of another dialect had made it. */
export function translated(request: ChatRequest): ChatRequest {
  return { ...request, source: { ...request.source, dialect: "gemini" } };
}

/** Options for a connector that asks `url`. */
export function optionsFor(
  kind: string,
  url: string,
  more: Partial<ConnectorOptions> = {},
): ConnectorOptions {
  return {
    name: "under-test",
    kind,
    baseUrl: url,
    apiKeys: ["sk-under-test"],
    headers: {},
    ...more,
  };
}

/** A call to the model `native`; what it drops and leaves out is kept. */
export function chatCall(more: Partial<ChatCall> = {}): ChatCall & {
  readonly dropped: string[];
  readonly malformed: () => number;
} {
  const dropped: string[] = [];
  let malformed = 0;
  return {
    target: { provider: "under-test", model: "native" },
    timeouts: PATIENT,
    signal: new AbortController().signal,
    requestId: "req_1",
    headers: new Headers(),
    drop: (field) => dropped.push(field),
    onMalformed: () => {
      malformed += 1;
    },
    dropped,
    malformed: () => malformed,
    ...more,
  };
}

/** Everything that an exchange yields, and what it adds up to. */
export async function converse(
  connector: Connector,
  request: ChatRequest,
  call: ChatCall = chatCall(),
): Promise<{ readonly messages: readonly UpstreamMessage[]; readonly reply: ChatReply }> {
  const messages: UpstreamMessage[] = [];
  const collector = createCollector();
  const keep = (message: UpstreamMessage): void => {
    messages.push(message);
    for (const event of message.events) collector.push(event);
  };
  if (request.stream) for await (const message of connector.chat(request, call)) keep(message);
  else keep(await connector.complete(request, call));
  return { messages, reply: collector.reply() };
}

/** The ChatError that an exchange ends with. */
export function failure(
  connector: Connector,
  request: ChatRequest,
  call: ChatCall = chatCall(),
): Promise<ChatError> {
  return errorOf(converse(connector, request, call));
}
