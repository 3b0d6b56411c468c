/**
 * Timers for waits of which there are many at once and hardly any lasts to its end: a request's. Setting and clearing one costs
 * some links, where a timer of the runtime costs an object, a place in its heap and a look at the kernel's clock, each twice.
 *
 * All alarms of one length ring in the order in which they were set, so those of one length share one timer of the runtime. It is
 * left running when an alarm is cleared; when it fires it looks at the clock and sleeps again for what is left. None of them
 * keeps the process alive.
 */

/** The longest wait that `setTimeout` understands; a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** Something that an alarm can be set for. */
export type Sleeper = { ring(): void };

export type Alarm = {
  /** When it rings, on the clock of `performance.now()`. */
  readonly due: number;
  readonly sleeper: Sleeper;
  /** Undefined once it has rung or was cleared. */
  queue: Queue | undefined;
  before: Alarm | undefined;
  behind: Alarm | undefined;
};

/** The alarms of one length, in the order of their times. */
type Queue = {
  readonly milliseconds: number;
  first: Alarm | undefined;
  last: Alarm | undefined;
};

const queues = new Map<number, Queue>();

/** Has `sleeper` rung in so many milliseconds, rounded up; never before. `now` is what `performance.now()` says. */
export function setAlarm(
  sleeper: Sleeper,
  milliseconds: number,
  now: number = performance.now(),
): Alarm {
  const length = Math.min(Math.max(Math.ceil(milliseconds), 0), LONGEST_MS);
  const queue = queues.get(length) ?? openQueue(length);
  const { last } = queue;
  const alarm: Alarm = { due: now + length, sleeper, queue, before: last, behind: undefined };
  if (last) last.behind = alarm;
  else queue.first = alarm;
  queue.last = alarm;
  return alarm;
}

/** Takes an alarm back; one that has rung, or none, is no mistake. */
export function clearAlarm(alarm: Alarm | undefined): void {
  if (!alarm?.queue) return;
  const { queue, before, behind } = alarm;
  if (before) before.behind = behind;
  else queue.first = behind;
  if (behind) behind.before = before;
  else queue.last = before;
  alarm.queue = undefined;
  alarm.before = undefined;
  alarm.behind = undefined;
}

function openQueue(milliseconds: number): Queue {
  const queue: Queue = { milliseconds, first: undefined, last: undefined };
  queues.set(milliseconds, queue);
  sleep(queue, milliseconds);
  return queue;
}

function sleep(queue: Queue, milliseconds: number): void {
  setTimeout(wake, milliseconds, queue).unref();
}

/** Rings what is due. A queue without alarms goes. */
function wake(queue: Queue): void {
  for (let alarm = queue.first; alarm; alarm = queue.first) {
    const left = alarm.due - performance.now();
    if (left > 0) return sleep(queue, left);
    clearAlarm(alarm);
    alarm.sleeper.ring();
  }
  if (queues.get(queue.milliseconds) === queue) queues.delete(queue.milliseconds);
}
