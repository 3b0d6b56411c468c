import type { FinishReason } from "../../hub/event.ts";

/** What a provider's `finish_reason` means. `native` is there when the word says more than OpenAI's own five. */
export type Finish =
  | { readonly reason: FinishReason; readonly native?: string }
  /** The answer broke off. */
  | { readonly reason: "error" };

/** Reads `finish_reason`, also the words that compatible hosts have added. */
export function decodeFinish(word: string): Finish {
  switch (word) {
    case "stop":
      return { reason: "stop" };
    case "length":
      return { reason: "length" };
    case "tool_calls":
      return { reason: "tool-calls" };
    case "content_filter":
      return { reason: "refusal" };
    case "function_call":
    case "tool_use":
      return { reason: "tool-calls", native: word };
    case "max_tokens":
    case "model_length":
      return { reason: "length", native: word };
    case "stop_sequence":
      return { reason: "stop-sequence", native: word };
    case "refusal":
    case "safety":
    case "sensitive":
      return { reason: "refusal", native: word };
    // OpenRouter, DeepSeek and Zhipu, in this order.
    case "error":
    case "insufficient_system_resource":
    case "network_error":
      return { reason: "error" };
    default:
      return { reason: "stop", native: word };
  }
}

/** OpenAI has no word for a stop sequence or a pause; both are a `stop`. */
export function encodeFinish(reason: FinishReason): string {
  switch (reason) {
    case "stop":
    case "stop-sequence":
    case "pause":
      return "stop";
    case "length":
      return "length";
    case "tool-calls":
      return "tool_calls";
    case "refusal":
      return "content_filter";
  }
}
