import type { ChatError } from "../../connectors/hub/error.ts";
import type { RetryConfig } from "../config/config.ts";

/**
 * What to do after a failed attempt: the same target again after a while, the next one, the next one that holds more tokens, or
 * nobody.
 */
export type Verdict =
  | { readonly to: "same"; readonly delayMs: number }
  | { readonly to: "next" | "larger" | "nobody" };

/** What an attempt was one of. */
export type Situation = {
  readonly retry: RetryConfig;
  /** How often this target has been tried again. */
  readonly retries: number;
  /** How often the client itself has tried again: its retries and ours do not multiply. */
  readonly clientRetries: number;
  /** Whether the budget has room for one more attempt here beside one for each of the next targets. */
  readonly hasRoom: boolean;
  /** Milliseconds until nobody waits any more. */
  readonly leftMs: number;
  /** In [0, 1). */
  readonly random: () => number;
};

/** Waiting longer than this for a provider's Retry-After is left to the client, who can do something else meanwhile. */
export const LONGEST_WAIT_MS = 30_000;
/** Those who were told the same time do not come back in the same moment. */
const SPREAD = 0.1;

/** The code of a target's refusal to go on with the beginning of its own answer. */
export const PREFILL_REFUSED = "prefill_refused";

const TOO_LONG =
  /context[ _](?:length|window|limit)|maximum context|prompt is too long|too many (?:input )?tokens|input token count|maximum number of (?:input )?tokens/i;

/**
 * | what happened | same target again |
 * | --- | --- |
 * | 408, 425, 429, 5xx, 529, reset, refused, cut before it began, connect timer | yes, with full jitter or after Retry-After |
 * | headers, first-event, idle or total timer: it was reached and is silent | no, the next |
 * | a key of the provider's is limited or refused, and another one is free | yes, at once, and it is no retry |
 * | our credentials or credit there, TLS, a wrong address, 404 | no, the next |
 * | too long for its context | no, the next with a larger one |
 * | another 4xx, refused by content policy | nobody: the next would say the same, or ought to |
 */
export function judge(error: ChatError, at: Situation): Verdict {
  if (isTooLong(error)) return { to: "larger" };
  // Asked in another way it may well answer.
  if (error.hasOtherKey || error.code === PREFILL_REFUSED)
    return at.hasRoom ? { to: "same", delayMs: 0 } : { to: "next" };
  if (!error.traits.tryElsewhere) return { to: "nobody" };
  const delayMs = waitFor(error, at);
  const isSilent = error.timer !== undefined && error.timer !== "connect";
  const mayRepeat = error.traits.retryHere || error.timer === "connect";
  const most = Math.max(0, at.retry.maxRetries - at.clientRetries);
  if (isSilent || !mayRepeat || at.retries >= most || !at.hasRoom) return { to: "next" };
  return delayMs <= LONGEST_WAIT_MS && delayMs < at.leftMs
    ? { to: "same", delayMs }
    : { to: "next" };
}

/** Milliseconds; full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
function waitFor({ retryAfterMs }: ChatError, { retry, retries, random }: Situation): number {
  if (retryAfterMs !== undefined) return spread(retryAfterMs, random);
  return random() * Math.min(retry.backoffMs * 2 ** retries, LONGEST_WAIT_MS);
}

/** A named time and up to a tenth of it. */
export function spread(ms: number, random: () => number): number {
  // Timers may be a little early, and a target that was told to wait for longer would be left for the next one.
  return Math.ceil(ms * (1 + SPREAD * random())) + 2;
}

/** Whether the request has more tokens than the target takes, in the words of any provider. */
export function isTooLong(error: ChatError): boolean {
  if (error.code === "context_length_exceeded") return true;
  if (error.kind !== "invalid-request" && error.kind !== "too-large") return false;
  return error.upstreamStatus !== undefined && TOO_LONG.test(error.message);
}

/** How often the official SDKs have tried this request again (`X-Stainless-Retry-Count`). */
export function clientRetries(headers: Headers): number {
  const count = Number(headers.get("x-stainless-retry-count") ?? 0);
  return Number.isInteger(count) && count > 0 ? Math.min(count, 100) : 0;
}
