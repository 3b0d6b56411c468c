import type { JsonObject } from "../../hub/json.ts";
import type { MediaPart, TextPart } from "../../hub/request.ts";
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
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/markdown",
  csv: "text/csv",
  html: "text/html",
  json: "application/json",
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

/** Addresses that Google's own services stand behind: its storage, the files it keeps, and YouTube. */
const OWN_ADDRESS =
  /^gs:\/\/|^https:\/\/(?:generativelanguage\.googleapis\.com\/|(?:www\.|m\.)?youtube\.com\/|youtu\.be\/)/i;

/** One piece of media as `inlineData` or `fileData`. */
export function encodeMedia({ quirks }: Writing, part: MediaPart): JsonObject {
  const { source } = part;
  switch (source.kind) {
    case "base64":
      return { inlineData: { mimeType: typeOf(part, ""), data: source.data } };
    case "url":
      if (quirks.mediaUrls === false && !OWN_ADDRESS.test(source.url)) {
        throw cannot("messages", `${part.type} by URL`);
      }
      return { fileData: { mimeType: typeOf(part, source.url), fileUri: source.url } };
    case "file-id":
      if (!OWN_ADDRESS.test(source.id)) throw cannot("messages", `${part.type} by file id`);
      return { fileData: { mimeType: typeOf(part, source.id), fileUri: source.id } };
  }
}

/** A text or a piece of media; a mark for the cache is left out, since Gemini caches prefixes by itself. */
export function encodePart(writing: Writing, part: TextPart | MediaPart): JsonObject {
  if (part.cache !== undefined) writing.drop("cache_control");
  return part.type === "text" ? { text: part.text } : encodeMedia(writing, part);
}
