import { expect, test } from "bun:test";

import { ChatError, type ErrorKind } from "../../../../src/connectors/hub/error.ts";
import { anthropicMessagesClient as client } from "../../../../src/connectors/wire/anthropic-messages/ingress.ts";

/** https://docs.anthropic.com/en/api/errors; 499 is for a client that is gone, and reaches nobody. */
const TOLD: readonly (readonly [ErrorKind, number, string])[] = [
  ["invalid-request", 400, "invalid_request_error"],
  ["too-large", 413, "request_too_large"],
  ["unauthenticated", 401, "authentication_error"],
  ["forbidden", 403, "permission_error"],
  ["not-found", 404, "not_found_error"],
  ["rate-limited", 429, "rate_limit_error"],
  ["quota-exceeded", 402, "billing_error"],
  ["refused", 400, "invalid_request_error"],
  ["timeout", 504, "timeout_error"],
  ["unavailable", 529, "overloaded_error"],
  ["bad-upstream", 502, "api_error"],
  ["cancelled", 499, "api_error"],
  ["internal", 500, "api_error"],
];

test.each(TOLD)("%s is told as %d %s", (kind, status, type) => {
  const error = new ChatError(kind, "no");
  expect(client.statusOf(error)).toBe(status);
  expect(client.encodeError(error, "req_1")).toEqual({
    type: "error",
    error: { type, message: "no" },
    request_id: "req_1",
  });
});

test("a provider's own failure keeps its status, and only a lack of room is Anthropic's 529", () => {
  const failed = new ChatError("unavailable", "no", { status: 500 });
  expect(client.statusOf(failed)).toBe(500);
  expect(client.encodeError(failed, "r")).toMatchObject({ error: { type: "api_error" } });
});
