import { forwarded } from "./checks.ts";
import type { Connector, ConnectorOptions } from "./connector.ts";
import { createHttpConnector } from "./http-connector.ts";
import type { HeaderValues } from "./credentials.ts";
import { anthropicLine, forwardDialect } from "./anthropic-line.ts";
import { bearer, openaiChatCapabilities, openaiChatLine } from "./openai-chat-line.ts";
import { withoutForeignThoughts } from "./wire/anthropic-messages/lower-messages.ts";
import type { OpenAIChatQuirks } from "./wire/openai-chat/egress.ts";

const BASE_URL = "https://openrouter.ai/api/v1";

/** https://openrouter.ai/docs/api-reference/overview; it passes on what it does not know itself. */
const QUIRKS: OpenAIChatQuirks = {
  systemRole: "as-given",
  // In the last chunk of every stream, with the cost; asking for it is deprecated and does nothing.
  streamUsage: "always",
  reasoningRequest: "openrouter",
  efforts: ["none", "minimal", "low", "medium", "high", "xhigh", "max"],
  reasoningField: "reasoning_details",
  supports: {
    video: true,
    fileUrls: true,
    fileIds: true,
    assistantImages: true,
    topK: true,
    minP: true,
    repetitionPenalty: true,
    verbosity: true,
    promptCacheKey: true,
    cacheControl: true,
    metadata: true,
  },
};

/** What a client may say about itself and its wishes; https://openrouter.ai/docs/api-reference/overview#headers */
const FORWARDED = ["http-referer", "x-session-id", "x-openrouter-metadata", "x-anthropic-beta"];
/** OpenRouter ties its statistics to a URL. This one can belong to nobody (RFC 2606); a deployment sets its own in `headers`. */
const REFERER = "https://xjp.invalid";
const TITLE = "xjp";

/** Whose models make reasoning that must come back unchanged, by the first half of a model's name. */
const MAKERS: Readonly<Record<string, string>> = {
  anthropic: "anthropic",
  google: "gemini",
  openai: "openai",
  "x-ai": "xai",
};

/**
 * OpenRouter: openai-compatible with an address of its own, attribution, and headers that steer it. Its request fields go along in
 * the verbatim body, its comments keep the idle timer from running out, and its errors say what the provider behind it said.
 */
export function createOpenRouterConnector(options: ConnectorOptions): Connector {
  const line = openaiChatLine(QUIRKS, { forward });
  // Callers of Anthropic's dialect keep every field and block; all others take the chat, which can do more.
  const messages = anthropicLine({}, "/messages", {
    // It fits requests to models itself, but hands on thoughts as they are.
    amend: (request, drop, { model }) => withoutForeignThoughts(request, model, drop),
    forward: (client, configured) => ({
      ...forwardDialect(client),
      ...forward(client, configured),
    }),
  });
  const capabilities = openaiChatCapabilities(QUIRKS);
  return createHttpConnector(options, {
    baseUrl: BASE_URL,
    lineFor: ({ source }) => (source.dialect === messages.dialect ? messages : line),
    capabilities: ({ model }) => {
      const maker = MAKERS[model.slice(0, model.indexOf("/"))];
      return maker === undefined ? capabilities : { ...capabilities, reasoningFamily: maker };
    },
    authorize: bearer,
    headers: (configured) => ({
      "http-referer": REFERER,
      ...titled(titleIn(configured) ?? TITLE),
    }),
    models: { path: "/models", line },
  });
}

/** The client's wishes, and its own name in place of ours unless the operator has set one. */
function forward(client: Headers, configured: HeaderValues): HeaderValues | undefined {
  const headers = forwarded(FORWARDED, client);
  const title = client.get("x-openrouter-title") ?? client.get("x-title");
  if (title === null || titleIn(configured) !== undefined) return headers;
  return { ...headers, ...titled(title) };
}

/** Two names for one thing, of which both are sent; they must not disagree. */
function titled(title: string): Readonly<Record<string, string>> {
  return { "x-openrouter-title": title, "x-title": title };
}

function titleIn(headers: Readonly<Record<string, string>>): string | undefined {
  return headers["x-openrouter-title"] ?? headers["x-title"];
}
