import { BOTH_WAYS, BYTES_ONLY, type Capabilities, NO_WAY } from "./capabilities.ts";
import { forwarded } from "./checks.ts";
import type { HeaderValues } from "./credentials.ts";
import type { JsonObject } from "./hub/json.ts";
import { editJson } from "./hub/json-edit.ts";
import { createLine, type Endpoint, type Line, type TokenCounter } from "./line.ts";
import {
  type AnthropicQuirks,
  anthropicMessagesProvider,
} from "./wire/anthropic-messages/egress.ts";
import { lower } from "./wire/anthropic-messages/lower.ts";
import { recast } from "./wire/anthropic-messages/recast.ts";
import { traitsOf } from "./wire/anthropic-messages/models.ts";

/** The only version there is: https://docs.anthropic.com/en/api/versioning */
export const VERSION = "2023-06-01";
/** What a client may say about the dialect. Keys and organisation are the gateway's own. */
const FORWARDED = ["anthropic-beta", "anthropic-version"];

/** What this dialect needs to have said in headers: the version always, and what its client wants of it. */
export function forwardDialect(client: Headers): HeaderValues {
  return { "anthropic-version": VERSION, ...forwarded(FORWARDED, client) };
}

/** The end of a good stream. */
export const MESSAGE_STOP = { event: "message_stop", data: '{"type":"message_stop"}' } as const;

/** A caller's own body may have been written for a Claude of another generation. */
const lowerFor: Endpoint["amend"] = (request, drop, { model }) => lower(request, model, drop);

/** What the endpoint that counts does not take. */
const NOT_COUNTED = [
  "max_tokens",
  "stream",
  "temperature",
  "top_p",
  "top_k",
  "stop_sequences",
  "metadata",
  "service_tier",
];

/** Anthropic's Messages behind a base URL, given a host's quirks. `path` ends in `/messages`. */
export function anthropicLine(
  quirks: AnthropicQuirks,
  path: string,
  more: Partial<Pick<Endpoint, "forward" | "counter" | "amend">> = {},
): Line {
  return createLine(anthropicMessagesProvider, quirks, {
    path: () => path,
    forward: more.forward ?? forwardDialect,
    amend: more.amend ?? lowerFor,
    recast,
    terminator: MESSAGE_STOP,
    ...(more.counter === undefined ? {} : { counter: more.counter }),
  });
}

/** Anthropic's own counter, which takes the same body as the messages, less what only an answer needs. */
export function anthropicCounter(quirks: AnthropicQuirks, path: string): TokenCounter {
  const omitted = Object.fromEntries(NOT_COUNTED.map((field) => [field, undefined]));
  return {
    path: () => path,
    encode: (request, { model }) => {
      if (request.source.dialect === "anthropic-messages") {
        const edits = lower(request, model, () => undefined);
        return editJson(request.source.text, { model, ...edits, ...omitted });
      }
      const body = anthropicMessagesProvider.encodeRequest(request, model, quirks, () => undefined);
      return JSON.stringify({ ...body, ...omitted });
    },
    decode: readCount,
  };
}

function readCount(body: JsonObject): number | undefined {
  const tokens = body["input_tokens"];
  return typeof tokens === "number" ? tokens : undefined;
}

/** How Anthropic wants to see an API key. */
export function apiKeyHeader(apiKey: string): HeaderValues {
  return { "x-api-key": apiKey };
}

/** What a model of Claude's can do at a host, by the host's quirks and the model's name. */
export function anthropicCapabilities(quirks: AnthropicQuirks, model: string): Capabilities {
  const traits = traitsOf(model);
  const ways = quirks.mediaUrls === false ? BYTES_ONLY : BOTH_WAYS;
  return {
    image: ways,
    file: quirks.documents === false ? NO_WAY : ways,
    audio: NO_WAY,
    video: NO_WAY,
    tools: quirks.tools !== false,
    jsonObject: true,
    jsonSchema: traits.structuredOutput && quirks.schemas !== false,
    reasoning: traits.thinking !== "none",
    // From 4.6 on a last message of the assistant is refused.
    prefill: traits.thinking !== "adaptive",
    reasoningFamily: "anthropic",
    ...(traits.contextTokens === undefined ? {} : { contextTokens: traits.contextTokens }),
  };
}
