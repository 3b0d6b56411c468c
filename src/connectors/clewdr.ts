import { anthropicCapabilities, anthropicCounter, anthropicLine } from "./anthropic-line.ts";
import type { Capabilities } from "./capabilities.ts";
import {
  clewdrError,
  retellRedirect,
  streamedIfGreeting,
  withEstimates,
  withInferredEnd,
  withoutCanned,
  withSilentOff,
} from "./clewdr-line.ts";
import type { Connector, ConnectorOptions } from "./connector.ts";
import { createHttpConnector } from "./http-connector.ts";
import type { Line } from "./line.ts";
import { bearer, openaiChatCapabilities, openaiChatLine } from "./openai-chat-line.ts";
import type { AnthropicQuirks } from "./wire/anthropic-messages/egress.ts";
import type { OpenAIChatQuirks } from "./wire/openai-chat/egress.ts";

/** Where Clewdr listens unless told otherwise (its source, v0.13). */
const BASE_URL = "http://localhost:8484";

/** Claude Code's own API: everything that Anthropic takes. */
const CODE: AnthropicQuirks = {};
/** The web chat: text and pictures; what else it is given it drops without a word, so that it is refused before. */
const WEB: AnthropicQuirks = {
  mediaUrls: false,
  documents: false,
  fileIds: false,
  tools: false,
  schemas: false,
  cache: false,
};
/** The web chat in OpenAI's dialect, of which it knows the text. */
const OPENAI: OpenAIChatQuirks = {
  systemRole: "system",
  streamUsage: "unsupported",
  // Another word is a body that it cannot read.
  efforts: ["low", "medium", "high"],
  supports: {
    // It drops addresses without a word.
    mediaUrls: false,
    audio: false,
    files: false,
    tools: false,
    strictTools: false,
    parallelToolCalls: false,
    jsonObject: false,
    jsonSchema: false,
    logprobs: false,
    logitBias: false,
    seed: false,
    penalties: false,
    names: false,
    user: false,
  },
};

/** What a backend is made of. */
type Backend = {
  readonly line: Line;
  readonly models: string;
  readonly capabilities: (model: string) => Capabilities;
};

function codeBackend(): Backend {
  const messages = "/code/v1/messages";
  const counter = anthropicCounter(CODE, `${messages}/count_tokens`);
  return {
    line: withoutCanned(streamedIfGreeting(anthropicLine(CODE, messages, { counter }))),
    models: "/code/v1/models",
    capabilities: (model) => anthropicCapabilities(CODE, model),
  };
}

function webBackend(): Backend {
  const line = withoutCanned(streamedIfGreeting(withSilentOff(anthropicLine(WEB, "/v1/messages"))));
  return {
    // Its events lack names and its replies reasons, which clients of the dialect go by.
    line: { ...withEstimates(line), isTranslated: true },
    models: "/v1/models",
    capabilities: (model) => anthropicCapabilities(WEB, model),
  };
}

function openaiBackend(): Backend {
  const line = withSilentOff(openaiChatLine(OPENAI, { path: "/v1/chat/completions" }));
  const capabilities: Capabilities = {
    ...openaiChatCapabilities(OPENAI),
    reasoningFamily: "none",
  };
  return {
    // Its chunks hold text and nothing else, and it knows no roles but three.
    line: { ...withEstimates(streamedIfGreeting(withInferredEnd(line))), isTranslated: true },
    models: "/v1/models",
    capabilities: () => capabilities,
  };
}

const backends = { code: codeBackend, web: webBackend, openai: openaiBackend } as const;

/**
 * Clewdr, somebody's own host for Claude accounts. `backend` says which of its faces is spoken to: `code` (the default, true to
 * Anthropic's API), `web` (text and pictures, counts estimated) or `openai` (as the earlier gateway used it).
 */
export function createClewdrConnector(options: ConnectorOptions): Connector {
  const { line, models, capabilities } = backends[options.backend ?? "code"]();
  const told: Line = { ...line, decodeError: clewdrError(line) };
  return createHttpConnector(options, {
    baseUrl: BASE_URL,
    lineFor: () => told,
    capabilities: (target) => capabilities(target.model),
    // Its chat and its lists take nothing but a bearer token; the rest takes one too.
    authorize: bearer,
    retell: retellRedirect,
    models: { path: models, line: told },
  });
}
