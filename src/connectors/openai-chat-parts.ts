import { isJsonObject, type Json } from "./hub/json.ts";
import type { ChatRequest } from "./hub/request.ts";
import type { HttpConnectorParts } from "./http-connector.ts";
import { type OpenAIChatQuirks, openaiChatProvider } from "./wire/openai-chat/egress.ts";

/** What all hosts that speak OpenAI's Chat Completions have in common, given the quirks of one. */
export function openaiChatParts(
  quirks: OpenAIChatQuirks,
  refuses: readonly string[] = [],
): Omit<HttpConnectorParts<OpenAIChatQuirks>, "baseUrl" | "modelsPath"> {
  const asksForUsage = (quirks.streamUsage ?? "include_usage") === "include_usage";
  return {
    wire: openaiChatProvider,
    quirks,
    chatPath: () => "/chat/completions",
    authorize: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
    headers: () => ({}),
    // Nothing of the client's: organisation, project and idempotency keys mean something only within one account.
    forward: () => undefined,
    amend: (request, drop) => ({
      ...(asksForUsage && request.stream ? askForUsage(request) : {}),
      ...leaveOut(refuses, request, drop),
    }),
    terminator: { data: "[DONE]" },
  };
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
