import type { JsonObject } from "./json.ts";
import type { AudioPart, ImagePart, ReasoningPart } from "./request.ts";
import type { Usage } from "./usage.ts";

/**
 * Why an answer ended. `refusal`: a safety system or the model declined; `pause`: the provider wants the same conversation
 * sent again to go on (Anthropic's pause_turn).
 */
export type FinishReason = "stop" | "length" | "tool-calls" | "refusal" | "stop-sequence" | "pause";

/**
 * What happens while a model answers. Blocks (`text`, `reasoning`, `tool`) are numbered from 0 in order of appearance and open
 * before they grow; several may be open at once. Exactly one `finish`, the last event, or one thrown ChatError ends a stream.
 */
export type ChatEvent =
  | {
      readonly type: "start";
      readonly id?: string;
      /** The model that the provider says it used. */
      readonly model?: string;
      /** Unix seconds. */
      readonly created?: number;
      /** Input tokens, where a provider tells them first. */
      readonly usage?: Usage;
    }
  | { readonly type: "text-start"; readonly index: number; readonly refusal?: boolean }
  | { readonly type: "text-delta"; readonly index: number; readonly text: string }
  | { readonly type: "text-end"; readonly index: number }
  | {
      readonly type: "reasoning-start";
      readonly index: number;
      readonly form: ReasoningPart["form"];
      readonly id?: string;
      readonly format?: string;
    }
  | { readonly type: "reasoning-delta"; readonly index: number; readonly text: string }
  /** The opaque remainder of a reasoning block: a signature over its text, or encrypted data in its place. */
  | {
      readonly type: "reasoning-signature";
      readonly index: number;
      readonly signature?: string;
      readonly data?: string;
    }
  | { readonly type: "reasoning-end"; readonly index: number }
  | {
      readonly type: "tool-start";
      readonly index: number;
      readonly id: string;
      readonly name: string;
      readonly signature?: string;
    }
  /** A piece of the arguments' JSON text. */
  | { readonly type: "tool-delta"; readonly index: number; readonly arguments: string }
  | { readonly type: "tool-end"; readonly index: number }
  /** A citation or file note in OpenAI's shape (`url_citation`, `file`, …). */
  | { readonly type: "annotation"; readonly annotation: JsonObject }
  | {
      readonly type: "logprobs";
      readonly content: readonly JsonObject[];
      readonly refusal?: readonly JsonObject[];
    }
  /** A generated image, or a piece of generated speech with its transcript. */
  | {
      readonly type: "media";
      readonly part:
        | ImagePart
        | (AudioPart & { readonly id?: string; readonly transcript?: string });
    }
  /** Replaces any earlier usage. */
  | { readonly type: "usage"; readonly usage: Usage }
  | {
      readonly type: "finish";
      readonly reason: FinishReason;
      readonly stopSequence?: string;
      /** The provider's own word for it. */
      readonly native?: string;
    };
