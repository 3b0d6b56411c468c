import type { Timer } from "../hub/error.ts";

/** The longest wait that `setTimeout` understands; a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Looks after one exchange: at any time at most one timer is being waited for. */
export type Watch = {
  /** From now on the other side has `milliseconds` to do what `timer` stands for; 0 and Infinity are for ever. */
  wait(timer: Timer, milliseconds: number): void;
  /** Nobody waits for the other side now. */
  rest(): void;
  stop(): void;
};

/**
 * Starts one that calls `expired` when a wait has lasted too long. A wait costs a look at the clock: the one real timer is
 * left running, finds out when it fires that there has been activity, and sleeps again for what is left.
 */
export function createWatch(expired: (timer: Timer, milliseconds: number) => void): Watch {
  let waitingFor: Timer = "headers";
  let limit = 0;
  let due = Number.POSITIVE_INFINITY;
  let firesAt = Number.POSITIVE_INFINITY;
  let sleeper: ReturnType<typeof setTimeout> | undefined;

  const arm = (now: number): void => {
    clearTimeout(sleeper);
    const milliseconds = Math.min(Math.max(due - now, 1), LONGEST_MS);
    firesAt = now + milliseconds;
    sleeper = setTimeout(wake, milliseconds);
  };
  const wake = (): void => {
    sleeper = undefined;
    firesAt = Number.POSITIVE_INFINITY;
    if (due === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    if (now < due) return arm(now);
    due = Number.POSITIVE_INFINITY;
    expired(waitingFor, limit);
  };

  return {
    wait(timer, milliseconds) {
      waitingFor = timer;
      limit = milliseconds;
      if (!(milliseconds > 0 && milliseconds < Number.POSITIVE_INFINITY)) {
        due = Number.POSITIVE_INFINITY;
        return;
      }
      const now = performance.now();
      due = now + milliseconds;
      if (due < firesAt) arm(now);
    },
    rest() {
      due = Number.POSITIVE_INFINITY;
    },
    stop() {
      due = Number.POSITIVE_INFINITY;
      firesAt = Number.POSITIVE_INFINITY;
      clearTimeout(sleeper);
    },
  };
}
