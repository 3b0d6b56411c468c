/** Time as the demo provider needs it; tests bring their own. */
import { ChatError } from "../hub/error.ts";

export type Clock = {
  /** Milliseconds from some moment, never backwards. */
  now(): number;
  /** Resolves after `ms`; throws what `interruption` makes of the signal as soon as it aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
};

/** What an aborted call throws: the signal's own reason if that is a ChatError, else a cancellation. */
export function interruption(signal: AbortSignal): ChatError {
  if (signal.reason instanceof ChatError) return signal.reason;
  return new ChatError("cancelled", "the request was cancelled", { cause: signal.reason });
}

/** The machine's clock. Leaves no timer and no listener behind. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wait(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(interruption(signal));
        return;
      }
      const abort = (): void => {
        clearTimeout(timer);
        reject(interruption(signal));
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", abort);
        resolve();
      }, ms);
      signal.addEventListener("abort", abort, { once: true });
    });
  },
};

export type Pacer = {
  /** Waits until the next token is due; the first one is due at once. Throws when the signal aborts. */
  next(signal: AbortSignal): Promise<void>;
};

/** Keeps to `rate` tokens a second on the whole: after a late token the following ones come sooner. */
export function createPacer(rate: number, clock: Clock): Pacer {
  const start = clock.now();
  let count = 0;
  return {
    async next(signal) {
      if (signal.aborted) throw interruption(signal);
      const due = rate === Infinity ? 0 : start + (count++ * 1000) / rate - clock.now();
      if (due > 0) await clock.wait(due, signal);
    },
  };
}
