import { type Alarm, clearAlarm, setAlarm } from "../alarm.ts";
import type { Timer } from "../hub/error.ts";

/** Looks after one exchange: at any time at most one timer is being waited for. */
export type Watch = {
  /** Who is told when a wait has lasted too long. */
  watched: Watched | undefined;
  /** From now on the other side has `milliseconds` to do what `timer` stands for; 0 and Infinity are for ever. */
  wait(timer: Timer, milliseconds: number): void;
  /** Nobody waits for the other side now. */
  rest(): void;
  stop(): void;
};

export type Watched = { expired(timer: Timer, milliseconds: number): void };

type OwnWatch = Watch & {
  waitingFor: Timer;
  limit: number;
  /** When the wait is over. */
  due: number;
  alarm: Alarm | undefined;
  ring(): void;
};

/**
 * Starts one. A wait costs a look at the clock: an alarm that is set for an earlier moment stays, finds out when it rings that
 * there has been activity, and is set again for what is left.
 */
export function createWatch(): Watch {
  const watch: OwnWatch = {
    watched: undefined,
    waitingFor: "headers",
    limit: 0,
    due: Number.POSITIVE_INFINITY,
    alarm: undefined,
    // Shared by all watches rather than made for each: every request has one.
    wait,
    rest,
    stop,
    ring,
  };
  return watch;
}

function wait(this: OwnWatch, timer: Timer, milliseconds: number): void {
  this.waitingFor = timer;
  this.limit = milliseconds;
  if (!(milliseconds > 0 && milliseconds < Number.POSITIVE_INFINITY)) return this.rest();
  const now = performance.now();
  this.due = now + milliseconds;
  if (this.alarm && this.alarm.due <= this.due) return;
  clearAlarm(this.alarm);
  this.alarm = setAlarm(this, milliseconds, now);
}

function rest(this: OwnWatch): void {
  this.due = Number.POSITIVE_INFINITY;
}

function stop(this: OwnWatch): void {
  this.due = Number.POSITIVE_INFINITY;
  clearAlarm(this.alarm);
  this.alarm = undefined;
}

function ring(this: OwnWatch): void {
  this.alarm = undefined;
  if (this.due === Number.POSITIVE_INFINITY) return;
  const now = performance.now();
  if (now < this.due) {
    this.alarm = setAlarm(this, this.due - now, now);
    return;
  }
  this.due = Number.POSITIVE_INFINITY;
  this.watched?.expired(this.waitingFor, this.limit);
}
