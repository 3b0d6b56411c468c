import type { ChatCall, Timeouts } from "../../connectors/connector.ts";
import { ChatError, type Timer } from "../../connectors/hub/error.ts";
import { type Alarm, clearAlarm, setAlarm } from "../../connectors/alarm.ts";
import type { Abort, Abortable } from "./abort.ts";
import type { Breaker, Pass } from "./breaker.ts";
import type { Route } from "./catalog.ts";
import type { Exchange } from "./exchange.ts";

export type AttemptDeps = {
  readonly breaker: Breaker;
  readonly timeouts: Timeouts;
  readonly clock: () => number;
  /** Told of every attempt and how it ended: `ok`, `abandoned`, `resent` or an error's kind, and which timer ran out, if one did. */
  readonly onAttempt: (provider: string, outcome: string, timer?: Timer) => void;
  /** Told of every stream message that was left out because it could not be read. */
  readonly onMalformed: (provider: string) => void;
};

/** One question to one target: what its connector is called with, the timer over all of it, and its end. */
export type Attempt = ChatCall &
  Abortable & {
    readonly route: Route;
    /** Takes up a deadline that has moved. */
    extend(): void;
    /** Says how it ended, to all who keep count. Only the first time counts, and only then it is true. */
    end(outcome: "ok" | "abandoned" | ChatError): boolean;
  };

type OwnAttempt = Attempt & {
  readonly pass: Pass;
  readonly mostAttempts: number;
  readonly exchange: Exchange;
  readonly deps: AttemptDeps;
  readonly controller: AbortController;
  /** Unix milliseconds. */
  readonly startedAt: number;
  alarm: Alarm | undefined;
  ended: boolean;
  ring(): void;
};

/** Starts one; `pass` is the leave that the breaker gave for it, and `mostAttempts` the request's budget of them. */
export function startAttempt(
  route: Route,
  pass: Pass,
  stream: boolean,
  mostAttempts: number,
  exchange: Exchange,
  deps: AttemptDeps,
): Attempt {
  exchange.provider = route.provider;
  exchange.providerModel = route.model;
  exchange.attempts += 1;
  exchange.givenUp = false;
  const controller = new AbortController();
  const attempt: OwnAttempt = {
    route,
    pass,
    mostAttempts,
    exchange,
    deps,
    controller,
    startedAt: deps.clock(),
    alarm: undefined,
    ended: false,
    target: route,
    timeouts: stream ? forStreams(deps.timeouts) : deps.timeouts,
    signal: controller.signal,
    requestId: exchange.requestId,
    headers: exchange.headers,
    drop: (field) => exchange.dropped.add(field),
    // Shared by all attempts rather than made for each.
    abort,
    ring,
    onHead,
    onMalformed,
    mayResend,
    extend,
    end,
  };
  exchange.abort.listen(attempt);
  attempt.alarm = setAlarm(attempt, mostMs(attempt));
  return attempt;
}

/** The longest that it may take. */
function mostMs({ exchange, route, startedAt }: OwnAttempt): number {
  return Math.min(exchange.deadline - startedAt, route.timeoutMs);
}

function abort(this: OwnAttempt, reason: ChatError): void {
  this.controller.abort(reason);
}

function ring(this: OwnAttempt): void {
  const left = this.exchange.deadline - this.startedAt;
  this.abort(totalTimeout(mostMs(this), left <= this.route.timeoutMs));
}

function extend(this: OwnAttempt): void {
  if (this.ended) return;
  clearAlarm(this.alarm);
  this.alarm = setAlarm(this, this.startedAt + mostMs(this) - this.deps.clock());
}

function onHead(this: OwnAttempt, head: Headers): void {
  this.exchange.head = head;
}

function onMalformed(this: OwnAttempt): void {
  this.deps.onMalformed(this.route.provider);
}

function mayResend(this: OwnAttempt): boolean {
  if (this.exchange.attempts >= this.mostAttempts) return false;
  this.exchange.attempts += 1;
  this.deps.onAttempt(this.route.provider, "resent");
  return true;
}

function end(this: OwnAttempt, outcome: "ok" | "abandoned" | ChatError): boolean {
  if (this.ended) return false;
  this.ended = true;
  clearAlarm(this.alarm);
  const { route, pass, exchange, deps } = this;
  exchange.abort.unlisten(this);
  exchange.givenUp = outcome === "abandoned" || (outcome !== "ok" && outcome.kind === "cancelled");
  if (outcome === "ok") deps.breaker.succeeded(route.id, pass);
  // Nobody knows whether the target is well, least of all a client that waits less long than the gateway does.
  else if (
    outcome === "abandoned" ||
    outcome.kind === "cancelled" ||
    isImpatience(outcome, exchange)
  )
    deps.breaker.abandoned(route.id, pass);
  else deps.breaker.failed(route.id, pass, outcome);
  if (typeof outcome === "string") deps.onAttempt(route.provider, outcome);
  else deps.onAttempt(route.provider, outcome.kind, outcome.timer);
  return true;
}

function isImpatience(error: ChatError, { deadline, end: last }: Exchange): boolean {
  return error.timer === "total" && !error.traits.tryElsewhere && deadline < last;
}

const streamed = new WeakMap<Timeouts, Timeouts>();

/** Only whole answers send their headers when they are finished; a stream that has none after this time is as silent as any. */
function forStreams(timeouts: Timeouts): Timeouts {
  let made = streamed.get(timeouts);
  if (!made) {
    made = { ...timeouts, headersMs: Math.min(timeouts.headersMs, timeouts.firstEventMs) };
    streamed.set(timeouts, made);
  }
  return made;
}

export function totalTimeout(ms: number, isDeadline: boolean): ChatError {
  const within = `${Math.round(Math.max(0, ms))} ms`;
  return new ChatError("timeout", `no complete answer within ${within} (total timer)`, {
    timer: "total",
    code: "timeout_total",
    tryElsewhere: !isDeadline,
  });
}

/** Resolves after `ms`, or rejects with the reason of an abort. */
export function pause(ms: number, aborts: Abort): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      aborts.unlisten(waiting);
      resolve();
    }, ms);
    const waiting: Abortable = {
      abort(reason) {
        clearTimeout(timer);
        reject(reason);
      },
    };
    aborts.listen(waiting);
  });
}
