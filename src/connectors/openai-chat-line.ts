import { BOTH_WAYS, BYTES_ONLY, type Capabilities, NO_WAY } from "./capabilities.ts";
import { isJsonObject, type Json } from "./hub/json.ts";
import type { ChatRequest } from "./hub/request.ts";
import { createLine, type Line } from "./line.ts";
import { type OpenAIChatQuirks, openaiChatProvider } from "./wire/openai-chat/egress.ts";
import { isSupported } from "./wire/openai-chat/quirks.ts";
import { recast } from "./wire/openai-chat/recast.ts";

/** OpenAI's Chat Completions behind a base URL, given a host's quirks and the fields that it refuses. */
export function openaiChatLine(
  quirks: OpenAIChatQuirks,
  more: Partial<Pick<Line, "forward">> & {
    readonly refuses?: readonly string[];
    /** Behind the base URL; default `/chat/completions`. */
    readonly path?: string;
  } = {},
): Line {
  const path = more.path ?? "/chat/completions";
  const asksForUsage = (quirks.streamUsage ?? "include_usage") === "include_usage";
  return createLine(openaiChatProvider, quirks, {
    path: () => path,
    // Nothing of the client's: organisation, project and idempotency keys mean something only within one account.
    forward: more.forward ?? (() => undefined),
    amend: (request, drop) => ({
      ...(asksForUsage && request.stream ? askForUsage(request) : {}),
      ...leaveOut(more.refuses ?? [], request, drop),
    }),
    recast,
    terminator: { data: "[DONE]" },
  });
}

/** How most hosts want to see an API key. */
export function bearer(apiKey: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${apiKey}` };
}

/** The tokens must be accounted for whether or not the caller wants to see them. */
function askForUsage(request: ChatRequest): Readonly<Record<string, Json>> {
  const own = request.source.body["stream_options"];
  if (!isJsonObject(own)) return { stream_options: { include_usage: true } };
  if (own["include_usage"] === true) return {};
  return { stream_options: { ...own, include_usage: true } };
}

function leaveOut(
  refuses: readonly string[],
  request: ChatRequest,
  drop: (field: string) => void,
): Readonly<Record<string, undefined>> {
  const edits: Record<string, undefined> = {};
  for (const field of refuses) {
    if (request.source.body[field] === undefined) continue;
    edits[field] = undefined;
    drop(field);
  }
  return edits;
}

/** What a host that speaks OpenAI's Chat Completions can do, by its quirks. */
export function openaiChatCapabilities(quirks: OpenAIChatQuirks): Capabilities {
  const seen = isSupported(quirks, "mediaUrls") ? BOTH_WAYS : BYTES_ONLY;
  return {
    image: isSupported(quirks, "images") ? seen : NO_WAY,
    file: !isSupported(quirks, "files")
      ? NO_WAY
      : isSupported(quirks, "fileUrls")
        ? BOTH_WAYS
        : BYTES_ONLY,
    audio: isSupported(quirks, "audio") ? BYTES_ONLY : NO_WAY,
    video: isSupported(quirks, "video") ? seen : NO_WAY,
    tools: isSupported(quirks, "tools"),
    jsonObject: isSupported(quirks, "jsonObject"),
    jsonSchema: isSupported(quirks, "jsonSchema"),
    reasoning: quirks.reasoningRequest !== "none",
    prefill: false,
  };
}
