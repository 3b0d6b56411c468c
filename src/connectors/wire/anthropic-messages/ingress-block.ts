import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type {
  FilePart,
  ImagePart,
  MediaSource,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from "../../hub/request.ts";
import {
  asArray,
  asBoolean,
  asObject,
  asString,
  fault,
  isJsonArray,
  note,
  noteHere,
  type Reading,
  textOf,
} from "../walk.ts";
import { ANTHROPIC_FORMAT, withCache } from "./blocks.ts";
import { unpack } from "./foreign.ts";

export type UserContent = TextPart | ImagePart | FilePart;
export type Content = UserContent | ReasoningPart | ToolCallPart | ToolResultPart;

type Media = { readonly source: MediaSource; readonly mimeType?: string };

function base64(reading: Reading, source: JsonObject): Media {
  return {
    source: { kind: "base64", data: asString(reading, "data", source["data"]) },
    mimeType: asString(reading, "media_type", source["media_type"]),
  };
}

/** `source` of an image or a document; undefined for one that has no bytes (`text`, `content`) or is unknown. */
function decodeSource(reading: Reading, source: JsonObject): Media | undefined {
  switch (asString(reading, "type", source["type"])) {
    case "base64":
      return base64(reading, source);
    case "url":
      return { source: { kind: "url", url: asString(reading, "url", source["url"]) } };
    case "file":
      return {
        source: { kind: "file-id", id: asString(reading, "file_id", source["file_id"]) },
      };
    default:
      return undefined;
  }
}

function sourceOf(reading: Reading, block: JsonObject): JsonObject {
  return asObject(reading, "source", block["source"]);
}

function decodeImage(reading: Reading, block: JsonObject): readonly ImagePart[] | undefined {
  const source = sourceOf(reading, block);
  reading.trail.push("source");
  const media = decodeSource(reading, source);
  reading.trail.pop();
  return media && [{ type: "image", ...media }];
}

/** A document; what it says about itself beside its bytes stands as text in front of it, so that every target hears it. */
function decodeDocument(reading: Reading, block: JsonObject): UserContent[] | undefined {
  const source = sourceOf(reading, block);
  const title = textOf(block["title"]);
  const context = textOf(block["context"]);
  const citations = block["citations"];
  if (isJsonObject(citations) && citations["enabled"] === true) {
    note(reading, "messages[].content[].citations", true);
  }
  const before: TextPart[] = context === undefined ? [] : [{ type: "text", text: context }];
  const name = title === undefined ? {} : { filename: title };
  reading.trail.push("source");
  const media = decodeSource(reading, source);
  let parts: UserContent[] | undefined;
  if (media) {
    // A document by URL without a type is a PDF: Anthropic takes no other.
    const pdf = media.source.kind === "url" ? { mimeType: "application/pdf" } : {};
    parts = [{ type: "file", ...pdf, ...media, ...name }];
  } else if (source["type"] === "text") {
    const data = Buffer.from(asString(reading, "data", source["data"])).toString("base64");
    parts = [{ type: "file", source: { kind: "base64", data }, mimeType: "text/plain", ...name }];
  } else if (source["type"] === "content") {
    const content = source["content"];
    parts =
      typeof content === "string"
        ? [{ type: "text", text: content }]
        : decodeContent(reading, "content", content ?? null, isUserContent);
    if (title !== undefined) parts.unshift({ type: "text", text: title });
  }
  reading.trail.pop();
  return parts && [...before, ...parts];
}

/** A search result given as content, told as text: title, source, and what it says. */
function decodeSearchResult(reading: Reading, block: JsonObject): TextPart {
  const content = decodeContent(reading, "content", block["content"] ?? null, isUserContent);
  const lines = [textOf(block["title"]), textOf(block["source"])];
  for (const part of content) if (part.type === "text") lines.push(part.text);
  return { type: "text", text: lines.filter((line) => line !== undefined).join("\n") };
}

function decodeText(reading: Reading, block: JsonObject): TextPart {
  const { citations } = block;
  if (isJsonArray(citations) && citations.length > 0) {
    note(reading, "messages[].content[].citations", true);
  }
  return { type: "text", text: asString(reading, "text", block["text"]) };
}

/** A tool found by a search of the client's own (Claude Code's). All tools are told from the start here, so that it is only news. */
function decodeReference(reading: Reading, block: JsonObject): TextPart {
  const name = asString(reading, "tool_name", block["tool_name"]);
  return { type: "text", text: `The tool ${name} can be called now.` };
}

function decodeThinking(reading: Reading, block: JsonObject): ReasoningPart {
  const text = asString(reading, "thinking", block["thinking"] ?? "");
  const signature = textOf(block["signature"]);
  const foreign = signature === undefined ? undefined : unpack(signature);
  if (foreign) return { type: "reasoning", ...foreign, text };
  return {
    type: "reasoning",
    form: "text",
    text,
    ...(signature === undefined ? {} : { signature, format: ANTHROPIC_FORMAT }),
  };
}

function decodeRedacted(reading: Reading, block: JsonObject): ReasoningPart {
  const data = asString(reading, "data", block["data"]);
  const foreign = unpack(data);
  if (foreign) return { type: "reasoning", ...foreign, text: "" };
  return { type: "reasoning", form: "encrypted", text: "", data, format: ANTHROPIC_FORMAT };
}

function decodeToolUse(reading: Reading, block: JsonObject): ToolCallPart {
  const input = block["input"] ?? {};
  return {
    type: "tool-call",
    id: asString(reading, "id", block["id"]),
    name: asString(reading, "name", block["name"]),
    arguments: typeof input === "string" ? input : JSON.stringify(input),
  };
}

function decodeResult(reading: Reading, block: JsonObject): ToolResultPart {
  const content = block["content"] ?? undefined;
  const isError = block["is_error"] ?? undefined;
  return {
    type: "tool-result",
    toolCallId: asString(reading, "tool_use_id", block["tool_use_id"]),
    parts: content === undefined ? [] : decodeContent(reading, "content", content, isUserContent),
    ...(isError !== undefined && asBoolean(reading, "is_error", isError) ? { isError: true } : {}),
  };
}

/** Whether a user can say it, so that it may stand in a tool's result too. */
export function isUserContent(part: Content): part is UserContent {
  return part.type === "text" || part.type === "image" || part.type === "file";
}

/** One block; undefined for a kind that the hub has no place for (server tools and their results). */
function decodeBlock(reading: Reading, block: JsonObject): readonly Content[] | undefined {
  switch (asString(reading, "type", block["type"])) {
    case "text":
      return [decodeText(reading, block)];
    case "image":
      return decodeImage(reading, block);
    case "document":
      return decodeDocument(reading, block);
    case "tool_reference":
      return [decodeReference(reading, block)];
    case "search_result":
      return [decodeSearchResult(reading, block)];
    case "thinking":
      return [decodeThinking(reading, block)];
    case "redacted_thinking":
      return [decodeRedacted(reading, block)];
    case "tool_use":
      return [decodeToolUse(reading, block)];
    case "tool_result":
      return [decodeResult(reading, block)];
    default:
      return undefined;
  }
}

/**
 * `content`: a string is one text part, "" is none. Blocks that this place cannot have in the hub, and those that nobody here
 * knows, are noted, since the answer depends on them.
 */
export function decodeContent<Kept extends Content>(
  reading: Reading,
  field: string,
  content: Json,
  keep: (part: Content) => part is Kept,
): Kept[] {
  const kept: Kept[] = [];
  const add = (part: Content): void => {
    if (keep(part)) kept.push(part);
    else noteHere(reading);
  };
  if (typeof content === "string") {
    if (content !== "") add({ type: "text", text: content });
    return kept;
  }
  if (!isJsonArray(content)) {
    throw fault(reading, field, content, "a string or an array of blocks");
  }
  const blocks = asArray(reading, field, content);
  reading.trail.push(field);
  for (const [index, value] of blocks.entries()) {
    const block = asObject(reading, index, value);
    reading.trail.push(index);
    const parts = decodeBlock(reading, block);
    if (!parts) noteHere(reading);
    for (const [at, part] of (parts ?? []).entries()) {
      // A mark stands for the end of the block.
      add(at === (parts?.length ?? 0) - 1 ? withCache(part, block) : part);
    }
    reading.trail.pop();
  }
  reading.trail.pop();
  return kept;
}
