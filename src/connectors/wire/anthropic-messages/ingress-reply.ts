import type { ChatReply } from "../../hub/collect.ts";
import { estimateTokens } from "../../hub/estimate.ts";
import { replaceJson } from "../../hub/json-edit.ts";
import type { JsonObject } from "../../hub/json.ts";
import { isJsonObject } from "../../hub/json.ts";
import type { AudioPart, ImagePart, Part, ReasoningPart } from "../../hub/request.ts";
import type { Usage } from "../../hub/usage.ts";
import type { ReplyContext } from "../../hub/wire.ts";
import { toObject } from "../arguments.ts";
import { encodeStopReason } from "./finish.ts";
import { isOwn, type Opaque, pack } from "./foreign.ts";
import { encodeUsage } from "./usage.ts";

/** A thought as a block. What another maker wants back is packed, so that it comes back with the next turn. */
export function encodeThought(part: ReasoningPart): JsonObject | undefined {
  if (part.form === "encrypted") {
    if (part.data === undefined) return undefined;
    return { type: "redacted_thinking", data: isPlain(part) ? part.data : pack(part) };
  }
  return { type: "thinking", thinking: part.text, signature: signatureOf(part) };
}

/** What stands in `signature`: never "", since clients throw thoughts away that nobody signed (Vercel's SDK). */
export function signatureOf(part: Opaque): string {
  if (part.form !== "text" || part.data !== undefined || !isPlain(part)) return pack(part);
  return part.signature ?? pack(part);
}

/** Whether the dialect's own fields hold all of a thought. */
function isPlain(part: Opaque): boolean {
  return isOwn(part) && part.id === undefined;
}

/** Media that a model made: the dialect has no block for it, Markdown has. */
export function encodeMade(
  part: ImagePart | (AudioPart & { readonly transcript?: string }),
): string {
  if (part.type === "audio") return part.transcript ?? "";
  const { source, mimeType } = part;
  if (source.kind === "file-id") return "";
  const url =
    source.kind === "url" ? source.url : `data:${mimeType ?? "image/png"};base64,${source.data}`;
  return `![image](${url})`;
}

/** A citation of the web, from OpenAI's `url_citation`; undefined for other annotations. */
export function encodeCitation(annotation: JsonObject): JsonObject | undefined {
  const nested = annotation["url_citation"];
  const citation = isJsonObject(nested) ? nested : annotation;
  const url = citation["url"];
  if (annotation["type"] !== "url_citation" || typeof url !== "string") return undefined;
  const { title, content } = citation;
  return {
    type: "web_search_result_location",
    url,
    title: typeof title === "string" ? title : null,
    cited_text: typeof content === "string" ? content : "",
    encrypted_index: "",
  };
}

/** The arguments of a call as the object that this dialect wants. */
export function toInput(text: string): JsonObject {
  return toObject(text, "raw_arguments");
}

function encodePart(part: Part): JsonObject | undefined {
  switch (part.type) {
    case "text":
    case "refusal":
      return part.text === "" ? undefined : { type: "text", text: part.text };
    case "reasoning":
      return encodeThought(part);
    case "tool-call":
      return { type: "tool_use", id: part.id, name: part.name, input: toInput(part.arguments) };
    case "image":
    case "audio": {
      const text = encodeMade(part);
      return text === "" ? undefined : { type: "text", text };
    }
    case "video":
    case "file":
    case "tool-result":
      return undefined;
  }
}

function withCitations(blocks: JsonObject[], annotations: readonly JsonObject[]): JsonObject[] {
  const citations = annotations.map(encodeCitation).filter((each) => each !== undefined);
  const at = blocks.findLastIndex((block) => block["type"] === "text");
  const block = blocks[at];
  if (block && citations.length > 0) blocks[at] = { ...block, citations };
  return blocks;
}

/** The usage of an answer; estimated, from what was written, where its provider told none. */
export function usageOrEstimate(
  usage: Usage | undefined,
  context: ReplyContext,
  outputTokens: () => number,
): Usage {
  if (usage) return usage;
  const inputTokens = context.estimateInput();
  return { inputTokens, outputTokens: outputTokens(), source: "estimated" };
}

/** Tokens of what a model wrote, as the gateway's books count them. */
function estimateOutput(parts: readonly Part[]): number {
  let said = "";
  let thought = "";
  for (const part of parts) {
    if (part.type === "text" || part.type === "refusal") said += part.text;
    else if (part.type === "reasoning") thought += part.text;
    else if (part.type === "tool-call") said += part.name + part.arguments;
  }
  return estimateTokens(said) + estimateTokens(thought);
}

/** A whole answer as a `message`. */
export function encodeReply(reply: ChatReply, context: ReplyContext): JsonObject {
  const blocks = reply.parts.map(encodePart).filter((block) => block !== undefined);
  return {
    id: reply.id ?? `msg_${context.requestId}`,
    type: "message",
    role: "assistant",
    model: context.model,
    content: withCitations(blocks, reply.annotations),
    stop_reason: encodeStopReason(reply.finish, reply.nativeFinish),
    stop_sequence: reply.stopSequence ?? null,
    usage: encodeUsage(usageOrEstimate(reply.usage, context, () => estimateOutput(reply.parts))),
  };
}

/** A whole reply of this dialect under the name by which the caller knows the model. */
export function passReply(text: string, context: ReplyContext): string {
  return replaceJson(text, { model: context.model });
}
