/** Time as the demo provider needs it; tests bring their own. */
import { toCancelled } from "../net/failure.ts";

export type Clock = {
  /** Milliseconds from some moment, never backwards. */
  now(): number;
  /** Resolves after `ms`; throws ChatError as soon as the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
};

/** The machine's clock. Leaves no timer and no listener behind. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wait(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(toCancelled(signal));
        return;
      }
      const abort = (): void => {
        clearTimeout(timer);
        reject(toCancelled(signal));
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
      if (signal.aborted) throw toCancelled(signal);
      const due = rate === Infinity ? 0 : start + (count++ * 1000) / rate - clock.now();
      if (due > 0) await clock.wait(due, signal);
    },
  };
}
