import type { ChatError } from "../../connectors/hub/error.ts";
import type { Dialect } from "../../connectors/hub/request.ts";
import type { Exchange } from "../gateway/exchange.ts";
import { addLimitHeaders } from "./limit-headers.ts";

/** The request's id under the names by which clients of a dialect look for it. */
export function requestIdHeaders(dialect: Dialect, requestId: string): Record<string, string> {
  // Anthropic's SDKs read the second.
  return dialect === "anthropic-messages"
    ? { "x-request-id": requestId, "request-id": requestId }
    : { "x-request-id": requestId };
}

/** What every answer to an authenticated request says of itself. */
export function exchangeHeaders(exchange: Exchange, dialect: Dialect): Record<string, string> {
  return { ...targetHeaders(exchange), ...ownHeaders(exchange, dialect) };
}

/** An answer in one piece, with the same headers. */
export function jsonResponse(body: string, exchange: Exchange, dialect: Dialect): Response {
  const response = new Response(body, { headers: alike(exchange) });
  const own = ownHeaders(exchange, dialect);
  for (const name in own) response.headers.set(name, own[name] ?? "");
  return response;
}

/** The headers of the latest answer in one piece, but for its own, and what they were made from. */
let latest = { provider: "", providerModel: "", attempts: -1, headers: new Headers() };

/** What answers of one target have alike. A Response copies ready Headers in half the time that it takes to make them of a record. */
function alike(exchange: Exchange): Headers {
  const { provider, providerModel, attempts } = exchange;
  if (
    latest.attempts !== attempts ||
    latest.providerModel !== providerModel ||
    latest.provider !== provider
  ) {
    const headers = { "content-type": "application/json", ...targetHeaders(exchange) };
    latest = { provider, providerModel, attempts, headers: new Headers(headers) };
  }
  return latest.headers;
}

/** Who answered. */
function targetHeaders(exchange: Exchange): Record<string, string> {
  const headers: Record<string, string> = { "x-xjp-attempts": String(exchange.attempts) };
  if (exchange.provider !== "") {
    headers["x-xjp-provider"] = exchange.provider;
    headers["x-xjp-model"] = headerSafe(exchange.providerModel);
  }
  return headers;
}

/** What is this answer's alone. */
function ownHeaders(exchange: Exchange, dialect: Dialect): Record<string, string> {
  const headers = requestIdHeaders(dialect, exchange.requestId);
  if (exchange.head) passOn(exchange.head, headers);
  if (exchange.dropped.size > 0)
    headers["x-xjp-dropped"] = headerSafe([...exchange.dropped].join(", "));
  addLimitHeaders(headers, dialect, exchange.limits, exchange.startedAt);
  return headers;
}

/**
 * What an error's answer adds: whose fault it was, and whether and when to try again. `attempts`: how often providers were asked
 * for this answer.
 */
export function errorHeaders(error: ChatError, attempts: number): Record<string, string> {
  const headers: Record<string, string> = { "x-xjp-error-origin": error.traits.origin };
  if (error.retryAfterMs !== undefined) {
    headers["retry-after"] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
    headers["retry-after-ms"] = String(Math.ceil(error.retryAfterMs));
  }
  // The official SDKs retry 408, 409, 429 and 5xx unless told otherwise; what the gateway has tried again is not to be multiplied.
  if (!isWorthRetrying(error, attempts)) headers["x-should-retry"] = "false";
  return headers;
}

function isWorthRetrying(error: ChatError, attempts: number): boolean {
  switch (error.kind) {
    case "rate-limited":
    case "unavailable":
    case "bad-upstream":
    case "timeout":
      // Once a time is named it is worth coming back then.
      if (error.retryAfterMs !== undefined) return true;
      return attempts < 2 && (error.traits.retryHere || error.timer === "connect");
    case "invalid-request":
      // One that collides with itself elsewhere.
      return error.retryAfterMs !== undefined;
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

const UNSAFE = /[^\x20-\x7e]/;
const UNSAFE_ALL = /[^\x20-\x7e]/g;

function headerSafe(value: string): string {
  return UNSAFE.test(value) ? value.replaceAll(UNSAFE_ALL, "?") : value;
}

/** What a provider says of its answer that its own clients use to ask it about it; nothing else of its head gets through. */
const PASSED: readonly (readonly [from: string, to: string])[] = [
  ["x-generation-id", "x-generation-id"],
  // Anthropic's name, and everybody else's.
  ["request-id", "x-xjp-provider-request-id"],
  ["x-request-id", "x-xjp-provider-request-id"],
];

function passOn(head: Headers, headers: Record<string, string>): void {
  for (const [from, to] of PASSED) {
    const value = head.get(from);
    if (value !== null) headers[to] ??= headerSafe(value.slice(0, 200));
  }
}
