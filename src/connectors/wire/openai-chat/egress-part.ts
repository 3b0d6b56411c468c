import type { JsonObject } from "../../hub/json.ts";
import type { CacheHint, MediaPart, TextPart } from "../../hub/request.ts";
import { cannot, type Drop } from "../writing.ts";
import { audioFormat, toUrl } from "./media.ts";
import { isSupported, type OpenAIChatFeature, type OpenAIChatQuirks } from "./quirks.ts";

/** What one encoding knows: the host's quirks and whom to tell what was left out. */
export type Writing = {
  readonly quirks: OpenAIChatQuirks;
  readonly drop: Drop;
};

/** Throws ChatError for what this host does not take. */
export function demand(
  { quirks }: Writing,
  feature: OpenAIChatFeature,
  param: string,
  what: string,
): void {
  if (!isSupported(quirks, feature)) throw cannot(param, what);
}

/** `cache_control`, or nothing, named, for a host that does not know it. */
export function encodeCache(writing: Writing, cache: CacheHint | undefined): JsonObject {
  if (cache === undefined) return {};
  if (!isSupported(writing.quirks, "cacheControl")) {
    writing.drop("cache_control");
    return {};
  }
  return {
    cache_control: { type: "ephemeral", ...(cache.ttl === undefined ? {} : { ttl: cache.ttl }) },
  };
}

/** Other addresses are a host's own names for files, e.g. Moonshot's `ms://`. */
function isOnWeb({ source }: MediaPart): boolean {
  return source.kind === "url" && /^https?:/i.test(source.url);
}

function encodeMedia(writing: Writing, part: MediaPart): JsonObject {
  const url = toUrl(part);
  switch (part.type) {
    case "image": {
      demand(writing, "images", "messages", "images");
      if (isOnWeb(part)) demand(writing, "mediaUrls", "messages", "images by URL");
      if (url === undefined) throw cannot("messages", "images by file id");
      const detail = part.detail === undefined ? {} : { detail: part.detail };
      return { type: "image_url", image_url: { url, ...detail } };
    }
    case "audio": {
      demand(writing, "audio", "messages", "audio");
      if (part.source.kind !== "base64") throw cannot("messages", "audio by URL or file id");
      const format = audioFormat(part.mimeType);
      return { type: "input_audio", input_audio: { data: part.source.data, format } };
    }
    case "video":
      demand(writing, "video", "messages", "video");
      if (isOnWeb(part)) demand(writing, "mediaUrls", "messages", "video by URL");
      if (url === undefined) throw cannot("messages", "video by file id");
      return { type: "video_url", video_url: { url } };
    case "file": {
      demand(writing, "files", "messages", "files");
      const name = part.filename === undefined ? {} : { filename: part.filename };
      if (part.source.kind === "file-id") {
        demand(writing, "fileIds", "messages", "files by id");
        return { type: "file", file: { file_id: part.source.id, ...name } };
      }
      if (part.source.kind === "url") demand(writing, "fileUrls", "messages", "files by URL");
      return { type: "file", file: { file_data: url, ...name } };
    }
  }
}

/** One entry of a `content` array. */
function encodePart(writing: Writing, part: TextPart | MediaPart): JsonObject {
  const body =
    part.type === "text" ? { type: "text", text: part.text } : encodeMedia(writing, part);
  return part.cache === undefined ? body : { ...body, ...encodeCache(writing, part.cache) };
}

/**
 * `content`: one bare text is a string, no parts are "", anything else an array. Hosts that know no arrays get several texts
 * as one, with `separator` between.
 */
export function encodeContent(
  writing: Writing,
  parts: readonly (TextPart | MediaPart)[],
  separator: string,
): string | JsonObject[] {
  const [first] = parts;
  if (first === undefined) return "";
  if (parts.length === 1 && first.type === "text") {
    const entry = encodePart(writing, first);
    return entry["cache_control"] === undefined ? first.text : [entry];
  }
  const text = parts.filter((part) => part.type === "text");
  if (text.length < parts.length || isSupported(writing.quirks, "textParts")) {
    return parts.map((part) => encodePart(writing, part));
  }
  if (text.some((part) => part.cache !== undefined)) writing.drop("cache_control");
  return text.map((part) => part.text).join(separator);
}
