import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { ChatRequest, ReasoningPart } from "../../hub/request.ts";
import { type Assistant, graftMessages } from "../graft.ts";
import { isJsonArray } from "../walk.ts";
import { isThought } from "./blocks.ts";
import { encodeThought } from "./ingress-reply.ts";

/** See ProviderHalf: thinking blocks are those of the neutral messages, each before the block that it stood before. */
export function graft(request: ChatRequest): string {
  return graftMessages(request, graftMessage);
}

function graftMessage(message: JsonObject, { parts }: Assistant): JsonObject {
  const content = message["content"];
  const blocks: readonly Json[] = isJsonArray(content)
    ? content
    : [{ type: "text", text: content ?? "" }];
  const { front, before } = places(parts);
  const grafted: Json[] = [...front];
  for (const block of blocks) {
    if (isThought(block)) continue;
    const id = isJsonObject(block) && block["type"] === "tool_use" ? block["id"] : undefined;
    if (typeof id === "string") grafted.push(...(before.get(id) ?? []));
    grafted.push(block);
  }
  return { ...message, content: grafted };
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
