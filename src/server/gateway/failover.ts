import type { Connector, Timeouts, UpstreamMessage } from "../../connectors/connector.ts";
import { ChatError, toChatError } from "../../connectors/hub/error.ts";
import type { ChatEvent } from "../../connectors/hub/event.ts";
import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Breaker } from "./breaker.ts";
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

/**
 * Tries the routes in order, each with its retries, until one answers. Nothing is yielded before the first event that carries
 * meaning, so every failure before it is invisible to the client; after it, a failure is thrown as it is.
 */
export async function* failover(
  request: ChatRequest,
  routes: readonly Route[],
  exchange: Exchange,
  deps: FailoverDeps,
): AsyncGenerator<UpstreamMessage, void, undefined> {
  let last: ChatError | undefined;
  let soonest = Number.POSITIVE_INFINITY;
  for (const route of routes) {
    const wait = deps.breaker.enter(route.id);
    if (wait > 0) {
      soonest = Math.min(soonest, wait);
      continue;
    }
    for (let tries = 0; ; tries += 1) {
      const error = yield* attempt(request, route, exchange, deps);
      if (!error) return;
      last = error;
      if (exchange.committed || exchange.signal.aborted) throw error;
      const delay = retryDelay(error, route, tries, exchange, deps);
      if (delay === undefined) break;
      await pause(delay, exchange.signal);
    }
    if (!last.traits.tryElsewhere) throw last;
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

/** One attempt; answers undefined when it succeeded, else what went wrong. */
async function* attempt(
  request: ChatRequest,
  route: Route,
  exchange: Exchange,
  deps: FailoverDeps,
): AsyncGenerator<UpstreamMessage, ChatError | undefined, undefined> {
  const connector = deps.connectors.get(route.provider);
  if (!connector) {
    return new ChatError("internal", `no connector for provider ${route.provider}`);
  }
  exchange.provider = route.provider;
  exchange.providerModel = route.model;
  exchange.attempts += 1;

  const abort = new AbortController();
  const onAbort = (): void => abort.abort(exchange.signal.reason);
  if (exchange.signal.aborted) onAbort();
  exchange.signal.addEventListener("abort", onAbort, { once: true });
  const left = exchange.deadline - deps.clock();
  const timer = setTimeout(
    () => abort.abort(totalTimeout(Math.min(left, route.timeoutMs), left <= route.timeoutMs)),
    Math.max(0, Math.min(left, route.timeoutMs)),
  );
  let outcome = "abandoned";
  try {
    const held: UpstreamMessage[] = [];
    const messages = connector.chat(request, {
      target: route,
      timeouts: deps.timeouts,
      signal: abort.signal,
      requestId: exchange.requestId,
      headers: exchange.headers,
      drop: (field) => exchange.dropped.add(field),
      onMalformed: () => deps.onMalformed(route.provider),
    });
    for await (const message of messages) {
      if (!exchange.committed) {
        if (request.stream && !message.events.some(isMeaningful)) {
          held.push(message);
          continue;
        }
        exchange.committed = true;
        for (const earlier of held) yield earlier;
      }
      yield message;
    }
    if (!exchange.committed) {
      throw new ChatError("bad-upstream", `${route.provider} ended its answer before it began`);
    }
    outcome = "ok";
    deps.breaker.succeeded(route.id);
    return undefined;
  } catch (thrown) {
    const error = toChatError(thrown);
    outcome = error.kind;
    if (error.kind === "cancelled") deps.breaker.abandoned(route.id);
    else deps.breaker.failed(route.id, error);
    return error;
  } finally {
    clearTimeout(timer);
    exchange.signal.removeEventListener("abort", onAbort);
    // Left early by the consumer: no catch has run, and nobody knows whether the target is well.
    if (outcome === "abandoned") deps.breaker.abandoned(route.id);
    deps.onAttempt(route.provider, outcome);
  }
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

/** Resolves after `ms`, or rejects with the signal's reason. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(toChatError(signal.reason));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** Whether an event is part of the answer, rather than its announcement. */
function isMeaningful(event: ChatEvent): boolean {
  return event.type !== "start" && event.type !== "usage" && event.type !== "text-start";
}
