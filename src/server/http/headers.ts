import type { ChatError } from "../../connectors/hub/error.ts";
import type { Exchange } from "../gateway/exchange.ts";

/** What every answer to an authenticated request says of itself. OpenAI's names for the limits. */
export function exchangeHeaders(exchange: Exchange): Record<string, string> {
  const headers: Record<string, string> = {
    "x-request-id": exchange.requestId,
    "x-xjp-attempts": String(exchange.attempts),
  };
  if (exchange.provider !== "") {
    headers["x-xjp-provider"] = exchange.provider;
    headers["x-xjp-model"] = headerSafe(exchange.providerModel);
  }
  if (exchange.dropped.size > 0)
    headers["x-xjp-dropped"] = headerSafe([...exchange.dropped].join(", "));
  const limits = exchange.limits;
  if (limits?.requests) {
    headers["x-ratelimit-limit-requests"] = String(limits.requests.limit);
    headers["x-ratelimit-remaining-requests"] = String(limits.requests.remaining);
    headers["x-ratelimit-reset-requests"] = duration(limits.requests.resetMs);
  }
  if (limits?.tokens) {
    headers["x-ratelimit-limit-tokens"] = String(limits.tokens.limit);
    headers["x-ratelimit-remaining-tokens"] = String(limits.tokens.remaining);
    headers["x-ratelimit-reset-tokens"] = duration(limits.tokens.resetMs);
  }
  if (limits?.refusedUntil !== undefined) {
    headers["x-ratelimit-reset"] = String(Math.ceil(limits.refusedUntil / 1000));
  }
  return headers;
}

/** What an error's answer adds: whose fault it was, and whether and when to try again. */
export function errorHeaders(error: ChatError): Record<string, string> {
  const headers: Record<string, string> = { "x-xjp-error-origin": error.traits.origin };
  if (error.retryAfterMs !== undefined) {
    headers["retry-after"] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
    headers["retry-after-ms"] = String(Math.ceil(error.retryAfterMs));
  }
  // The official SDKs retry 408, 409, 429 and 5xx unless told otherwise; the gateway has done its own retries by then.
  if (!isWorthRetrying(error)) headers["x-should-retry"] = "false";
  return headers;
}

function isWorthRetrying(error: ChatError): boolean {
  switch (error.kind) {
    case "rate-limited":
    case "unavailable":
    case "bad-upstream":
    case "timeout":
      return error.traits.retryHere || error.retryAfterMs !== undefined || error.kind === "timeout";
    case "invalid-request":
    case "too-large":
    case "unauthenticated":
    case "forbidden":
    case "not-found":
    case "quota-exceeded":
    case "refused":
    case "cancelled":
    case "internal":
      return false;
  }
}

/** OpenAI's way to write a time span: `6m0s`, `1s`, `20ms`. */
function duration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const total = Math.ceil(ms / 1000);
  return total < 60 ? `${total}s` : `${Math.floor(total / 60)}m${total % 60}s`;
}

function headerSafe(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, "?");
}
