import type { ChatError } from "../../hub/error.ts";
import type { ChatEvent } from "../../hub/event.ts";
import { createReplacer } from "../../hub/json-edit.ts";
import { isJsonObject, type JsonObject } from "../../hub/json.ts";
import type { ReasoningPart } from "../../hub/request.ts";
import type { Usage } from "../../hub/usage.ts";
import type { RawMessage, ReplyContext, StreamEncoder } from "../../hub/wire.ts";
import { frame } from "../frame.ts";
import { encodeSignature } from "./extra-content.ts";
import { encodeFinish } from "./finish.ts";
import { encodeError } from "./ingress-error.ts";
import { encodeImage, encodeSpeech } from "./ingress-reply.ts";
import { encodeDetail } from "./reasoning.ts";
import { isJsonArray } from "../walk.ts";
import { encodeUsage } from "./usage.ts";

const DONE = "data: [DONE]\n\n";
const NO_CHOICES = /"choices"\s*:\s*\[\s*\]/;

type ReasoningBlock = Omit<ReasoningPart, "type" | "text" | "signature" | "data"> & {
  readonly position: number;
};

/** Whether a chunk is nothing but the usage block at the end of a stream. */
function isUsageOnly(data: string): boolean {
  // Two searches spare the parser every chunk but this one.
  if (!data.includes('"usage"') || !NO_CHOICES.test(data)) return false;
  const chunk: unknown = JSON.parse(data);
  if (!isJsonObject(chunk) || !isJsonObject(chunk["usage"])) return false;
  const choices = chunk["choices"];
  return isJsonArray(choices) && choices.length === 0;
}

/** Starts the machine that writes one answer as `chat.completion.chunk` messages. */
export function encodeStream(context: ReplyContext): StreamEncoder {
  /** Everything before and behind the part of a chunk that changes. */
  let head = "";
  const tail = context.streamUsage ? ',"usage":null}\n\n' : "}\n\n";
  let usage: Usage | undefined;
  const rename = createReplacer("model", context.model);
  const refusals = new Set<number>();
  let reasoningBlocks = 0;
  const reasoning = new Map<number, ReasoningBlock>();
  let toolCalls = 0;
  const tools = new Map<number, { readonly position: number; isEmpty: boolean }>();

  const begin = (id: string | undefined, created: number | undefined): string => {
    head = `data: ${JSON.stringify({
      id: id ?? `chatcmpl-${context.requestId}`,
      object: "chat.completion.chunk",
      created: created ?? context.created,
      model: context.model,
    }).slice(0, -1)},"choices":[`;
    return delta({ role: "assistant", content: "" });
  };
  const choice = (fields: string): string => `${head}{"index":0,${fields}}]${tail}`;
  const delta = (fields: JsonObject): string =>
    choice(`"delta":${JSON.stringify(fields)},"logprobs":null,"finish_reason":null`);
  const toolDelta = (position: number, fields: JsonObject): string =>
    delta({ tool_calls: [{ index: position, ...fields }] });
  const reasoningDelta = (index: number, rest: Partial<ReasoningPart>): string => {
    const block = reasoning.get(index);
    if (!block) return "";
    const { position, ...fields } = block;
    const text = rest.text ?? "";
    const entries = encodeDetail({ type: "reasoning", ...fields, ...rest, text }, position);
    const isOnlyData = text === "" && rest.signature === undefined;
    return delta({
      ...(text === "" ? {} : { reasoning_content: text, reasoning: text }),
      // Data that comes alone must not look like one more, empty piece of text.
      reasoning_details: isOnlyData ? entries.slice(-1) : entries,
    });
  };

  const encode = (event: ChatEvent): string => {
    switch (event.type) {
      case "start":
        usage = event.usage ?? usage;
        return head === "" ? begin(event.id, event.created) : "";
      case "text-start":
        if (event.refusal) refusals.add(event.index);
        return "";
      case "text-delta":
        return delta(refusals.has(event.index) ? { refusal: event.text } : { content: event.text });
      case "reasoning-start": {
        const { type: _type, index, ...fields } = event;
        reasoning.set(index, { ...fields, position: reasoningBlocks });
        reasoningBlocks += 1;
        return "";
      }
      case "reasoning-delta":
        return reasoningDelta(event.index, { text: event.text });
      case "reasoning-signature": {
        const { type: _type, index, ...fields } = event;
        return reasoningDelta(index, fields);
      }
      case "tool-start": {
        const position = toolCalls;
        tools.set(event.index, { position, isEmpty: true });
        toolCalls += 1;
        return toolDelta(position, {
          id: event.id,
          type: "function",
          function: { name: event.name, arguments: "" },
          ...encodeSignature(event.signature),
        });
      }
      case "tool-delta": {
        const tool = tools.get(event.index);
        if (!tool || event.arguments === "") return "";
        tool.isEmpty = false;
        return toolDelta(tool.position, { function: { arguments: event.arguments } });
      }
      case "tool-end": {
        const tool = tools.get(event.index);
        if (!tool?.isEmpty) return "";
        // Clients hand the arguments to a JSON parser, which takes no empty text.
        return toolDelta(tool.position, { function: { arguments: "{}" } });
      }
      case "text-end":
      case "reasoning-end":
        return "";
      case "annotation":
        return delta({ annotations: [event.annotation] });
      case "logprobs": {
        const logprobs = { content: event.content, refusal: event.refusal ?? null };
        return choice(`"delta":{},"logprobs":${JSON.stringify(logprobs)},"finish_reason":null`);
      }
      case "media":
        return delta(
          event.part.type === "image"
            ? { images: [encodeImage(event.part)] }
            : { audio: encodeSpeech(event.part) },
        );
      case "usage":
        usage = event.usage;
        return "";
      case "finish": {
        const more = JSON.stringify({
          finish_reason: encodeFinish(event.reason),
          ...(event.native === undefined ? {} : { native_finish_reason: event.native }),
          ...(event.stopSequence === undefined ? {} : { stop_reason: event.stopSequence }),
        });
        return choice(`"delta":{},"logprobs":null,${more.slice(1, -1)}`);
      }
    }
  };
  return {
    push(event) {
      const opening = head === "" && event.type !== "start" ? begin(undefined, undefined) : "";
      return opening + encode(event);
    },
    pass(message: RawMessage) {
      const { event, data } = message;
      // `end` writes it, once, and only after a good end.
      if (data === "[DONE]") return "";
      if (!context.streamUsage && isUsageOnly(data)) return "";
      return frame(event, rename(data));
    },
    end() {
      if (!context.streamUsage || usage === undefined) return DONE;
      // OpenAI's last chunk before the end: no choices, and the usage that was null so far.
      const counted = JSON.stringify(encodeUsage(usage));
      usage = undefined;
      return `${head}],"usage":${counted}}\n\n${DONE}`;
    },
    fail(error: ChatError) {
      return frame(undefined, JSON.stringify(encodeError(error, context.requestId)));
    },
  };
}
