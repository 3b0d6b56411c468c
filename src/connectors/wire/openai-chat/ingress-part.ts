import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type {
  CacheHint,
  FilePart,
  ImagePart,
  MediaPart,
  ReasoningPart,
  RefusalPart,
  TextPart,
} from "../../hub/request.ts";
import { audioType, fromFileData, fromUrl, type Media } from "./media.ts";
import {
  asObject,
  asString,
  fault,
  isJsonArray,
  note,
  noteHere,
  type Reading,
  textOf,
} from "../walk.ts";

/** Whatever stands in a `content` array. */
export type ContentPart = TextPart | MediaPart | RefusalPart | ReasoningPart;

/** `cache_control`, Anthropic's mark, as OpenRouter and others take it on parts and tools. */
export function decodeCache(value: Json | undefined): CacheHint | undefined {
  if (!isJsonObject(value)) return undefined;
  const ttl = value["ttl"];
  return ttl === "5m" || ttl === "1h" ? { ttl } : {};
}

function mediaAt(reading: Reading, field: string, url: string): Media {
  const media = fromUrl(url);
  if (media) return media;
  throw fault(reading, field, url, "an http(s) URL or a data: URL with a comma before its data");
}

/** `{url}` as documented, or the bare string that Mistral's clients send. */
function urlIn(reading: Reading, value: Json | undefined): Media {
  if (typeof value === "string") return mediaAt(reading, "url", value);
  if (!isJsonObject(value)) throw fault(reading, undefined, value, "an object with a url");
  return mediaAt(reading, "url", asString(reading, "url", value["url"]));
}

function decodeImage(reading: Reading, value: Json | undefined): ImagePart {
  const media = urlIn(reading, value);
  const given = isJsonObject(value) ? (value["detail"] ?? undefined) : undefined;
  if (given === undefined) return { type: "image", ...media };
  const detail = asString(reading, "detail", given);
  switch (detail) {
    case "low":
    case "high":
    case "auto":
    case "original":
      return { type: "image", ...media, detail };
    default:
      note(reading, "messages[].content[].image_url.detail", true);
      return { type: "image", ...media };
  }
}

function decodeAudio(reading: Reading, value: JsonObject): Media {
  const data = asString(reading, "data", value["data"]);
  if (/^(?:data|https?):/i.test(data)) return mediaAt(reading, "data", data);
  const format = asString(reading, "format", value["format"]);
  return { source: { kind: "base64", data }, mimeType: audioType(format) };
}

function decodeFile(reading: Reading, value: JsonObject): FilePart {
  const given = value["filename"] ?? undefined;
  const filename = given === undefined ? undefined : asString(reading, "filename", given);
  const name = filename === undefined ? {} : { filename };
  const data = value["file_data"] ?? undefined;
  if (data !== undefined) {
    const media = fromFileData(asString(reading, "file_data", data), filename);
    if (!media) throw fault(reading, "file_data", data, "a data: URL with a comma before its data");
    return { type: "file", ...media, ...name };
  }
  const id = value["file_id"] ?? undefined;
  if (id === undefined) throw fault(reading, undefined, value, "file_data or file_id inside");
  return {
    type: "file",
    source: { kind: "file-id", id: asString(reading, "file_id", id) },
    ...name,
  };
}

/** Mistral's reasoning models put thoughts into `content`. */
function decodeThinking(value: Json | undefined): ReasoningPart {
  const pieces = isJsonArray(value) ? value : [];
  const text = pieces.map((piece) => (isJsonObject(piece) ? textOf(piece["text"]) : "") ?? "");
  return { type: "reasoning", form: "text", text: text.join("") };
}

function decodeBody(reading: Reading, type: string, part: JsonObject): ContentPart | undefined {
  const { trail } = reading;
  switch (type) {
    case "text":
      return { type: "text", text: asString(reading, "text", part["text"]) };
    case "refusal":
      return { type: "refusal", text: asString(reading, "refusal", part["refusal"]) };
    case "thinking":
      return decodeThinking(part["thinking"]);
    case "image_url":
    case "video_url":
    case "input_audio":
    case "file": {
      trail.push(type);
      const value = part[type];
      let media: MediaPart;
      if (type === "image_url") media = decodeImage(reading, value);
      else if (type === "video_url") media = { type: "video", ...urlIn(reading, value) };
      else if (!isJsonObject(value)) throw fault(reading, undefined, value, "an object");
      else if (type === "file") media = decodeFile(reading, value);
      else media = { type: "audio", ...decodeAudio(reading, value) };
      trail.pop();
      return media;
    }
    default:
      return undefined;
  }
}

/** One part of a `content` array; undefined, and noted, if its type is not known here. */
export function decodePart(reading: Reading, index: number, value: Json): ContentPart | undefined {
  const part = asObject(reading, index, value);
  reading.trail.push(index);
  const decoded = decodeBody(reading, asString(reading, "type", part["type"]), part);
  if (!decoded) noteHere(reading);
  reading.trail.pop();
  const cache = part["cache_control"];
  if (
    !decoded ||
    !isJsonObject(cache) ||
    decoded.type === "refusal" ||
    decoded.type === "reasoning"
  )
    return decoded;
  const hint = decodeCache(cache);
  return hint ? { ...decoded, cache: hint } : decoded;
}
