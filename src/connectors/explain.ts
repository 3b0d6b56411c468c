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
  const redacted = (text: string): string =>
    [...secrets, ...(grant?.secrets ?? [])].reduce(
      (rest, secret) => rest.replaceAll(secret, "[redacted]"),
      text,
    );
  const message = redacted(error.message);
  const told = redacted(error.told);
  if (!hasOther && message === error.message && told === error.told) return error;
  return new ChatError(error.kind, message, {
    ...error.traits,
    retryHere: hasOther || error.traits.retryHere,
    retryAfterMs: hasOther ? 0 : error.retryAfterMs,
    hasOtherKey: hasOther,
    told,
    param: error.param,
    code: error.code,
    upstreamStatus: error.upstreamStatus,
    timer: error.timer,
    cause: error.cause,
  });
}
