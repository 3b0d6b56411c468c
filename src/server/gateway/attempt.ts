import type { ChatCall, Timeouts } from "../../connectors/connector.ts";
import { ChatError, type Timer } from "../../connectors/hub/error.ts";
import type { Abort } from "./abort.ts";
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

/** One question to one target, and the timer over all of it. */
export type Attempt = {
  readonly route: Route;
  readonly call: ChatCall;
  /** Takes up a deadline that has moved. */
  extend(): void;
  /** Says how it ended, to all who keep count. Only the first time counts, and only then it is true. */
  end(outcome: "ok" | "abandoned" | ChatError): boolean;
};

/** Starts one; `pass` is the leave that the breaker gave for it. `mayResend`: whether the budget has room for one more. */
export function startAttempt(
  route: Route,
  pass: Pass,
  stream: boolean,
  mayResend: () => boolean,
  exchange: Exchange,
  deps: AttemptDeps,
): Attempt {
  exchange.provider = route.provider;
  exchange.providerModel = route.model;
  exchange.attempts += 1;

  const controller = new AbortController();
  const abort = (reason: ChatError): void => controller.abort(reason);
  exchange.abort.listen(abort);
  const startedAt = deps.clock();
  const arm = (): ReturnType<typeof setTimeout> => {
    const left = exchange.deadline - startedAt;
    const most = Math.min(left, route.timeoutMs);
    return setTimeout(
      () => abort(totalTimeout(most, left <= route.timeoutMs)),
      Math.max(0, startedAt + most - deps.clock()),
    );
  };
  let timer = arm();
  const isImpatience = (error: ChatError): boolean =>
    error.timer === "total" && !error.traits.tryElsewhere && exchange.deadline < exchange.end;
  let ended = false;
  return {
    route,
    call: {
      target: route,
      timeouts: stream ? forStreams(deps.timeouts) : deps.timeouts,
      signal: controller.signal,
      abort,
      requestId: exchange.requestId,
      headers: exchange.headers,
      drop: (field) => exchange.dropped.add(field),
      onHead(head) {
        exchange.head = head;
      },
      onMalformed: () => deps.onMalformed(route.provider),
      mayResend() {
        if (!mayResend()) return false;
        exchange.attempts += 1;
        deps.onAttempt(route.provider, "resent");
        return true;
      },
    },
    extend() {
      if (ended) return;
      clearTimeout(timer);
      timer = arm();
    },
    end(outcome) {
      if (ended) return false;
      ended = true;
      clearTimeout(timer);
      exchange.abort.unlisten(abort);
      if (outcome === "ok") deps.breaker.succeeded(route.id, pass);
      // Nobody knows whether the target is well, least of all a client that waits less long than the gateway does.
      else if (outcome === "abandoned" || outcome.kind === "cancelled" || isImpatience(outcome))
        deps.breaker.abandoned(route.id, pass);
      else deps.breaker.failed(route.id, pass, outcome);
      if (typeof outcome === "string") deps.onAttempt(route.provider, outcome);
      else deps.onAttempt(route.provider, outcome.kind, outcome.timer);
      return true;
    },
  };
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
export function pause(ms: number, abort: Abort): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      abort.unlisten(onAbort);
      resolve();
    }, ms);
    const onAbort = (reason: ChatError): void => {
      clearTimeout(timer);
      reject(reason);
    };
    abort.listen(onAbort);
  });
}
