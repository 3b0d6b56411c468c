import type { ChatCall, Connector, Timeouts, UpstreamMessage } from "../../connectors/connector.ts";
import { ChatError, toChatError } from "../../connectors/hub/error.ts";
import type { ChatEvent } from "../../connectors/hub/event.ts";
import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Abort } from "./abort.ts";
import type { Breaker, Pass } from "./breaker.ts";
import type { Route } from "./catalog.ts";
import type { Exchange } from "./exchange.ts";

/** Waiting longer than this for a provider's Retry-After is left to the client, who can do something else meanwhile. */
const LONGEST_RETRY_WAIT_MS = 30_000;

export type FailoverDeps = {
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly breaker: Breaker;
  readonly timeouts: Timeouts;
  readonly clock: () => number;
  readonly random: () => number;
  /** Told of every attempt and how it ended: `ok` or an error's kind. */
  readonly onAttempt: (provider: string, outcome: string) => void;
  /** Told of every stream message that was left out because it could not be read. */
  readonly onMalformed: (provider: string) => void;
};

/** Answers in one piece, from the first route that does. Throws ChatError. */
export function failoverWhole(
  request: ChatRequest,
  routes: readonly Route[],
  exchange: Exchange,
  deps: FailoverDeps,
): Promise<UpstreamMessage> {
  return failover(routes, exchange, deps, async (connector, attempt) => {
    const message = await connector.complete(request, attempt.call);
    exchange.committed = true;
    attempt.end("ok");
    return message;
  });
}

/**
 * Streams the answer of the first route that begins one. Nothing is yielded before the first event that carries meaning, so
 * every failure before it is invisible to the client; after it, a failure is thrown as it is.
 */
export async function* failoverStream(
  request: ChatRequest,
  routes: readonly Route[],
  exchange: Exchange,
  deps: FailoverDeps,
): AsyncGenerator<UpstreamMessage, void, undefined> {
  const { held, messages, attempt } = await failover(routes, exchange, deps, (connector, tried) =>
    begin(request, exchange, connector, tried),
  );
  try {
    yield* held;
    for (;;) {
      const next = await messages.next();
      if (next.done) break;
      yield next.value;
    }
    attempt.end("ok");
  } catch (thrown) {
    const error = toChatError(thrown);
    attempt.end(error);
    throw error;
  } finally {
    // Only if the consumer left: no other end has come then.
    if (attempt.end("abandoned")) await messages.return?.();
  }
}

/** An answer that has begun: what came up to its first event with meaning, and where the rest comes from. */
type Begun = {
  readonly held: readonly UpstreamMessage[];
  readonly messages: AsyncIterator<UpstreamMessage>;
  readonly attempt: Attempt;
};

async function begin(
  request: ChatRequest,
  exchange: Exchange,
  connector: Connector,
  attempt: Attempt,
): Promise<Begun> {
  const messages = connector.chat(request, attempt.call)[Symbol.asyncIterator]();
  const held: UpstreamMessage[] = [];
  for (;;) {
    const next = await messages.next();
    if (next.done) {
      throw new ChatError("bad-upstream", `${exchange.provider} ended its answer before it began`);
    }
    held.push(next.value);
    if (!next.value.events.some(isMeaningful)) continue;
    exchange.committed = true;
    return { held, messages, attempt };
  }
}

/** Tries the routes in order, each with its retries, until one gives an answer or the beginning of one. */
async function failover<Answer>(
  routes: readonly Route[],
  exchange: Exchange,
  deps: FailoverDeps,
  ask: (connector: Connector, attempt: Attempt) => Promise<Answer>,
): Promise<Answer> {
  let last: ChatError | undefined;
  let soonest = Number.POSITIVE_INFINITY;
  for (const route of routes) {
    for (let tries = 0; ; tries += 1) {
      const isOnlyHope = last === undefined && route === routes.at(-1);
      const pass = deps.breaker.enter(route.id, tries > 0 || isOnlyHope);
      if (typeof pass !== "string") {
        soonest = Math.min(soonest, pass.waitMs);
        break;
      }
      const connector = deps.connectors.get(route.provider);
      if (!connector) {
        throw new ChatError("internal", `no connector for provider ${route.provider}`);
      }
      const attempt = startAttempt(route, pass, exchange, deps);
      try {
        return await ask(connector, attempt);
      } catch (thrown) {
        last = toChatError(thrown);
        attempt.end(last);
      }
      if (exchange.abort.reason) throw last;
      const delay = retryDelay(last, route, tries, exchange, deps);
      if (delay === undefined) break;
      await pause(delay, exchange.abort);
    }
    if (last && !last.traits.tryElsewhere) throw last;
  }
  throw (
    last ??
    new ChatError("unavailable", "every provider of this model is resting after failures", {
      code: "circuit_open",
      origin: "provider",
      retryAfterMs: Number.isFinite(soonest) ? Math.ceil(soonest) : undefined,
    })
  );
}

/** One question to one target, and the timer over all of it. */
type Attempt = {
  readonly call: ChatCall;
  /** Says how it ended, to all who keep count. Only the first time counts, and only then it is true. */
  end(outcome: "ok" | "abandoned" | ChatError): boolean;
};

function startAttempt(route: Route, pass: Pass, exchange: Exchange, deps: FailoverDeps): Attempt {
  exchange.provider = route.provider;
  exchange.providerModel = route.model;
  exchange.attempts += 1;
  exchange.onAttempt?.();

  const controller = new AbortController();
  const abort = (reason: ChatError): void => controller.abort(reason);
  const unlisten = exchange.abort.listen(abort);
  const left = exchange.deadline - deps.clock();
  const timer = setTimeout(
    () => abort(totalTimeout(Math.min(left, route.timeoutMs), left <= route.timeoutMs)),
    Math.max(0, Math.min(left, route.timeoutMs)),
  );
  let ended = false;
  return {
    call: {
      target: route,
      timeouts: deps.timeouts,
      signal: controller.signal,
      abort,
      requestId: exchange.requestId,
      headers: exchange.headers,
      drop: (field) => exchange.dropped.add(field),
      onMalformed: () => deps.onMalformed(route.provider),
    },
    end(outcome) {
      if (ended) return false;
      ended = true;
      clearTimeout(timer);
      unlisten();
      if (outcome === "ok") deps.breaker.succeeded(route.id, pass);
      // Nobody knows whether the target is well.
      else if (outcome === "abandoned" || outcome.kind === "cancelled")
        deps.breaker.abandoned(route.id, pass);
      else deps.breaker.failed(route.id, pass, outcome);
      deps.onAttempt(route.provider, typeof outcome === "string" ? outcome : outcome.kind);
      return true;
    },
  };
}

/** Milliseconds to wait before the same route is tried again, or undefined when it is not worth it. */
function retryDelay(
  error: ChatError,
  route: Route,
  tries: number,
  exchange: Exchange,
  deps: FailoverDeps,
): number | undefined {
  if (!error.traits.retryHere || tries >= route.retry.maxRetries) return undefined;
  // Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
  const delay = error.retryAfterMs ?? deps.random() * route.retry.backoffMs * 2 ** tries;
  if (delay > LONGEST_RETRY_WAIT_MS) return undefined;
  return deps.clock() + delay < exchange.deadline ? delay : undefined;
}

function totalTimeout(ms: number, isDeadline: boolean): ChatError {
  return new ChatError("timeout", `no complete answer within ${Math.round(ms)} ms (total timer)`, {
    timer: "total",
    code: "timeout_total",
    tryElsewhere: !isDeadline,
  });
}

/** Resolves after `ms`, or rejects with the reason of an abort. */
function pause(ms: number, abort: Abort): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      unlisten();
      resolve();
    }, ms);
    const unlisten = abort.listen((reason) => {
      clearTimeout(timer);
      reject(reason);
    });
  });
}

/** Whether an event is part of the answer, rather than its announcement. */
function isMeaningful(event: ChatEvent): boolean {
  return event.type !== "start" && event.type !== "usage" && event.type !== "text-start";
}
