import { ChatError, type ChatErrorInit } from "../hub/error.ts";
import type { Json } from "../hub/json.ts";
import { type ErrorBody, readError, readErrorText } from "./error-body.ts";
import { redact } from "./redact.ts";

/** The longest wait a provider is believed to mean. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;

const CONTENT_CODES =
  /content_policy|content_filter|moderation_blocked|ResponsibleAIPolicyViolation|data_inspection_failed|safety_violation/i;
const CONTEXT_WORDS =
  /maximum context length|context[ _]length|context window|too many tokens in the prompt|prompt is too long|input is too long|exceeds? the (?:maximum number of|context)/i;
const QUOTA_CODES =
  /insufficient_quota|quota_exceeded|billing|insufficient_balance|insufficient_credits/i;
/** Anthropic tells this with 400, as if it were the request's fault. */
const QUOTA_WORDS = /^your credit balance is too low/i;

/** Statuses for errors that arrive inside a 200 and name themselves only by a word. */
const STATUS_OF_WORD: readonly (readonly [RegExp, number])[] = [
  [/insufficient_quota|insufficient_balance|billing_error/, 402],
  [/request_too_large/, 413],
  [/rate_limit|too_many_requests|resource_exhausted/i, 429],
  [/authentication|invalid_api_key|unauthorized/i, 401],
  [/permission|forbidden/i, 403],
  [/not_found/i, 404],
  [/timeout|deadline_exceeded/i, 504],
  [/overloaded|unavailable/i, 503],
  [/invalid_request|invalid_argument|context_length|bad_?request|unsupported|content_/i, 400],
];

/** `retry-after-ms`, or `Retry-After` in seconds or as a date (measured from the response's own `Date`, if it has one). */
function retryAfter(headers: Headers): number | undefined {
  const milliseconds = headers.get("retry-after-ms");
  const wait = headers.get("retry-after");
  let delay = Number.NaN;
  if (milliseconds !== null && milliseconds.trim() !== "") delay = Number(milliseconds);
  else if (wait !== null && /^\s*\d+(?:\.\d+)?\s*$/.test(wait)) delay = Number(wait) * 1000;
  else if (wait !== null)
    delay = Date.parse(wait) - (Date.parse(headers.get("date") ?? "") || Date.now());
  return Number.isFinite(delay)
    ? Math.min(Math.max(0, Math.ceil(delay)), LONGEST_WAIT_MS)
    : undefined;
}

function statusOf(said: ErrorBody): number {
  if (said.status !== undefined) return said.status;
  const word = `${said.code ?? ""} ${said.type ?? ""}`;
  return STATUS_OF_WORD.find(([pattern]) => pattern.test(word))?.[1] ?? 502;
}

/** A 5xx that clients know: statuses of Cloudflare and Anthropic become the nearest standard one. */
function standardStatus(status: number): number {
  if (status === 524) return 504;
  if (status === 529) return 503;
  return status > 511 || status < 500 ? 502 : status;
}

/**
 * Status and words become a kind here and nowhere else. Refusals of the gateway's own credentials or credit are no fault of the
 * caller's, who must not be told 401 or 402 for them.
 */
function toError(status: number, said: ErrorBody, headers?: Headers): ChatError {
  const message = redact(said.message);
  const answered = `the provider answered ${status}`;
  const full = message === "" ? answered : `${answered}: ${message}`;
  const own = message === "" ? answered : message;
  const base: ChatErrorInit = {
    upstreamStatus: status,
    retryAfterMs: (headers && retryAfter(headers)) ?? said.waitMs,
    code: said.code,
    param: said.param,
  };
  const words = `${said.code ?? ""} ${said.type ?? ""}`;

  if (said.isFlagged || (status < 500 && CONTENT_CODES.test(words))) {
    return new ChatError("refused", own, { ...base, status: status < 500 ? status : 400 });
  }
  if (status === 401 || status === 403) {
    const detail = status === 403 && message !== "" ? `: ${message}` : "";
    return new ChatError(
      "unavailable",
      `the provider refused the gateway's own credentials (${status})${detail}`,
      {
        ...base,
        param: undefined,
        code: "provider_authentication_failed",
        retryHere: false,
        status: 502,
        level: "error",
      },
    );
  }
  if (
    status === 402 ||
    (status === 429 && QUOTA_CODES.test(words)) ||
    (status === 400 && QUOTA_WORDS.test(message))
  ) {
    return new ChatError(
      "unavailable",
      `the gateway's account at the provider is out of credit (${status})`,
      {
        ...base,
        param: undefined,
        code: "provider_quota_exhausted",
        retryHere: false,
        status: 503,
        level: "error",
      },
    );
  }
  switch (status) {
    case 404:
      if (!said.isJson) break;
      return new ChatError("not-found", own, {
        ...base,
        code: said.code ?? "model_not_found",
        origin: "provider",
        tryElsewhere: true,
        level: "warn",
      });
    case 408:
    case 504:
    case 524:
      return new ChatError("timeout", full, { ...base, retryHere: true });
    case 409:
      return new ChatError("unavailable", full, { ...base, status: 409 });
    case 413:
      return new ChatError("too-large", own, { ...base, tryElsewhere: true });
    case 425:
    case 429:
      return new ChatError("rate-limited", own, {
        ...base,
        code: said.code ?? "rate_limit_exceeded",
        origin: "provider",
        retryHere: true,
        tryElsewhere: true,
        level: "warn",
      });
    case 400:
    case 422: {
      const code =
        said.code ?? (CONTEXT_WORDS.test(message) ? "context_length_exceeded" : undefined);
      return new ChatError("invalid-request", own, { ...base, code, status });
    }
  }
  if (status >= 500)
    return new ChatError("unavailable", full, { ...base, status: standardStatus(status) });
  // What is left says that the address is wrong (a redirect, a page, a method not allowed) and not the request.
  return new ChatError("unavailable", `${full}; the provider's base URL may be wrong`, {
    ...base,
    param: undefined,
    retryHere: false,
    status: 502,
  });
}

/** What a response with a status that is not 2xx means. */
export function decodeError(status: number, body: string, headers: Headers): ChatError {
  return toError(status, readErrorText(body), headers);
}

/** What an error inside a 200 means, whole or in mid-stream: its own code, number or word, stands for the status. */
export function decodeInnerError(value: Json): ChatError {
  const said = readError(value);
  return toError(statusOf(said), said);
}
