import type { ChatEvent } from "../../hub/event.ts";
import { estimateLength } from "../../hub/estimate.ts";
import { isJsonObject } from "../../hub/json.ts";
import { replaceJsonWithin } from "../../hub/json-edit.ts";
import type { Usage } from "../../hub/usage.ts";
import type { ReplyContext, StreamEncoder } from "../../hub/wire.ts";
import { frame } from "../frame.ts";
import { encodeStopReason } from "./finish.ts";
import { createBlockWriter, send } from "./ingress-block-writer.ts";
import { encodeError } from "./ingress-error.ts";
import { usageOrEstimate } from "./ingress-reply.ts";
import { encodeUsage } from "./usage.ts";

/** A sign of life; clients pass over it. */
export const PING = send("ping", {});

/** Starts the machine that writes one answer as Anthropic's stream events. */
export function encodeStream(context: ReplyContext): StreamEncoder {
  const blocks = createBlockWriter();
  let begun = false;
  /** Characters of the answer and the last of them, for the count of a provider that keeps none. */
  let written = 0;
  let latest = "";
  let usage: Usage | undefined;
  let finish: Extract<ChatEvent, { type: "finish" }> | undefined;
  /** The provider's own `message_stop`, kept until the end is known to be a good one. */
  let stop: string | undefined;
  let passed = false;

  const begin = (id: string | undefined): string => {
    begun = true;
    return (
      send("message_start", {
        message: {
          id: id ?? `msg_${context.requestId}`,
          type: "message",
          role: "assistant",
          model: context.model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: encodeUsage({ ...usageOrEstimate(usage, context, () => 0), outputTokens: 0 }),
        },
      }) + PING
    );
  };

  return {
    push(event) {
      if (event.type === "start") {
        usage = event.usage ?? usage;
        return begun ? "" : begin(event.id);
      }
      const opening = begun ? "" : begin(undefined);
      if (event.type === "usage") usage = event.usage;
      else if (event.type === "finish") finish = event;
      else {
        const piece = pieceOf(event);
        if (piece !== "") {
          written += piece.length;
          latest = piece;
        }
        return opening + blocks.push(event);
      }
      return opening;
    },
    pass({ event, data }) {
      passed = true;
      if (data === "") return "";
      const type = event ?? typeOf(data);
      if (type === "message_stop") {
        stop = frame(type, data);
        return "";
      }
      if (type !== "message_start") return frame(type, data);
      return frame(type, replaceJsonWithin(data, "message", { model: context.model }));
    },
    end() {
      if (passed) return stop ?? send("message_stop", {});
      const opening = begun ? "" : begin(undefined);
      return (
        opening +
        blocks.close() +
        send("message_delta", {
          delta: {
            stop_reason: encodeStopReason(finish?.reason ?? "stop", finish?.native),
            stop_sequence: finish?.stopSequence ?? null,
          },
          usage: encodeUsage(
            usageOrEstimate(usage, context, () => estimateLength(written, latest)),
          ),
        }) +
        send("message_stop", {})
      );
    },
    fail: (error) => frame("error", JSON.stringify(encodeError(error, context.requestId))),
  };
}

/** What an event adds to the words of an answer. */
function pieceOf(event: ChatEvent): string {
  if ("text" in event) return event.text;
  if (event.type === "tool-delta") return event.arguments;
  return event.type === "tool-start" ? event.name : "";
}

/** The name of an event that came without one (Clewdr's): clients of this dialect go by names. */
function typeOf(data: string): string | undefined {
  const first = /^\s*\{\s*"type"\s*:\s*"([a-z_]+)"/.exec(data)?.[1];
  if (first !== undefined) return first;
  const message: unknown = JSON.parse(data);
  const type = isJsonObject(message) ? message["type"] : undefined;
  return typeof type === "string" ? type : undefined;
}
