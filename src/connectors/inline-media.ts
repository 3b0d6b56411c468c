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
import type { Inlined } from "./hub/wire.ts";
import type { Download } from "./net/download.ts";
import type { Media, Tally } from "./net/media-body.ts";

/** What providers take of each kind; anything else at a URL is no use to any of them. */
const TYPES: Readonly<Record<MediaPart["type"], RegExp>> = {
  image: /^image\//,
  audio: /^audio\//,
  video: /^video\//,
  file: /^(?:application\/(?:pdf|json|xml|.*officedocument.*|msword)|text\/)/,
};

/** Files of one request. No provider takes more, and nobody is to be asked a thousand things at a stranger's word. */
const MOST_FILES = 100;
/** Files fetched at once. */
const MOST_AT_ONCE = 4;

/** What has been fetched for a request, so that its next attempt need not fetch again, unless others need the room meanwhile. */
type Memory = {
  readonly files: Map<string, Promise<Media>>;
  readonly tally: Tally;
  readonly forget: () => void;
};

const memories = new WeakMap<Source, Memory>();

/** URLs of a request that a target cannot be given, by the kind of media behind them. Most requests have none to ask about. */
export function urlsToInline(
  request: ChatRequest,
  capabilitiesOf: () => Capabilities,
): ReadonlyMap<string, MediaPart["type"]> {
  let urls: Map<string, MediaPart["type"]> | undefined;
  let capabilities: Capabilities | undefined;
  const look = (part: Message["parts"][number]): void => {
    if (part.type === "tool-result") {
      for (const inner of part.parts) look(inner);
      return;
    }
    if (!("source" in part) || part.source.kind !== "url") return;
    capabilities ??= capabilitiesOf();
    const ways = capabilities[part.type];
    if (ways.includes("url") || !ways.includes("base64")) return;
    // What is not on the web (gs://) only its own provider can read.
    if (!/^https?:/i.test(part.source.url)) return;
    if (capabilities.isOwnAddress?.(part.source.url)) return;
    urls ??= new Map();
    urls.set(part.source.url, part.type);
  };
  for (const message of request.messages) for (const part of message.parts) look(part);
  return urls ?? NOTHING;
}

const NOTHING: ReadonlyMap<string, MediaPart["type"]> = new Map();

/**
 * The request with those URLs replaced by what is there: in its neutral form and, by `rewrite`, in the caller's own words. Throws
 * ChatError `invalid-request` if something cannot be fetched or is not what it should be.
 */
export async function inlineMedia(
  request: ChatRequest,
  urls: ReadonlyMap<string, MediaPart["type"]>,
  download: Download,
  signal: AbortSignal,
  rewrite: ((text: string, found: Inlined) => string) | undefined,
): Promise<ChatRequest> {
  if (urls.size > MOST_FILES) throw tooMany(urls.size);
  const memory = memoryOf(request.source);
  memory.tally.share?.resume();
  try {
    const found = await fetchAll(memory, urls, download, signal);
    return {
      ...request,
      messages: request.messages.map((message) => inMessage(message, found)),
      source: rewrite === undefined ? request.source : inSource(request.source, found, rewrite),
    };
  } finally {
    memory.tally.share?.rest(memory);
  }
}

function memoryOf(source: Source): Memory {
  let memory = memories.get(source);
  if (memory) return memory;
  memory = {
    files: new Map(),
    tally: { bytes: 0 },
    forget() {
      this.files.clear();
      // The next attempt fetches them anew, as much as the first one may have.
      this.tally.bytes = 0;
    },
  };
  memories.set(source, memory);
  return memory;
}

async function fetchAll(
  { files, tally }: Memory,
  urls: ReadonlyMap<string, MediaPart["type"]>,
  download: Download,
  signal: AbortSignal,
): Promise<Inlined> {
  const found = new Map<string, { data: string; mimeType: string }>();
  const waiting = [...urls];
  /** The first thing that goes wrong ends the rest. */
  const given = new AbortController();
  const either = AbortSignal.any([signal, given.signal]);
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [url, type] = next;
      const known = files.get(url) ?? download(url, either, tally);
      files.set(url, known);
      try {
        const { data, mimeType } = await known;
        if (!TYPES[type].test(mimeType)) throw mismatch(url, type, mimeType);
        found.set(url, { data: Buffer.from(data).toString("base64"), mimeType });
      } catch (thrown) {
        files.delete(url);
        given.abort(thrown);
        throw thrown;
      }
    }
  };
  await Promise.all(Array.from({ length: MOST_AT_ONCE }, work));
  return found;
}

function tooMany(count: number): ChatError {
  return new ChatError(
    "invalid-request",
    `messages name ${count} files by URL; at most ${MOST_FILES} are fetched for one request`,
    { param: "messages", code: "too_many_files", tryElsewhere: true },
  );
}

function mismatch(url: string, type: string, found: string): ChatError {
  const { origin, pathname } = new URL(url);
  return new ChatError("invalid-request", `${origin}${pathname} is ${found}, not ${type}`, {
    param: "messages",
    code: "media_type_mismatch",
    tryElsewhere: true,
  });
}

function inMessage(message: Message, found: Inlined): Message {
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

function inResult(result: ToolResultPart, found: Inlined): ToolResultPart {
  return { ...result, parts: result.parts.map((part) => inPart(part, found)) };
}

function inPart<Part extends TextPart | MediaPart>(part: Part, found: Inlined): Part {
  if (part.type === "text" || part.source.kind !== "url") return part;
  const media = found.get(part.source.url);
  if (!media) return part;
  const { data, mimeType } = media;
  return { ...part, source: { kind: "base64", data }, mimeType };
}

/** The caller's body, for a target of its dialect. */
function inSource(
  source: Source,
  found: Inlined,
  rewrite: (text: string, found: Inlined) => string,
): Source {
  const text = rewrite(source.text, found);
  const body: Json = JSON.parse(text);
  return isJsonObject(body) ? { ...source, text, body } : source;
}
