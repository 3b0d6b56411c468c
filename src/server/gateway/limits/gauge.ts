/** What is used of one limit, in the memory of this process. */
import { endOf, type Rule, startOf } from "./rule.ts";

/** How one limit stands, for the answer's headers. */
export type LimitWindow = {
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds from now until all of it is there again. */
  readonly resetMs: number;
};

export type Gauge = {
  /** May be replaced by one with the same id: what is used stays. */
  rule: Rule;
  /** Milliseconds until so much can be taken: 0 is at once, `ASK` is not known here and must be asked for with `fetch`. */
  wait(amount: number, now: number): number;
  /** Takes what `wait` has just let pass. */
  take(amount: number, now: number): void;
  /** Replaces what was taken at `takenAt` by what was used of it. */
  settle(taken: number, used: number, takenAt: number, now: number): void;
  /** True when only what requests in flight may yet give back stands between the amount and the limit. */
  isHeld(amount: number): boolean;
  view(now: number): LimitWindow;
  /** Makes sure that at least so much of the period that began at `start` counts as used, beside what is in flight. */
  raise(used: number, start: number, now: number): void;
  /** Asks for what is missing, where `wait` has said `ASK`. Never rejects. */
  fetch(amount: number): Promise<void>;
};

/** An answer of `wait`. */
export const ASK = -1;

/** What waits for requests in flight to end is told to come back after this long. */
const FLIGHT_MS = 1000;

/** A gauge that counts what this process alone lets through. */
export function createLocalGauge(initial: Rule, now: number): Gauge {
  let rule = initial;
  let level = 0;
  let at = now;
  /** Of `level`: taken by requests in flight. */
  let held = 0;
  let start = startOf(rule.period, now);
  let end = endOf(rule.period, start);

  const roll = (moment: number): void => {
    if (rule.ratePerMs > 0) {
      if (moment > at) {
        level = Math.max(0, level - (moment - at) * rule.ratePerMs);
        at = moment;
      }
    } else if (moment >= end) {
      start = startOf(rule.period, moment);
      end = endOf(rule.period, start);
      level = 0;
      held = 0;
    }
  };
  // A request larger than a whole minute's worth may go when nothing else has, else it could never go.
  const fitting = (amount: number): number =>
    rule.period === "minute" ? Math.min(amount, rule.capacity) : amount;

  return {
    get rule() {
      return rule;
    },
    set rule(next) {
      rule = next;
    },
    wait(amount, moment) {
      roll(moment);
      const over = level + fitting(amount) - rule.capacity;
      // What is free of charge as far as anybody knows may not go on once all is spent.
      if (over <= 0 && (amount > 0 || level < rule.capacity)) return 0;
      if (rule.ratePerMs > 0) return Math.max(over, 1e-9) / rule.ratePerMs;
      return rule.period === "flight" ? FLIGHT_MS : end - moment;
    },
    take(amount) {
      level += fitting(amount);
      held += fitting(amount);
    },
    settle(taken, used, takenAt, moment) {
      roll(moment);
      if (takenAt < start) return;
      held = Math.max(0, held - fitting(taken));
      level = Math.max(0, level + used - fitting(taken));
    },
    isHeld: (amount) => held > 0 && level - held + amount <= rule.capacity,
    view(moment) {
      roll(moment);
      return {
        limit: rule.limit,
        remaining: Math.max(0, Math.floor(rule.capacity - level)),
        resetMs: Math.ceil(rule.ratePerMs > 0 ? level / rule.ratePerMs : end - moment),
      };
    },
    raise(used, since, moment) {
      roll(moment);
      if (since === start) level = Math.max(level, used + held);
    },
    fetch: () => Promise.resolve(),
  };
}
