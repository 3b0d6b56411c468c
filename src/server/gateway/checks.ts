import { ChatError } from "../../connectors/hub/error.ts";
import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Config } from "../config/config.ts";

/** Refuses what no provider should be asked, before any money is spent. Throws ChatError `invalid-request`. */
export function checkRequest(request: ChatRequest, limits: Config["limits"]): void {
  const messages = request.messages.length + request.system.length;
  // Messages that the neutral model has no place for are a matter between the caller and a target of its dialect.
  if (messages === 0 && request.unmapped.length === 0) {
    throw new ChatError("invalid-request", "`messages` is empty; at least one message is needed", {
      param: "messages",
    });
  }
  if (limits.maxMessages > 0 && messages > limits.maxMessages) {
    throw new ChatError(
      "invalid-request",
      `\`messages\` holds ${messages} messages; this gateway takes at most ${limits.maxMessages}`,
      { param: "messages" },
    );
  }
  const tokens = request.maxOutputTokens;
  if (tokens !== undefined && (tokens < 1 || !Number.isInteger(tokens))) {
    throw new ChatError(
      "invalid-request",
      `the most tokens to answer with must be a whole number of at least 1, not ${tokens}`,
      { param: "max_tokens" },
    );
  }
  if (limits.maxTokens > 0 && tokens !== undefined && tokens > limits.maxTokens) {
    throw new ChatError(
      "invalid-request",
      `the request asks for up to ${tokens} tokens; this gateway gives at most ${limits.maxTokens}`,
      { param: "max_tokens" },
    );
  }
  const { temperature, topP, topLogprobs } = request.sampling;
  checkRange("temperature", temperature, 0, 2);
  checkRange("top_p", topP, 0, 1);
  checkRange("top_logprobs", topLogprobs, 0, 20);
  checkRange("frequency_penalty", request.sampling.frequencyPenalty, -2, 2);
  checkRange("presence_penalty", request.sampling.presencePenalty, -2, 2);
}

function checkRange(param: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (value >= least && value <= most)) return;
  throw new ChatError(
    "invalid-request",
    `\`${param}\` is ${value}; it must be between ${least} and ${most}`,
    { param },
  );
}
