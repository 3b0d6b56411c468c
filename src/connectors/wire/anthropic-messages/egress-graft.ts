import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { editJson } from "../../hub/json-edit.ts";
import { mapJsonArray } from "../../hub/json-map.ts";
import type { ChatRequest, ReasoningPart } from "../../hub/request.ts";
import { type Assistant, graftMessages } from "../graft.ts";
import { isJsonArray } from "../walk.ts";
import { isThought } from "./blocks.ts";
import { encodeThought } from "./ingress-reply.ts";

/** See ProviderHalf: thinking blocks are those of the neutral messages, each before the block that it stood before. */
export function graft(request: ChatRequest): string {
  return graftMessages(request, graftMessage);
}

function graftMessage(text: string, { content }: JsonObject, { parts }: Assistant): string {
  const { front, before } = places(parts);
  if (!isJsonArray(content)) {
    return editJson(text, { content: [...front, { type: "text", text: content ?? "" }] });
  }
  let isFirst = true;
  return mapJsonArray(text, "content", (block) => {
    const value: Json = JSON.parse(block);
    const id = isJsonObject(value) && value["type"] === "tool_use" ? value["id"] : undefined;
    const thoughts = [
      ...(isFirst ? front : []),
      ...(typeof id === "string" ? (before.get(id) ?? []) : []),
    ].map((thought) => JSON.stringify(thought));
    isFirst = false;
    return [...thoughts, ...(isThought(value) ? [] : [block])].join(",");
  });
}

/** Where signed thoughts go: in front of everything, or before the call that follows them. */
function places(parts: Assistant["parts"]): {
  readonly front: readonly JsonObject[];
  readonly before: ReadonlyMap<string, readonly JsonObject[]>;
} {
  const front: JsonObject[] = [];
  const before = new Map<string, readonly JsonObject[]>();
  let pending: JsonObject[] = front;
  for (const part of parts) {
    if (part.type === "reasoning") {
      const block = isSigned(part) ? encodeThought(part) : undefined;
      if (block) pending.push(block);
    } else {
      if (part.type === "tool-call" && pending !== front) before.set(part.id, pending);
      if (part.type === "tool-call" || pending === front) pending = [];
    }
  }
  return { front, before };
}

function isSigned(part: ReasoningPart): boolean {
  return part.signature !== undefined || part.data !== undefined;
}
