import type { ChatError } from "./hub/error.ts";

/** How long a key rests that the provider refused, and one that ran into a limit without being told until when. */
const REFUSED_MS = 300_000;
const LIMITED_MS = 30_000;

/** A provider's keys, used in turn. */
export type ApiKeys = {
  /** The next one that does not rest; if all do, the one that is free first. Undefined if there are none. */
  take(): string | undefined;
  /** Lets a key rest if this error, which it met, is of its own making. True if another one can be used at once. */
  judge(key: string | undefined, error: ChatError): boolean;
};

/** `now` is in milliseconds from any fixed point. */
export function createApiKeys(
  keys: readonly string[],
  now: () => number = () => performance.now(),
): ApiKeys {
  const freeAt = new Map(keys.map((key) => [key, 0]));
  const ring = [...freeAt.keys()];
  let next = 0;

  const isFree = (key: string): boolean => (freeAt.get(key) ?? 0) <= now();
  return {
    take() {
      const only = ring[0];
      if (ring.length < 2) return only;
      for (let tried = 0; tried < ring.length; tried += 1) {
        const key = ring[next];
        next = (next + 1) % ring.length;
        if (key !== undefined && isFree(key)) return key;
      }
      return ring.reduce((best, key) =>
        (freeAt.get(key) ?? 0) < (freeAt.get(best) ?? 0) ? key : best,
      );
    },
    judge(key, error) {
      const rest = restOf(error);
      if (key === undefined || rest === undefined) return false;
      freeAt.set(key, now() + rest);
      return ring.some(isFree);
    },
  };
}

/** Milliseconds for which a key that met this error is better left alone, or undefined if the error is not about the key. */
function restOf(error: ChatError): number | undefined {
  const status = error.upstreamStatus;
  // Moderation is told by 403 as well and has nothing to do with the key.
  if (status === 403) return error.kind === "unavailable" ? REFUSED_MS : undefined;
  if (status === 401 || status === 402) return REFUSED_MS;
  if (status !== 429) return undefined;
  return error.kind === "rate-limited" ? (error.retryAfterMs ?? LIMITED_MS) : REFUSED_MS;
}
