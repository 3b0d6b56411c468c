import { estimateTokens } from "../../connectors/hub/estimate.ts";
import type { ChatRequest, Part } from "../../connectors/hub/request.ts";

/** What an image or a page-like file is taken to cost when nobody says: the order of magnitude of a 1-megapixel image. */
const TOKENS_PER_MEDIA = 1000;
const TOKENS_PER_MESSAGE = 4;

/** Input tokens of a request, tools included. Never 0: even an empty conversation has its frame. */
export function estimateInput(request: ChatRequest): number {
  let tokens = TOKENS_PER_MESSAGE;
  for (const part of request.system) tokens += estimateTokens(part.text) + TOKENS_PER_MESSAGE;
  for (const message of request.messages) {
    tokens += TOKENS_PER_MESSAGE;
    for (const part of message.parts) tokens += estimatePart(part);
  }
  for (const tool of request.tools) {
    tokens += estimateTokens(tool.name) + estimateTokens(tool.description ?? "");
    if (tool.parameters) tokens += estimateTokens(JSON.stringify(tool.parameters));
  }
  return tokens;
}

function estimatePart(part: Part): number {
  switch (part.type) {
    case "text":
    case "refusal":
    case "reasoning":
      return estimateTokens(part.text);
    case "tool-call":
      return estimateTokens(part.name) + estimateTokens(part.arguments);
    case "tool-result":
      return part.parts.reduce((sum, inner) => sum + estimatePart(inner), TOKENS_PER_MESSAGE);
    case "image":
    case "audio":
    case "video":
    case "file":
      return TOKENS_PER_MEDIA;
  }
}
