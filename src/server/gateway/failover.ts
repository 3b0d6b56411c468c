/** Tries targets until one answers: circuits, retries, one deadline and one budget of attempts for all of it. */
import type { Connector } from "../../connectors/connector.ts";
import { ChatError, toChatError } from "../../connectors/hub/error.ts";
import { type Attempt, type AttemptDeps, pause, startAttempt, totalTimeout } from "./attempt.ts";
import type { Rest } from "./breaker.ts";
import type { Route } from "./catalog.ts";
import { contextOf } from "./conditions.ts";
import type { Exchange } from "./exchange.ts";
import type { Meter } from "./meter.ts";
import { clientRetries, judge, LONGEST_WAIT_MS, spread } from "./retry.ts";

export type FailoverDeps = AttemptDeps & {
  readonly connectors: ReadonlyMap<string, Connector>;
  /** Attempts of one request on all its routes together. */
  readonly maxAttempts: number;
  readonly random: () => number;
  /**
   * Notes for good that a request is about to go to a provider, with what knows the row that it leaves if this process dies; the
   * same one again renews the note. Must not reject, and must wait for nothing but the local disk.
   */
  readonly begin: (meter: Meter) => Promise<void>;
};

/** Asks one target once. What it throws ends the attempt; when it succeeds, this or `Take` must. */
export type Ask<Answer> = (connector: Connector, attempt: Attempt) => Promise<Answer>;

/** Takes an answer as soon as it is there; spares those that await nothing else an async function of their own. */
export type Take<Answer> = (answer: Answer, attempt: Attempt) => void;

/**
 * Tries the routes in order, each with its retries, until `ask` gives something. Throws ChatError: what no other target would
 * mend, or the last failure, or that all targets rest.
 */
export async function failover<Answer>(
  routes: readonly Route[],
  stream: boolean,
  exchange: Exchange,
  deps: FailoverDeps,
  ask: Ask<Answer>,
  take?: Take<Answer>,
): Promise<Answer> {
  const retriedByClient = clientRetries(exchange.headers);
  const mostAttempts = Math.max(1, deps.maxAttempts - retriedByClient);
  let last: ChatError | undefined;
  let moreTokensThan: number | undefined;
  let untried = routes;

  for (let round = 0; ; round += 1) {
    const rests: Resting[] = [];
    for (const [index, route] of untried.entries()) {
      if (moreTokensThan !== undefined && !((contextOf(route.ability) ?? 0) > moreTokensThan))
        continue;
      for (let retries = 0; ; retries += 1) {
        if (exchange.attempts >= mostAttempts) throw last ?? spent(mostAttempts);
        if (timeLeft(exchange, deps) <= 0)
          throw last ?? totalTimeout(exchange.deadline - exchange.startedAt, true);
        const pass = deps.breaker.enter(route.id, retries > 0 || round > 0);
        if (typeof pass !== "string") {
          if (retries === 0) rests.push({ route, rest: pass });
          break;
        }
        const connector = deps.connectors.get(route.provider);
        if (!connector) {
          throw new ChatError("internal", `no connector for provider ${route.provider}`);
        }
        const attempt = startAttempt(route, pass, stream, mostAttempts, exchange, deps);
        try {
          if (exchange.meter) await deps.begin(exchange.meter);
          const answer = await ask(connector, attempt);
          take?.(answer, attempt);
          return answer;
        } catch (thrown) {
          last = toChatError(thrown);
          attempt.end(last);
        }
        if (exchange.abort.reason) throw last;
        const verdict = judge(last, {
          retry: route.retry,
          retries,
          clientRetries: retriedByClient,
          hasRoom: exchange.attempts + untried.length - index <= mostAttempts,
          leftMs: timeLeft(exchange, deps),
          random: deps.random,
        });
        if (verdict.to === "nobody") throw last;
        if (verdict.to === "larger") moreTokensThan = contextOf(route.ability) ?? 0;
        if (verdict.to !== "same") break;
        if (last.hasOtherKey) retries -= 1;
        await pause(verdict.delayMs, exchange.abort);
      }
    }
    // Those that only rest are the last hope, also when others have been asked in vain.
    const wait = round === 0 ? waitOf(rests, timeLeft(exchange, deps), deps.random) : undefined;
    if (wait === undefined) throw last ?? resting(rests);
    await pause(wait, exchange.abort);
    untried = rests.map(({ route }) => route);
  }
}

/** Milliseconds until nobody waits any more. */
function timeLeft({ deadline }: Exchange, { clock }: FailoverDeps): number {
  return deadline - clock();
}

type Resting = { readonly route: Route; readonly rest: Rest };

/**
 * How long to wait for the first of the targets that only rest because they were asked too often, where retries are wanted at
 * all; 0 for one that has not asked for its rest itself. Undefined if waiting makes no sense.
 */
function waitOf(
  rests: readonly Resting[],
  leftMs: number,
  random: () => number,
): number | undefined {
  const cooling = rests.filter(({ rest }) => rest.state === "cooling");
  if (cooling.length === 0) return undefined;
  if (cooling.some(({ rest }) => !rest.asked)) return 0;
  const waits = cooling
    .filter(({ route }) => route.retry.maxRetries > 0)
    .map(({ rest }) => spread(rest.waitMs, random));
  const soonest = Math.min(...waits);
  return soonest <= LONGEST_WAIT_MS && soonest < leftMs ? soonest : undefined;
}

function spent(attempts: number): ChatError {
  return new ChatError("unavailable", `the budget of ${attempts} attempts is used up`, {
    code: "attempts_spent",
    origin: "gateway",
    retryHere: false,
  });
}

/** That nobody was asked, and when there will be somebody. */
function resting(rests: readonly Resting[]): ChatError {
  const soonest = Math.min(...rests.map(({ rest }) => rest.waitMs));
  const retryAfterMs = Number.isFinite(soonest) ? Math.ceil(soonest) : undefined;
  if (rests.length > 0 && rests.every(({ rest }) => rest.state === "cooling")) {
    return new ChatError(
      "rate-limited",
      "every provider of this model asks to be left alone for a while",
      {
        code: "rate_limit_exceeded",
        origin: "provider",
        level: "warn",
        retryAfterMs,
      },
    );
  }
  return new ChatError("unavailable", "every provider of this model is resting after failures", {
    code: "circuit_open",
    origin: "provider",
    retryAfterMs,
  });
}
