import type { Grant } from "./credentials.ts";
import { ChatError } from "./hub/error.ts";

/**
 * An attempt's failure as it leaves the connector: with the values that were sent as credentials blotted out, should the
 * provider have repeated one, and with the advice to try again at once if it was the key's fault and there is another.
 */
export function explain(
  error: ChatError,
  grant: Grant | undefined,
  secrets: readonly string[],
): ChatError {
  const hasOther = grant?.judge(error) ?? false;
  let message = error.message;
  for (const secret of secrets) message = message.replaceAll(secret, "[redacted]");
  for (const secret of grant?.secrets ?? []) message = message.replaceAll(secret, "[redacted]");
  if (!hasOther && message === error.message) return error;
  return new ChatError(error.kind, message, {
    ...error.traits,
    retryHere: hasOther || error.traits.retryHere,
    retryAfterMs: hasOther ? 0 : error.retryAfterMs,
    hasOtherKey: hasOther,
    param: error.param,
    code: error.code,
    upstreamStatus: error.upstreamStatus,
    timer: error.timer,
    cause: error.cause,
  });
}
