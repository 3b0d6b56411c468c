import type { MediaSource } from "../../hub/request.ts";
import { DOCUMENT_TYPES } from "../media-types.ts";

/** Where media is and, beside base64, always what it is. */
export type Media = { readonly source: MediaSource; readonly mimeType?: string };

/** `format` of an `input_audio` part where it is not simply the MIME subtype. */
const AUDIO_FORMATS: Readonly<Record<string, string>> = { mp3: "audio/mpeg", m4a: "audio/mp4" };

function fromPercent(text: string): string | undefined {
  try {
    return Buffer.from(decodeURIComponent(text)).toString("base64");
  } catch {
    // A stray % is no percent-encoding at all.
    return undefined;
  }
}

/** A URL as media: `data:` URLs become base64 with their MIME type. Undefined for a `data:` URL that is malformed. */
export function fromUrl(url: string): Media | undefined {
  if (!/^data:/i.test(url)) return { source: { kind: "url", url } };
  const comma = url.indexOf(",");
  if (comma === -1) return undefined;
  const [type, ...parameters] = url.slice(5, comma).split(";");
  const isBase64 = parameters.at(-1)?.trim().toLowerCase() === "base64";
  const data = isBase64 ? url.slice(comma + 1) : fromPercent(url.slice(comma + 1));
  if (data === undefined) return undefined;
  // RFC 2397: without a type it is plain text.
  return { source: { kind: "base64", data }, mimeType: type?.trim().toLowerCase() || "text/plain" };
}

/** Media as a URL, base64 as a `data:` URL. Undefined for a file id, which is no URL. */
export function toUrl({ source, mimeType }: Media): string | undefined {
  switch (source.kind) {
    case "url":
      return source.url;
    case "base64":
      return `data:${mimeType ?? "application/octet-stream"};base64,${source.data}`;
    case "file-id":
      return undefined;
  }
}

/** The MIME type of an `input_audio` part's `format`. */
export function audioType(format: string): string {
  return AUDIO_FORMATS[format] ?? `audio/${format}`;
}

/** The `format` of an `input_audio` part for a MIME type. */
export function audioFormat(mimeType: string | undefined): string {
  const type = mimeType ?? "audio/wav";
  for (const [format, known] of Object.entries(AUDIO_FORMATS)) if (known === type) return format;
  return type.slice(type.indexOf("/") + 1).replace(/^x-/, "");
}

/** `file_data`: a `data:` URL, a URL, or (sent by some clients) bare base64, whose type the file's name tells. */
export function fromFileData(data: string, filename: string | undefined): Media | undefined {
  if (/^(?:data|https?|gs):/i.test(data)) return fromUrl(data);
  const extension = filename?.split(".").at(-1)?.toLowerCase() ?? "";
  const known = Object.hasOwn(DOCUMENT_TYPES, extension) ? DOCUMENT_TYPES[extension] : undefined;
  return { source: { kind: "base64", data }, mimeType: known ?? "application/octet-stream" };
}
