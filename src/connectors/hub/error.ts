/**
 * The one closed set of error kinds. A kind is decided once, where the failure is first seen, and says everything that
 * the rest of the house needs: who is at fault, whether another try can help, the HTTP status and the log level.
 */
export type ErrorKind =
  | "invalid-request"
  | "too-large"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "rate-limited"
  | "quota-exceeded"
  | "refused"
  | "timeout"
  | "unavailable"
  | "bad-upstream"
  | "cancelled"
  | "internal";

/** Who is at fault. `policy`: the gateway's own limits and permissions. */
export type ErrorOrigin = "caller" | "policy" | "provider" | "gateway";

export type KindTraits = {
  readonly origin: ErrorOrigin;
  /** Whether the same target may be tried again. */
  readonly retryHere: boolean;
  /** Whether the next target may be tried. */
  readonly tryElsewhere: boolean;
  readonly status: number;
  readonly level: "info" | "warn" | "error";
};

const TRAITS: Readonly<Record<ErrorKind, KindTraits>> = {
  "invalid-request": {
    origin: "caller",
    retryHere: false,
    tryElsewhere: false,
    status: 400,
    level: "info",
  },
  "too-large": {
    origin: "caller",
    retryHere: false,
    tryElsewhere: false,
    status: 413,
    level: "info",
  },
  unauthenticated: {
    origin: "caller",
    retryHere: false,
    tryElsewhere: false,
    status: 401,
    level: "info",
  },
  forbidden: {
    origin: "policy",
    retryHere: false,
    tryElsewhere: false,
    status: 403,
    level: "info",
  },
  "not-found": {
    origin: "caller",
    retryHere: false,
    tryElsewhere: false,
    status: 404,
    level: "info",
  },
  "rate-limited": {
    origin: "policy",
    retryHere: false,
    tryElsewhere: false,
    status: 429,
    level: "info",
  },
  "quota-exceeded": {
    origin: "policy",
    retryHere: false,
    tryElsewhere: false,
    status: 402,
    level: "info",
  },
  refused: {
    origin: "provider",
    retryHere: false,
    tryElsewhere: false,
    status: 400,
    level: "info",
  },
  timeout: { origin: "provider", retryHere: false, tryElsewhere: true, status: 504, level: "warn" },
  unavailable: {
    origin: "provider",
    retryHere: true,
    tryElsewhere: true,
    status: 503,
    level: "warn",
  },
  "bad-upstream": {
    origin: "provider",
    retryHere: true,
    tryElsewhere: true,
    status: 502,
    level: "warn",
  },
  cancelled: {
    origin: "caller",
    retryHere: false,
    tryElsewhere: false,
    status: 499,
    level: "info",
  },
  internal: {
    origin: "gateway",
    retryHere: false,
    tryElsewhere: false,
    status: 500,
    level: "error",
  },
};

/** The timers that can run out while a provider is asked. */
export type Timer = "connect" | "headers" | "first-event" | "idle" | "total";

export type ChatErrorInit = Partial<KindTraits> & {
  /** The body's field at fault, as a path: `messages[2].content[0].image_url`. */
  readonly param?: string | undefined;
  /** A stable word for programs, e.g. `model_not_found`, `context_length_exceeded`. */
  readonly code?: string | undefined;
  /** The provider's own HTTP status, if it answered. */
  readonly upstreamStatus?: number | undefined;
  /** How long the provider or a limit asks us to wait. */
  readonly retryAfterMs?: number | undefined;
  readonly timer?: Timer | undefined;
  /** It is about one of the provider's keys, and another one is free: the same target may be asked at once. */
  readonly hasOtherKey?: boolean;
  /** What callers are told, where the message speaks of what is inside. */
  readonly told?: string | undefined;
  readonly cause?: unknown;
};

/** The only error that crosses rooms. Traits come from the kind; `init` overrides them where the case is special. */
export class ChatError extends Error {
  override readonly name = "ChatError";
  readonly kind: ErrorKind;
  readonly traits: KindTraits;
  readonly param: string | undefined;
  readonly code: string | undefined;
  readonly upstreamStatus: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly timer: Timer | undefined;
  readonly hasOtherKey: boolean;
  /** The message for callers; `message` is for the log and the books. */
  readonly told: string;

  constructor(kind: ErrorKind, message: string, init: ChatErrorInit = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.kind = kind;
    const base = TRAITS[kind];
    this.traits = {
      origin: init.origin ?? base.origin,
      retryHere: init.retryHere ?? base.retryHere,
      tryElsewhere: init.tryElsewhere ?? base.tryElsewhere,
      status: init.status ?? base.status,
      level: init.level ?? base.level,
    };
    this.param = init.param;
    this.code = init.code;
    this.upstreamStatus = init.upstreamStatus;
    this.retryAfterMs = init.retryAfterMs;
    this.timer = init.timer;
    this.hasOtherKey = init.hasOtherKey ?? false;
    this.told = init.told ?? message;
  }
}

/** Whatever was thrown, as a ChatError: itself, a cancellation, or `internal` with the original as `cause`. */
export function toChatError(thrown: unknown): ChatError {
  if (thrown instanceof ChatError) return thrown;
  if (thrown instanceof DOMException && thrown.name === "AbortError") {
    return new ChatError("cancelled", "the request was cancelled", { cause: thrown });
  }
  return new ChatError("internal", "the gateway failed to handle this request", { cause: thrown });
}
