/**
 * What every dialect offers: a client half (a client speaks it to us) and a provider half (we speak it to a provider).
 * A wire knows no URL, no key and no server; its stream machines are made for one response, hold all state of it, and are
 * tested with plain arrays.
 */
import type { ChatReply } from "./collect.ts";
import type { ChatError } from "./error.ts";
import type { ChatEvent } from "./event.ts";
import type { Json, JsonObject } from "./json.ts";
import type { ChatRequest, Dialect } from "./request.ts";

/** One server-sent event: its `event:` name, if it had one, and its data lines joined. */
export type SseMessage = { readonly event?: string | undefined; readonly data: string };

/** What a provider sent, in its own dialect, for callers who speak the same. */
export type RawMessage = SseMessage & { readonly dialect: Dialect };

/** What an encoder needs to know of the exchange it answers. */
export type ReplyContext = {
  /** The gateway's request id. */
  readonly requestId: string;
  /** The model as the caller named it; answers carry this name. */
  readonly model: string;
  /** Unix seconds, for answers whose provider gave no time. */
  readonly created: number;
  /** Whether the caller asked for a usage block at the end of its stream. */
  readonly streamUsage: boolean;
  /** Counts the request's input tokens roughly, for dialects that tell them before the provider does. Never 0. */
  readonly estimateInput: () => number;
};

/**
 * Writes one stream in the client's dialect as SSE text. `push` takes neutral events, `pass` takes a message that already is
 * of this dialect and changes only the model's name (and hides what the caller did not ask for). Either may return "".
 */
export type StreamEncoder = {
  push(event: ChatEvent): string;
  pass(message: RawMessage): string;
  /** The good end. */
  end(): string;
  /** An error after the stream began: the dialect's error event, and no good end. */
  fail(error: ChatError): string;
};

export type ClientHalf = {
  readonly dialect: Dialect;
  /** Throws ChatError `invalid-request` with `param`. Lenient: what the hub cannot hold is listed in `unmapped`. */
  decodeRequest(text: string): ChatRequest;
  encodeReply(reply: ChatReply, context: ReplyContext): JsonObject;
  /** A whole reply of this dialect with the model's name changed, byte for byte otherwise. */
  passReply(text: string, context: ReplyContext): string;
  encodeStream(context: ReplyContext): StreamEncoder;
  encodeError(error: ChatError, requestId: string): JsonObject;
  /** The HTTP status under which the dialect's clients know an error. */
  statusOf(error: ChatError): number;
  /** The SSE text that keeps a silent connection open. */
  readonly keepAlive: string;
};

/** What a provider is asked: a request, and the headers of the client from which some are passed on. */
export type Asked = { readonly request: ChatRequest; readonly headers: Headers };

/** The same in a form that avoids a refusal; `lasting` where the host would refuse every request like it. */
export type Recast = Asked & { readonly lasting: boolean };

export type StreamDecoder = {
  /**
   * Throws ChatError for an error, and for what is no JSON: its caller counts that and passes over it. A message that is not
   * understood yields nothing.
   */
  push(message: SseMessage): readonly ChatEvent[];
  /** The bytes have ended. Throws ChatError `bad-upstream` if the answer had not. */
  end(): readonly ChatEvent[];
  /** True once the answer is complete and nothing more will be read (`[DONE]`, `message_stop`). */
  readonly done: boolean;
};

/** What was found at URLs, as base64. */
export type Inlined = ReadonlyMap<string, { readonly data: string; readonly mimeType: string }>;

export type ProviderHalf<Quirks> = {
  readonly dialect: Dialect;
  /**
   * The body to send. Throws ChatError `invalid-request` with `param` and `tryElsewhere: true` for what the target cannot
   * express; calls `drop` with each harmless field left out.
   */
  encodeRequest(
    request: ChatRequest,
    model: string,
    quirks: Quirks,
    drop: (field: string) => void,
  ): JsonObject;
  /**
   * The source of a `regrafted` request of this dialect with the thoughts of its assistants' messages as the neutral ones have
   * them, and nothing else changed. Absent where no client speaks the dialect.
   */
  graft?(request: ChatRequest): string;
  /**
   * A source's text with what was found at its media's URLs in place of them, and every other byte as it was. Absent where no
   * client speaks the dialect.
   */
  inline?(text: string, found: Inlined): string;
  /** Throws ChatError when a 200 holds an error. */
  decodeReply(body: JsonObject, quirks: Quirks): readonly ChatEvent[];
  /** A stream that came as one JSON array, in dialects whose hosts send it so. Throws as `decodeReply`. */
  decodeChunks?(chunks: readonly Json[], quirks: Quirks): readonly ChatEvent[];
  decodeStream(quirks: Quirks): StreamDecoder;
  /** `body` is what the provider sent with a status that is not 2xx, perhaps not JSON. */
  decodeError(status: number, body: string, headers: Headers): ChatError;
};
