/**
 * One way to talk to a provider: a wire with its quirks, and the endpoint that speaks it. A provider may have several (a chat
 * of OpenAI's dialect and one of Anthropic's); which one a request takes is for its connector to say.
 */
import type { Target } from "./connector.ts";
import type { HeaderValues } from "./credentials.ts";
import type { ChatError } from "./hub/error.ts";
import type { ChatEvent } from "./hub/event.ts";
import type { Json, JsonObject } from "./hub/json.ts";
import type { ChatRequest, Dialect } from "./hub/request.ts";
import type {
  Asked,
  Inlined,
  ProviderHalf,
  Recast,
  SseMessage,
  StreamDecoder,
} from "./hub/wire.ts";

/** Counts input tokens at the provider. */
export type TokenCounter = {
  /** As `Endpoint.path`. */
  path(target: Target): string;
  /** The JSON text to send. */
  encode(request: ChatRequest, target: Target): string;
  /** Undefined if the answer holds no count. */
  decode(body: JsonObject): number | undefined;
};

export type Endpoint = {
  /** Behind the provider's base URL, or a whole URL. */
  path(target: Target, stream: boolean): string;
  /** What a client's headers change in those that are sent, if anything; configuration wins. Names in lower case. */
  forward(client: Headers, configured: HeaderValues): HeaderValues | undefined;
  /**
   * What must change in a body that is passed on verbatim, besides the model's name; undefined deletes. Wins over that name.
   * Calls `drop` for what it leaves out of the caller's wishes.
   */
  amend(
    request: ChatRequest,
    drop: (field: string) => void,
    target: Target,
  ): Readonly<Record<string, Json | undefined>>;
  /** The same in a form that avoids the refusal that this error is, where there is one; it is asked anew, a few times at most. */
  recast?(asked: Asked, error: ChatError, drop: (field: string) => void): Recast | undefined;
  /** The message that ends a good stream, for those that end without it; absent where none is needed. */
  readonly terminator?: SseMessage;
  readonly counter?: TokenCounter;
};

export type Line = Endpoint & {
  readonly dialect: Dialect;
  /** Set where nothing goes verbatim, though the dialect be the caller's: what the host makes of it is no good to its clients. */
  readonly isTranslated?: true;
  /** See ProviderHalf. */
  encodeRequest(request: ChatRequest, target: Target, drop: (field: string) => void): JsonObject;
  /** The caller's own text, for a target of its dialect. */
  verbatim(request: ChatRequest): string;
  /** See ProviderHalf. */
  inline(text: string, found: Inlined): string;
  decodeReply(body: JsonObject): readonly ChatEvent[];
  decodeChunks?(chunks: readonly Json[]): readonly ChatEvent[];
  decodeStream(): StreamDecoder;
  decodeError(status: number, body: string, headers: Headers): ChatError;
};

/** Puts a line together from a wire, its quirks at this provider, and the endpoint. */
export function createLine<Quirks>(
  wire: ProviderHalf<Quirks>,
  quirks: Quirks,
  endpoint: Endpoint,
): Line {
  return {
    ...endpoint,
    dialect: wire.dialect,
    encodeRequest: (request, target, drop) =>
      wire.encodeRequest(request, target.model, quirks, drop),
    verbatim: (request) =>
      (request.regrafted ? wire.graft?.(request) : undefined) ?? request.source.text,
    inline: (text, found) => wire.inline?.(text, found) ?? text,
    decodeReply: (body) => wire.decodeReply(body, quirks),
    ...(wire.decodeChunks === undefined
      ? {}
      : { decodeChunks: (chunks) => wire.decodeChunks?.(chunks, quirks) ?? [] }),
    decodeStream: () => wire.decodeStream(quirks),
    decodeError: (status, body, headers) => wire.decodeError(status, body, headers),
  };
}
