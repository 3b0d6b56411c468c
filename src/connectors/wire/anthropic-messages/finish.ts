import type { FinishReason } from "../../hub/event.ts";

/** What a `stop_reason` means. `native` is there when the word says more than the hub's. */
export function decodeStopReason(word: string): {
  readonly reason: FinishReason;
  readonly native?: string;
} {
  switch (word) {
    case "end_turn":
      return { reason: "stop" };
    case "max_tokens":
      return { reason: "length" };
    case "tool_use":
      return { reason: "tool-calls" };
    case "stop_sequence":
      return { reason: "stop-sequence" };
    case "pause_turn":
      return { reason: "pause" };
    case "refusal":
      return { reason: "refusal" };
    case "model_context_window_exceeded":
      return { reason: "length", native: word };
    default:
      return { reason: "stop", native: word };
  }
}

/** The `stop_reason` for a finish; the provider's own word where it is one of this dialect. */
export function encodeStopReason(reason: FinishReason, native: string | undefined): string {
  if (native === "model_context_window_exceeded") return native;
  switch (reason) {
    case "stop":
      return "end_turn";
    case "length":
      return "max_tokens";
    case "tool-calls":
      return "tool_use";
    case "stop-sequence":
      return "stop_sequence";
    case "pause":
      return "pause_turn";
    case "refusal":
      return "refusal";
  }
}
