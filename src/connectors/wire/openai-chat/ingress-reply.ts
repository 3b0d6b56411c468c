import type { ChatReply } from "../../hub/collect.ts";
import { replaceJson } from "../../hub/json-edit.ts";
import type { JsonObject } from "../../hub/json.ts";
import type { AudioPart, ImagePart, Part, ReasoningPart, ToolCallPart } from "../../hub/request.ts";
import type { ReplyContext } from "../../hub/wire.ts";
import { encodeSignature } from "./extra-content.ts";
import { encodeFinish } from "./finish.ts";
import { toUrl } from "./media.ts";
import { encodeDetail, readableText } from "./reasoning.ts";
import { encodeUsage } from "./usage.ts";

/** A piece of speech as `delta.audio` or, whole, `message.audio`. */
type Speech = AudioPart & { readonly id?: string; readonly transcript?: string };

function partsOf<Type extends Part["type"]>(
  reply: ChatReply,
  type: Type,
): Extract<Part, { type: Type }>[] {
  return reply.parts.filter((part): part is Extract<Part, { type: Type }> => part.type === type);
}

/** A generated image, as OpenRouter gives it. */
export function encodeImage(part: ImagePart): JsonObject {
  return { type: "image_url", image_url: { url: toUrl(part) } };
}

/** Speech, or a piece of it. */
export function encodeSpeech(part: Speech): JsonObject {
  return {
    ...(part.id === undefined ? {} : { id: part.id }),
    ...(part.source.kind === "base64" && part.source.data !== "" ? { data: part.source.data } : {}),
    ...(part.transcript === undefined ? {} : { transcript: part.transcript }),
  };
}

/** Pieces of speech as one: every piece is base64 of its own, so the bytes are joined and not the text. */
function joinSpeech(pieces: readonly Speech[]): JsonObject {
  const bytes = pieces.map(({ source }) =>
    Buffer.from(source.kind === "base64" ? source.data : "", "base64"),
  );
  const id = pieces.find((piece) => piece.id !== undefined)?.id;
  return {
    ...(id === undefined ? {} : { id }),
    data: Buffer.concat(bytes).toString("base64"),
    transcript: pieces.map((piece) => piece.transcript ?? "").join(""),
  };
}

/** The fields in which the different families of clients look for thoughts. */
function encodeReasoning(parts: readonly ReasoningPart[]): JsonObject {
  if (parts.length === 0) return {};
  const text = readableText(parts);
  return {
    ...(text === "" ? {} : { reasoning_content: text, reasoning: text }),
    reasoning_details: parts.flatMap((part, index) => encodeDetail(part, index)),
  };
}

function encodeCall(part: ToolCallPart): JsonObject {
  return {
    id: part.id,
    type: "function",
    // Clients hand the arguments to a JSON parser, which takes no empty text.
    function: { name: part.name, arguments: part.arguments === "" ? "{}" : part.arguments },
    ...encodeSignature(part.signature),
  };
}

/** A whole answer as a `chat.completion`. */
export function encodeReply(reply: ChatReply, context: ReplyContext): JsonObject {
  const text = partsOf(reply, "text");
  const refusals = partsOf(reply, "refusal");
  const calls = partsOf(reply, "tool-call");
  const images = partsOf(reply, "image");
  const speech = partsOf(reply, "audio");
  const refusal = refusals.map((part) => part.text).join("");
  return {
    id: reply.id ?? `chatcmpl-${context.requestId}`,
    object: "chat.completion",
    created: reply.created ?? context.created,
    model: context.model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: text.length === 0 ? null : text.map((part) => part.text).join(""),
          refusal: refusals.length === 0 ? null : refusal,
          ...encodeReasoning(partsOf(reply, "reasoning")),
          ...(calls.length === 0 ? {} : { tool_calls: calls.map(encodeCall) }),
          ...(reply.annotations.length === 0 ? {} : { annotations: reply.annotations }),
          ...(images.length === 0 ? {} : { images: images.map(encodeImage) }),
          ...(speech.length === 0 ? {} : { audio: joinSpeech(speech) }),
        },
        logprobs: reply.logprobs
          ? { content: reply.logprobs.content, refusal: reply.logprobs.refusal ?? null }
          : null,
        finish_reason: encodeFinish(reply.finish),
        ...(reply.nativeFinish === undefined ? {} : { native_finish_reason: reply.nativeFinish }),
        ...(reply.stopSequence === undefined ? {} : { stop_reason: reply.stopSequence }),
      },
    ],
    ...(reply.usage ? { usage: encodeUsage(reply.usage) } : {}),
  };
}

/** A whole reply of this dialect under the name by which the caller knows the model. */
export function passReply(text: string, context: ReplyContext): string {
  return replaceJson(text, { model: context.model });
}
