import type { JsonObject } from "../../hub/json.ts";
import type {
  MediaPart,
  Message,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from "../../hub/request.ts";
import { cannot, type Drop } from "../writing.ts";
import { encodeCache } from "./blocks.ts";
import { isOwn } from "./foreign.ts";
import { toInput } from "./ingress-reply.ts";
import type { AnthropicQuirks } from "./quirks.ts";

/** What one encoding knows: the host's quirks and whom to tell what was left out. */
export type Writing = { readonly quirks: AnthropicQuirks; readonly drop: Drop };

type Cached = { readonly cache?: { readonly ttl?: "5m" | "1h" } };

/** Text types that go as text; the dialect has one name for all of them. */
export const TEXTUAL = /^text\/|^application\/(?:json|xml|yaml|x-yaml|javascript)$/;

function mark({ quirks, drop }: Writing, { cache }: Cached): JsonObject {
  if (cache === undefined) return {};
  if (quirks.cache !== false) return encodeCache(cache);
  drop("cache_control");
  return {};
}

function encodeSource(writing: Writing, part: MediaPart, what: string): JsonObject {
  const { source, mimeType } = part;
  switch (source.kind) {
    case "base64":
      return {
        type: "base64",
        media_type: mimeType ?? "application/octet-stream",
        data: source.data,
      };
    case "url":
      if (writing.quirks.mediaUrls === false) throw cannot("messages", `${what} by URL`);
      return { type: "url", url: source.url };
    case "file-id":
      if (writing.quirks.fileIds === false) throw cannot("messages", `${what} by file id`);
      return { type: "file", file_id: source.id };
  }
}

function encodeFile(writing: Writing, part: Extract<MediaPart, { type: "file" }>): JsonObject {
  if (writing.quirks.documents === false) throw cannot("messages", "documents");
  const { source, mimeType, filename } = part;
  const title = filename === undefined ? {} : { title: filename };
  if (source.kind === "base64" && mimeType !== "application/pdf") {
    if (!TEXTUAL.test(mimeType ?? "")) {
      throw cannot("messages", `files of type ${mimeType ?? "unknown"}`);
    }
    const data = Buffer.from(source.data, "base64").toString("utf8");
    return { type: "document", source: { type: "text", media_type: "text/plain", data }, ...title };
  }
  return { type: "document", source: encodeSource(writing, part, "files"), ...title };
}

/** A text or a piece of media as a block; undefined for a text with nothing to see in it, which the dialect refuses. */
export function encodeContent(
  writing: Writing,
  part: TextPart | MediaPart,
): JsonObject | undefined {
  switch (part.type) {
    case "text":
      return part.text.trim() === ""
        ? undefined
        : { type: "text", text: part.text, ...mark(writing, part) };
    case "image":
      return {
        type: "image",
        source: encodeSource(writing, part, "images"),
        ...mark(writing, part),
      };
    case "file":
      return { ...encodeFile(writing, part), ...mark(writing, part) };
    case "audio":
    case "video":
      throw cannot("messages", part.type);
  }
}

/** Ids may hold letters, digits, `_` and `-`; the same id becomes the same id wherever it stands. */
function encodeId(id: string): string {
  return id.replace(/[^\w-]/g, "_");
}

function encodeCall(writing: Writing, part: ToolCallPart): JsonObject {
  if (writing.quirks.tools === false) throw cannot("messages", "calls of tools");
  return {
    type: "tool_use",
    id: encodeId(part.id),
    name: part.name,
    input: toInput(part.arguments),
    ...mark(writing, part),
  };
}

/** Only what Anthropic signed or encrypted itself goes back; the rest it would refuse. */
function encodeThought(writing: Writing, part: ReasoningPart): JsonObject | undefined {
  if (isOwn(part) && part.form === "encrypted" && part.data !== undefined) {
    return { type: "redacted_thinking", data: part.data };
  }
  if (isOwn(part) && part.form === "text" && part.signature !== undefined) {
    return { type: "thinking", thinking: part.text, signature: part.signature };
  }
  writing.drop("messages[].reasoning");
  return undefined;
}

/** A result of a tool. */
export function encodeResult(writing: Writing, part: ToolResultPart): JsonObject {
  if (writing.quirks.tools === false) throw cannot("messages", "results of tools");
  const content = part.parts
    .map((inner) => encodeContent(writing, inner))
    .filter((block) => block !== undefined);
  return {
    type: "tool_result",
    tool_use_id: encodeId(part.toolCallId),
    ...(content.length > 0 ? { content } : {}),
    ...(part.isError ? { is_error: true } : {}),
    ...mark(writing, part),
  };
}

/** The blocks of an assistant's message, in their order. */
export function encodeAssistant(
  writing: Writing,
  { parts }: Extract<Message, { role: "assistant" }>,
): JsonObject[] {
  const blocks = parts.map((part) => {
    switch (part.type) {
      case "text":
        return encodeContent(writing, part);
      case "refusal":
        return encodeContent(writing, { type: "text", text: part.text });
      case "reasoning":
        return encodeThought(writing, part);
      case "tool-call":
        return encodeCall(writing, part);
      case "image":
      case "audio":
      case "video":
      case "file":
        // The dialect has no block for what a model made.
        writing.drop(`messages[].${part.type}`);
        return undefined;
    }
  });
  return blocks.filter((block) => block !== undefined);
}
