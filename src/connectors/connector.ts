/**
 * The contract between the gateway and a provider. A connector is four values: wire × endpoint × auth × named quirks. It does
 * one attempt; retries, fallbacks, limits and accounting are the gateway's.
 */
import type { Capabilities } from "./capabilities.ts";
import type { ChatError } from "./hub/error.ts";
import type { ChatEvent } from "./hub/event.ts";
import type { ChatRequest } from "./hub/request.ts";
import type { RawMessage } from "./hub/wire.ts";
import type { Download } from "./net/download.ts";

/** Where one attempt goes. */
export type Target = {
  /** Name of the provider, lower case, as routes and metrics call it. */
  readonly provider: string;
  /** The provider's own name for the model. */
  readonly model: string;
  readonly region?: string;
  readonly project?: string;
};

/** Longest waits of one attempt, in milliseconds. The gateway adds a total through `signal`. */
export type Timeouts = {
  /** To a TCP connection. */
  readonly connectMs: number;
  /** To the response's status and headers. Unstreamed replies only have these when they are finished. */
  readonly headersMs: number;
  /** From the headers to the first byte after them, streams only. */
  readonly firstEventMs: number;
  /**
   * Between two bytes of a stream. Keep-alive comments count as bytes, here and above: hosts send them while a model thinks unseen,
   * for minutes, and one that is stuck all the same meets the total.
   */
  readonly idleMs: number;
};

export type ChatCall = {
  readonly target: Target;
  readonly timeouts: Timeouts;
  /** Aborts the upstream request at once. Its reason, if a ChatError, is what is thrown. */
  readonly signal: AbortSignal;
  /** Aborts `signal`, where that is of this call alone: a connector can end its own request by it and needs no other. */
  abort?(reason: ChatError): void;
  readonly requestId: string;
  /** The client's headers, lower-case names, from which a connector forwards those on its own allow-list. */
  readonly headers: Headers;
  /** Called with the name of each harmless field that the target cannot take. */
  readonly drop: (field: string) => void;
  /** Called with the head of a good answer, from which the gateway passes on those on its own allow-list. */
  onHead?(headers: Headers): void;
  /** Called for each message of a stream that was no JSON and has been left out; the stream goes on. */
  onMalformed?(): void;
  /**
   * Asked before a request that met a kept connection in the moment when it was closed goes out once more; it counts as one
   * more attempt. Absent is yes.
   */
  mayResend?(): boolean;
};

/** One message from the provider and what it means. `raw` is there when the target spoke the caller's own dialect. */
export type UpstreamMessage = {
  readonly raw?: RawMessage;
  readonly events: readonly ChatEvent[];
};

export type ModelInfo = {
  /** The provider's own name for it. */
  readonly id: string;
  /** Unix seconds. */
  readonly created?: number;
  readonly ownedBy?: string;
  readonly displayName?: string;
  readonly contextLength?: number;
};

/** `fetch` as far as connectors need it. It must reject or end the body when `init.signal` aborts. */
export type Fetch = (url: string, init: BunFetchRequestInit) => Promise<Response>;

/** What Google's hosts want to know beyond an address and a key; kinds `vertex` and, of safety alone, `gemini`. */
export type GoogleOptions = {
  readonly project?: string;
  /** A location: a region, `global`, `us` or `eu`. */
  readonly region?: string;
  /** A token that somebody else keeps fresh. */
  readonly accessToken?: string;
  /** A credentials file of Google's: its path, or its content. Absent takes what the machine has. */
  readonly credentials?: string;
  /** The project that pays, where it is not the one asked. */
  readonly quotaProject?: string;
  /** Buckets of Google's storage that callers may name, which are read with the gateway's own rights; `*` is all of them. */
  readonly buckets?: readonly string[];
  /** Thresholds by category, for requests that say nothing about safety. */
  readonly safetySettings?: Readonly<Record<string, string>>;
};

/** What a connector is made from. A ProviderConfig is one. */
export type ConnectorOptions = {
  /** Name of the provider, lower case. */
  readonly name: string;
  /** A key of the table in `index.ts`. */
  readonly kind: string;
  /** A row of `profiles.ts`, for kind `openai-compatible`; absent for a host nobody here knows. */
  readonly profile?: string;
  /** Includes the provider's path prefix; no trailing slash. Absent takes the kind's or the profile's own. */
  readonly baseUrl?: string;
  /** Kind `clewdr`: which of its faces is spoken to; default `code`. */
  readonly backend?: "code" | "web" | "openai";
  readonly google?: GoogleOptions;
  /** Used in turn; one that was refused rests for a while. Empty for hosts that need none. */
  readonly apiKeys: readonly string[];
  /** Sent with every request; they win over whatever the connector would send. */
  readonly headers: Readonly<Record<string, string>>;
  /** In place of a Bun.FetchSession of its own, for tests. */
  readonly fetch?: Fetch;
  /** Fetches what a target cannot fetch for itself; without it such requests are refused. */
  readonly download?: Download;
};

export type Connector = {
  /** Name of the provider, lower case. */
  readonly name: string;
  /** Asks once for a streamed answer: a message per upstream event. Throws ChatError. Leaving early aborts the upstream request. */
  chat(request: ChatRequest, call: ChatCall): AsyncIterable<UpstreamMessage>;
  /** Asks once for an answer in one piece (`request.stream` is false), and gives all its events together. Throws ChatError. */
  complete(request: ChatRequest, call: ChatCall): Promise<UpstreamMessage>;
  /** What a target can do; asked before money is spent, so it must be cheap and always answers the same. */
  capabilities(target: Target): Capabilities;
  /** What the provider offers, or undefined where it has no such list. Throws ChatError. */
  models?(signal: AbortSignal): Promise<readonly ModelInfo[]>;
  /** Whether there is such a model, where that is certain without asking anybody. */
  readonly has?: (model: string) => boolean;
  /**
   * Input tokens of a request by the provider's own count; undefined where it does not count for this target. Throws
   * ChatError.
   */
  countTokens?(request: ChatRequest, call: ChatCall): Promise<number | undefined>;
  /** Finds out whether its host can be reached, without asking it anything. Throws ChatError. */
  readonly reach?: (timeoutMs: number) => Promise<void>;
  /** Closes idle connections. */
  close(): void;
};
