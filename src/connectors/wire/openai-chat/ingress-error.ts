import type { ChatError, ErrorKind } from "../../hub/error.ts";
import type { JsonObject } from "../../hub/json.ts";

/** OpenAI's `type`, and the `code` for errors that bring none. Clients rely on both being strings. */
const WORDS: Readonly<Record<ErrorKind, { readonly type: string; readonly code: string | null }>> =
  {
    "invalid-request": { type: "invalid_request_error", code: null },
    "too-large": { type: "invalid_request_error", code: "request_too_large" },
    unauthenticated: { type: "authentication_error", code: "invalid_api_key" },
    forbidden: { type: "permission_error", code: "permission_denied" },
    "not-found": { type: "invalid_request_error", code: "model_not_found" },
    "rate-limited": { type: "rate_limit_error", code: "rate_limit_exceeded" },
    "quota-exceeded": { type: "insufficient_quota", code: "insufficient_quota" },
    refused: { type: "invalid_request_error", code: "content_policy_violation" },
    timeout: { type: "timeout", code: "timeout" },
    unavailable: { type: "server_error", code: "provider_unavailable" },
    "bad-upstream": { type: "api_error", code: "bad_upstream" },
    cancelled: { type: "api_error", code: "cancelled" },
    internal: { type: "server_error", code: "internal_error" },
  };

/** An error as OpenAI's envelope. */
export function encodeError(error: ChatError, requestId: string): JsonObject {
  const { type, code } = WORDS[error.kind];
  return {
    error: {
      message: error.told,
      type,
      param: error.param ?? null,
      code: error.code ?? code,
      request_id: requestId,
    },
  };
}
