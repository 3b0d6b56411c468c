import type { JsonObject } from "../../hub/json.ts";
import type { MediaPart, TextPart } from "../../hub/request.ts";
import { DOCUMENT_TYPES } from "../media-types.ts";
import { cannot } from "../writing.ts";
import type { Writing } from "./writing.ts";

/** Types by the ends of addresses; Google wants one beside every address. */
const TYPES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  heic: "image/heic",
  heif: "image/heif",
  ...DOCUMENT_TYPES,
  mp3: "audio/mpeg",
  wav: "audio/wav",
  ogg: "audio/ogg",
  flac: "audio/flac",
  m4a: "audio/mp4",
  aac: "audio/aac",
  mp4: "video/mp4",
  mov: "video/quicktime",
  webm: "video/webm",
  mpeg: "video/mpeg",
  mpg: "video/mpeg",
  avi: "video/x-msvideo",
  "3gp": "video/3gpp",
};

/** What a part most likely is when neither the caller nor its address says so. */
const LIKELY: Readonly<Record<MediaPart["type"], string>> = {
  image: "image/jpeg",
  audio: "audio/mpeg",
  video: "video/mp4",
  file: "application/pdf",
};

function typeOf(part: MediaPart, address: string): string {
  const given = part.mimeType;
  if (given !== undefined && given !== "application/octet-stream") return given;
  const name = part.type === "file" && part.filename !== undefined ? part.filename : address;
  const end = /\.([a-z\d]{2,4})(?:[?#]|$)/i.exec(name)?.[1]?.toLowerCase() ?? "";
  return (Object.hasOwn(TYPES, end) ? TYPES[end] : undefined) ?? given ?? LIKELY[part.type];
}

/** Addresses that Google's own services stand behind: the files it keeps, and YouTube. */
const OWN_ADDRESS =
  /^https:\/\/(?:generativelanguage\.googleapis\.com\/|(?:www\.|m\.)?youtube\.com\/|youtu\.be\/)/i;

/** Whether it is one of those. */
export function isOwnAddress(url: string): boolean {
  return OWN_ADDRESS.test(url);
}

const BUCKET = /^gs:\/\/([^/]*)/i;

/** Throws ChatError for an address from which the host may or can not be told to fetch. */
function admit({ quirks }: Writing, part: MediaPart, address: string, isUrl: boolean): void {
  const bucket = BUCKET.exec(address)?.[1];
  if (bucket !== undefined) {
    const { buckets = [] } = quirks;
    if (buckets.includes(bucket) || buckets.includes("*")) return;
    throw cannot(
      "messages",
      `${part.type} from gs://${bucket}, a bucket that its table does not name`,
    );
  }
  if (isOwnAddress(address)) return;
  if (!isUrl) throw cannot("messages", `${part.type} by file id`);
  if (quirks.mediaUrls === false || !/^https?:\/\//i.test(address)) {
    throw cannot("messages", `${part.type} by this URL`);
  }
}

/** One piece of media as `inlineData` or `fileData`. */
export function encodeMedia(writing: Writing, part: MediaPart): JsonObject {
  const { source } = part;
  switch (source.kind) {
    case "base64":
      return { inlineData: { mimeType: typeOf(part, ""), data: source.data } };
    case "url":
      admit(writing, part, source.url, true);
      return { fileData: { mimeType: typeOf(part, source.url), fileUri: source.url } };
    case "file-id":
      admit(writing, part, source.id, false);
      return { fileData: { mimeType: typeOf(part, source.id), fileUri: source.id } };
  }
}

/** A text or a piece of media; a mark for the cache is left out, since Gemini caches prefixes by itself. */
export function encodePart(writing: Writing, part: TextPart | MediaPart): JsonObject {
  if (part.cache !== undefined) writing.drop("cache_control");
  return part.type === "text" ? { text: part.text } : encodeMedia(writing, part);
}
