import type { ChatError, ErrorKind } from "../../hub/error.ts";
import type { JsonObject } from "../../hub/json.ts";

/** Anthropic's `error.type`; https://docs.anthropic.com/en/api/errors */
const TYPES: Readonly<Record<ErrorKind, string>> = {
  "invalid-request": "invalid_request_error",
  "too-large": "request_too_large",
  unauthenticated: "authentication_error",
  forbidden: "permission_error",
  "not-found": "not_found_error",
  "rate-limited": "rate_limit_error",
  "quota-exceeded": "billing_error",
  refused: "invalid_request_error",
  timeout: "timeout_error",
  unavailable: "overloaded_error",
  "bad-upstream": "api_error",
  cancelled: "api_error",
  internal: "api_error",
};

/** Anthropic's own status for a service that has no room, where others say 503. */
const OVERLOADED = 529;

/** The HTTP status under which this dialect's clients know an error. */
export function statusOf(error: ChatError): number {
  const { status } = error.traits;
  return error.kind === "unavailable" && status === 503 ? OVERLOADED : status;
}

/** An error as Anthropic's envelope. */
export function encodeError(error: ChatError, requestId: string): JsonObject {
  const type =
    error.kind === "unavailable" && statusOf(error) !== OVERLOADED
      ? "api_error"
      : TYPES[error.kind];
  return { type: "error", error: { type, message: error.told }, request_id: requestId };
}
