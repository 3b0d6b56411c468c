/** Puts bytes in place of URLs, for targets that do not fetch for themselves. */
import type { Capabilities } from "./capabilities.ts";
import { ChatError } from "./hub/error.ts";
import { isJsonObject, type Json } from "./hub/json.ts";
import type {
  ChatRequest,
  MediaPart,
  Message,
  Source,
  TextPart,
  ToolResultPart,
} from "./hub/request.ts";
import type { Download, Media } from "./net/download.ts";

type Fetched = ReadonlyMap<string, { readonly data: string; readonly mimeType: string }>;

/** What providers take of each kind; anything else at a URL is no use to any of them. */
const TYPES: Readonly<Record<MediaPart["type"], RegExp>> = {
  image: /^image\//,
  audio: /^audio\//,
  video: /^video\//,
  file: /^(?:application\/(?:pdf|json|xml|.*officedocument.*|msword)|text\/)/,
};

/** What has been fetched for a request, so that its next attempt need not fetch again. */
const fetched = new WeakMap<Source, Map<string, Promise<Media>>>();

/** URLs of a request that this target cannot be given, by the kind of media behind them. */
export function urlsToInline(
  request: ChatRequest,
  capabilities: Capabilities,
): ReadonlyMap<string, MediaPart["type"]> {
  let urls: Map<string, MediaPart["type"]> | undefined;
  const look = (part: Message["parts"][number]): void => {
    if (part.type === "tool-result") {
      for (const inner of part.parts) look(inner);
      return;
    }
    if (!("source" in part) || part.source.kind !== "url") return;
    const ways = capabilities[part.type];
    if (ways.includes("url") || !ways.includes("base64")) return;
    // What is not on the web (gs://) only its own provider can read.
    if (!/^https?:/i.test(part.source.url)) return;
    urls ??= new Map();
    urls.set(part.source.url, part.type);
  };
  for (const message of request.messages) for (const part of message.parts) look(part);
  return urls ?? NOTHING;
}

const NOTHING: ReadonlyMap<string, MediaPart["type"]> = new Map();

/**
 * The request with those URLs replaced by what is there, in its neutral form and in the caller's own words. Throws ChatError
 * `invalid-request` if something cannot be fetched or is not what it should be.
 */
export async function inlineMedia(
  request: ChatRequest,
  urls: ReadonlyMap<string, MediaPart["type"]>,
  download: Download,
  signal: AbortSignal,
): Promise<ChatRequest> {
  let known = fetched.get(request.source);
  if (!known) fetched.set(request.source, (known = new Map()));
  const media = await Promise.all(
    [...urls].map(async ([url, type]) => {
      const begun = known.get(url) ?? download(url, signal);
      known.set(url, begun);
      begun.catch(() => known.delete(url));
      const { data, mimeType } = await begun;
      if (!TYPES[type].test(mimeType)) throw mismatch(url, type, mimeType);
      return [url, { data: Buffer.from(data).toString("base64"), mimeType }] as const;
    }),
  );
  const found: Fetched = new Map(media);
  return {
    ...request,
    messages: request.messages.map((message) => inMessage(message, found)),
    source: inSource(request.source, found),
  };
}

function mismatch(url: string, type: string, found: string): ChatError {
  const { origin, pathname } = new URL(url);
  return new ChatError("invalid-request", `${origin}${pathname} is ${found}, not ${type}`, {
    param: "messages",
    code: "media_type_mismatch",
    tryElsewhere: true,
  });
}

function inMessage(message: Message, found: Fetched): Message {
  switch (message.role) {
    case "system":
      return message;
    case "user":
      return { ...message, parts: message.parts.map((part) => inPart(part, found)) };
    case "assistant":
      return {
        ...message,
        parts: message.parts.map((part) => ("source" in part ? inPart(part, found) : part)),
      };
    case "tool":
      return { ...message, parts: message.parts.map((part) => inResult(part, found)) };
  }
}

function inResult(result: ToolResultPart, found: Fetched): ToolResultPart {
  return { ...result, parts: result.parts.map((part) => inPart(part, found)) };
}

function inPart<Part extends TextPart | MediaPart>(part: Part, found: Fetched): Part {
  if (part.type === "text" || part.source.kind !== "url") return part;
  const media = found.get(part.source.url);
  if (!media) return part;
  const { data, mimeType } = media;
  return { ...part, source: { kind: "base64", data }, mimeType };
}

/** The caller's body, for a target of its dialect: Anthropic's `source` becomes another one, elsewhere a URL holds the data. */
function inSource(source: Source, found: Fetched): Source {
  const replace = (value: Json, field: string): Json => {
    if (Array.isArray(value)) return value.map((item: Json) => replace(item, field));
    if (typeof value === "string") {
      const media = field === "url" || field === "file_data" ? found.get(value) : undefined;
      return media ? `data:${media.mimeType};base64,${media.data}` : value;
    }
    if (!isJsonObject(value)) return value;
    const url = value["type"] === "url" ? value["url"] : undefined;
    const media = typeof url === "string" ? found.get(url) : undefined;
    if (media) return { type: "base64", media_type: media.mimeType, data: media.data };
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, replace(inner ?? null, name)]),
    );
  };
  const body = replace(source.body, "");
  if (!isJsonObject(body)) return source;
  return { ...source, body, text: JSON.stringify(body) };
}
