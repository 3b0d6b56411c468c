/** Claude on Vertex AI: https://docs.anthropic.com/en/api/claude-on-vertex-ai */
import { anthropicCapabilities, anthropicCounter, MESSAGE_STOP } from "./anthropic-line.ts";
import type { Capabilities } from "./capabilities.ts";
import { forwarded } from "./checks.ts";
import type { Target } from "./connector.ts";
import { editJson } from "./hub/json-edit.ts";
import type { ChatRequest } from "./hub/request.ts";
import { urlsToInline } from "./inline-media.ts";
import { createLine, type Line } from "./line.ts";
import { placeOf } from "./vertex-address.ts";
import {
  type AnthropicQuirks,
  anthropicMessagesProvider,
} from "./wire/anthropic-messages/egress.ts";
import { recast } from "./wire/anthropic-messages/recast.ts";
import { lower } from "./wire/anthropic-messages/lower.ts";
import { cannot } from "./wire/writing.ts";

/** In the body, where Anthropic's own API wants it in a header. */
const VERSION = "vertex-2023-10-16";

/** It fetches nothing from elsewhere and keeps no files. */
export const CLAUDE_ON_VERTEX: AnthropicQuirks = { mediaUrls: false, fileIds: false };

/** Anthropic's dialect with the model in the address and the version in the body; `root` is what stands before `publishers/…`. */
export function claudeLine(root: (target: Target) => string): Line {
  const models = (target: Target): string => `${root(target)}/publishers/anthropic/models`;
  const counter = anthropicCounter(CLAUDE_ON_VERTEX, "");
  const line = createLine(anthropicMessagesProvider, CLAUDE_ON_VERTEX, {
    path: (target, stream) =>
      `${models(target)}/${placeOf(target.model).model}:${stream ? "streamRawPredict" : "rawPredict"}`,
    forward: (client) => forwarded(["anthropic-beta"], client),
    amend: (request, drop, target) => ({
      ...withoutUrls(request),
      ...lower(request, placeOf(target.model).model, drop),
      model: undefined,
      anthropic_version: VERSION,
    }),
    recast,
    terminator: MESSAGE_STOP,
    counter: {
      path: (target) => `${models(target)}/count-tokens:rawPredict`,
      encode: (request, target) =>
        editJson(counter.encode(request, { ...target, model: placeOf(target.model).model }), {
          anthropic_version: VERSION,
        }),
      decode: (body) => counter.decode(body),
    },
  });
  return {
    ...line,
    encodeRequest(request, target, drop) {
      const { model } = placeOf(target.model);
      const { model: _, ...body } = line.encodeRequest(request, { ...target, model }, drop);
      return { anthropic_version: VERSION, ...body };
    },
  };
}

/** The same for all models, as far as media go. */
function capabilities(): Capabilities {
  return anthropicCapabilities(CLAUDE_ON_VERTEX, "");
}

/** What a translated body would be refused for, before Google does it. Where media is fetched, no URL is left here. */
function withoutUrls(request: ChatRequest): Readonly<Record<string, never>> {
  for (const type of urlsToInline(request, capabilities).values()) {
    throw cannot("messages", `${type} by URL`);
  }
  return {};
}
