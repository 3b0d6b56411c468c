import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { editJson } from "../../hub/json-edit.ts";
import { mapJsonArray } from "../../hub/json-map.ts";
import type { ChatRequest } from "../../hub/request.ts";
import { type Assistant, graftMessages } from "../graft.ts";
import { encodeSignature } from "./extra-content.ts";
import { encodeDetail } from "./reasoning.ts";

/** See ProviderHalf: `reasoning_details` and the signatures of calls are those of the neutral messages. */
export function graft(request: ChatRequest): string {
  return graftMessages(request, graftMessage);
}

function graftMessage(text: string, _: JsonObject, { parts }: Assistant): string {
  const details = parts
    .filter((part) => part.type === "reasoning")
    .filter((part) => part.signature !== undefined || part.data !== undefined)
    .flatMap((part, index) => encodeDetail(part, index));
  const grafted = editJson(text, { reasoning_details: details.length > 0 ? details : undefined });
  return mapJsonArray(grafted, "tool_calls", (call) => graftCall(call, parts));
}

function graftCall(text: string, parts: Assistant["parts"]): string {
  const call: Json = JSON.parse(text);
  if (!isJsonObject(call)) return text;
  const neutral = parts.find((part) => part.type === "tool-call" && part.id === call["id"]);
  const signature = neutral?.type === "tool-call" ? neutral.signature : undefined;
  return editJson(text, { extra_content: encodeSignature(signature)["extra_content"] });
}
