import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { ChatRequest } from "../../hub/request.ts";
import { type Assistant, graftMessages } from "../graft.ts";
import { isJsonArray } from "../walk.ts";
import { encodeSignature } from "./extra-content.ts";
import { encodeDetail } from "./reasoning.ts";

/** See ProviderHalf: `reasoning_details` and the signatures of calls are those of the neutral messages. */
export function graft(request: ChatRequest): string {
  return graftMessages(request, graftMessage);
}

function graftMessage(message: JsonObject, { parts }: Assistant): JsonObject {
  const { reasoning_details: _, ...rest } = message;
  const details = parts
    .filter((part) => part.type === "reasoning")
    .filter((part) => part.signature !== undefined || part.data !== undefined)
    .flatMap((part, index) => encodeDetail(part, index));
  const calls = rest["tool_calls"];
  return {
    ...rest,
    ...(details.length > 0 ? { reasoning_details: details } : {}),
    ...(isJsonArray(calls) ? { tool_calls: calls.map((call) => graftCall(call, parts)) } : {}),
  };
}

function graftCall(call: Json, parts: Assistant["parts"]): Json {
  if (!isJsonObject(call)) return call;
  const { extra_content: _, ...rest } = call;
  const neutral = parts.find((part) => part.type === "tool-call" && part.id === call["id"]);
  const signature = neutral?.type === "tool-call" ? neutral.signature : undefined;
  return { ...rest, ...encodeSignature(signature) };
}
