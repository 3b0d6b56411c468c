/** Google's errors: https://cloud.google.com/apis/design/errors#http_mapping */
import { ChatError } from "../../hub/error.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { decodeError as decodeStatus } from "../provider-error.ts";
import { isJsonArray, textOf } from "../walk.ts";
import { SIGNATURE_REFUSED } from "./signature.ts";

/** Statuses by their words, for errors that come without the number. */
const STATUS_OF_WORD: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ABORTED: 409,
  ALREADY_EXISTS: 409,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 499,
  INTERNAL: 500,
  UNKNOWN: 500,
  DATA_LOSS: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** The error in a body, if there is one: `{error}`, or an array around that. */
export function errorIn(body: unknown): JsonObject | undefined {
  const outer: unknown = Array.isArray(body) ? body[0] : body;
  const error = isJsonObject(outer) ? outer["error"] : undefined;
  if (isJsonObject(error)) return error;
  return typeof error === "string" ? { message: error } : undefined;
}

function details(error: JsonObject, type: string): readonly JsonObject[] {
  const list = error["details"];
  if (!isJsonArray(list)) return [];
  return list
    .filter(isJsonObject)
    .filter((detail) => (textOf(detail["@type"]) ?? "").endsWith(`google.rpc.${type}`));
}

/** `34.4s` as milliseconds. */
function retryDelay(error: JsonObject): number | undefined {
  const delay = textOf(details(error, "RetryInfo")[0]?.["retryDelay"]);
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(delay ?? "")?.[1];
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1000);
}

/** Whether a quota that ran out comes back only with the next day. */
function isDailyQuota(error: JsonObject): boolean {
  return details(error, "QuotaFailure").some(({ violations }) =>
    (isJsonArray(violations) ? violations : []).some(
      (each) => isJsonObject(each) && /per_?day/i.test(textOf(each["quotaId"]) ?? ""),
    ),
  );
}

function statusOf(status: number, error: JsonObject): number {
  const message = textOf(error["message"]) ?? "";
  const reasons = new Set(details(error, "ErrorInfo").map((detail) => textOf(detail["reason"])));
  if (status !== 400) return status;
  // Google says of its own keys, its customers' bills and too much data what others have statuses for.
  if (reasons.has("API_KEY_INVALID") || /API key (?:not valid|expired)/i.test(message)) {
    return 401;
  }
  if (reasons.has("BILLING_DISABLED") || /billing (?:to be )?enabled/i.test(message)) return 402;
  return /payload size exceeds the limit/i.test(message) ? 413 : status;
}

function toError(status: number, error: JsonObject, headers: Headers): ChatError {
  const waitMs = retryDelay(error);
  if (status === 429 && isDailyQuota(error)) {
    return new ChatError("unavailable", "the gateway's daily quota at the provider is used up", {
      upstreamStatus: status,
      retryAfterMs: waitMs,
      code: "provider_quota_exhausted",
      retryHere: false,
      status: 503,
      level: "error",
    });
  }
  if (status === 499) {
    // Google's own word for a call that it gave up, which here nobody has cancelled.
    return new ChatError("unavailable", "the provider cancelled the call (499)", {
      upstreamStatus: status,
    });
  }
  const told = new Headers(headers);
  if (waitMs !== undefined) told.set("retry-after-ms", String(waitMs));
  const message = textOf(error["message"]) ?? textOf(error["status"]) ?? "";
  const isSignature = status === 400 && /thought[_ ]?signature/i.test(message);
  // Without the numbers and words that repeat the status.
  const said = { error: { message, ...(isSignature ? { code: SIGNATURE_REFUSED } : {}) } };
  return decodeStatus(statusOf(status, error), JSON.stringify(said), told);
}

/** What a response with a status that is not 2xx means. */
export function decodeError(status: number, body: string, headers: Headers): ChatError {
  let parsed: Json | undefined;
  try {
    parsed = JSON.parse(body);
  } catch {
    // A page or plain text, which the common reading knows how to tell.
  }
  const error = errorIn(parsed);
  return error ? toError(status, error, headers) : decodeStatus(status, body, headers);
}

/** What an error within a 200 means, whole or in mid-stream. */
export function decodeInnerError(error: JsonObject): ChatError {
  const { code } = error;
  const isStatus = typeof code === "number" && code >= 400 && code <= 599;
  const word = STATUS_OF_WORD[textOf(error["status"]) ?? ""];
  return toError(isStatus ? code : (word ?? 502), error, new Headers());
}
