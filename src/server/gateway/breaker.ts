/**
 * Keeps requests away from targets that fail. One circuit per target, in this process's memory; a target that is well has none,
 * so the good way costs one look into a map.
 *
 * cockatiel 4.0.0 was looked at on 2026-11-25 and not taken: its clock is Date.now, its verdict is the end of a promise that
 * it runs itself (an answer here is a stream that may be left half-way, which is no verdict at all), requests beyond its probes
 * wait for them where ours go on to the next route, and it does not tell how long a circuit stays open, which `Retry-After` needs.
 */
import type { ChatError } from "../../connectors/hub/error.ts";
import type { BreakerConfig } from "../config/config.ts";
import { createWindow, type FailureWindow } from "./failure-window.ts";

/** `cooling`: the provider has said that it is asked too often, and is left alone until the time it named. */
export type CircuitState = "closed" | "open" | "half-open" | "cooling";

/** Leave to try a target; goes back with the verdict. */
export type Pass = "pass" | "probe";

/** Why a target may not be tried now, and for how many milliseconds. */
export type Rest = {
  readonly waitMs: number;
  readonly state: "open" | "half-open" | "cooling";
  /** Whether the provider named the time, rather than that some seemed wise. */
  readonly asked: boolean;
};

export type Breaker = {
  /**
   * Leave to try the target now, to be given back by one of the three below, or until when not. `insist` for want of any other:
   * a rest that the provider did not ask for then counts for nothing.
   */
  enter(target: string, insist?: boolean): Pass | Rest;
  /** The same without taking a place. */
  look(target: string): Rest | undefined;
  succeeded(target: string, pass: Pass): void;
  failed(target: string, pass: Pass, error: ChatError): void;
  /** The attempt ended without a verdict (the client went away). */
  abandoned(target: string, pass: Pass): void;
  /** Every target that has failed lately, rests or is being probed. */
  report(): readonly CircuitReport[];
  /** The same in short: states by target. */
  states(): ReadonlyMap<string, CircuitState>;
};

export type CircuitReport = {
  /** `provider/model`. */
  readonly target: string;
  readonly state: CircuitState;
  readonly failuresInARow: number;
  /** What the failure rate is made of. */
  readonly recent: { readonly requests: number; readonly failures: number };
  /** Milliseconds until it may be tried; 0 for now. */
  readonly waitMs: number;
};

export type BreakerOptions = {
  /** Read anew each time: it may change while circuits are open. */
  readonly config: () => BreakerConfig;
  /** Unix milliseconds. */
  readonly clock: () => number;
};

/** Callers choose model names in zero-configuration mode; past this many circuits the oldest are forgotten. */
const MOST_CIRCUITS = 10_000;
/** How long a circuit is remembered in which nothing happens. */
const FORGOTTEN_MS = 3_600_000;
/** How soon a request that found all probes taken may look again. */
const PROBING_MS = 1000;
/** Rest of a target that answered 429 without saying for how long, doubled each time. */
const FIRST_REST_MS = 1000;
const LONGEST_REST_MS = 30_000;
/** Longer rests are not believed: asking once an hour hurts nobody. */
const LONGEST_NAMED_REST_MS = 3_600_000;

type Circuit = {
  /** In a row. */
  failures: number;
  readonly window: FailureWindow;
  /** 0 while it is closed. */
  openUntil: number;
  probing: number;
  /** Probes that succeeded in a row. */
  successes: number;
  coolUntil: number;
  /** Whether the provider asked for that, rather than that it seemed wise. */
  asked: boolean;
  /** Answers of 429 in a row. */
  limited: number;
  /** When it last failed or was limited. */
  touched: number;
};

/**
 * Opens a circuit after `failures` in a row or when `failureRate` of at least `minRequests` have failed within `windowMs`, lets
 * `probes` at a time through after `cooldownMs`, and closes it after `successes` of them in a row.
 */
export function createBreaker({ config, clock }: BreakerOptions): Breaker {
  const circuits = new Map<string, Circuit>();

  const make = (target: string): Circuit => {
    const [oldest] = circuits.size >= MOST_CIRCUITS ? circuits.keys() : [];
    if (oldest !== undefined) circuits.delete(oldest);
    const circuit: Circuit = {
      failures: 0,
      window: createWindow(),
      openUntil: 0,
      probing: 0,
      successes: 0,
      coolUntil: 0,
      asked: false,
      limited: 0,
      touched: clock(),
    };
    circuits.set(target, circuit);
    return circuit;
  };

  const restOf = (circuit: Circuit, now: number, insist = false): Rest | undefined => {
    if (circuit.openUntil > now)
      return { waitMs: circuit.openUntil - now, state: "open", asked: false };
    if (circuit.coolUntil > now && (circuit.asked || !insist))
      return { waitMs: circuit.coolUntil - now, state: "cooling", asked: circuit.asked };
    if (circuit.openUntil > 0 && circuit.probing >= config().probes)
      return { waitMs: PROBING_MS, state: "half-open", asked: false };
    return undefined;
  };

  const open = (circuit: Circuit, now: number): void => {
    circuit.openUntil = now + config().cooldownMs;
    circuit.successes = 0;
    // What was counted has led to this; afterwards the target begins anew.
    circuit.window.clear();
  };

  /** Takes back a probe's place. True if the circuit still is in the state in which it was given. */
  const giveBack = (circuit: Circuit, pass: Pass): boolean => {
    if (pass !== "probe") return false;
    circuit.probing = Math.max(0, circuit.probing - 1);
    return circuit.openUntil > 0;
  };

  /** The target has answered, which shows that it lives. */
  const answered = (target: string, pass: Pass, circuit: Circuit): void => {
    const now = clock();
    circuit.limited = 0;
    // A rest that only seemed wise has been refuted.
    if (!circuit.asked) circuit.coolUntil = 0;
    const isProbe = giveBack(circuit, pass);
    if (isProbe) circuit.successes += 1;
    if (circuit.openUntil > 0) {
      // One that was asked before the circuit opened says nothing of how things are now.
      if (!isProbe || circuit.successes < config().successes) return;
      circuit.openUntil = 0;
    }
    circuit.failures = 0;
    circuit.window.count(false, now, config().windowMs);
    const isForgotten = isProbe || now - circuit.touched > config().windowMs;
    if (isForgotten && circuit.coolUntil <= now) circuits.delete(target);
  };

  /** Targets that nobody asks for any more are not told of for ever. */
  const forget = (now: number): void => {
    for (const [target, circuit] of circuits) {
      const isResting = circuit.openUntil > now || circuit.coolUntil > now;
      if (!isResting && now - circuit.touched > FORGOTTEN_MS) circuits.delete(target);
    }
  };

  return {
    enter(target, insist) {
      const circuit = circuits.get(target);
      if (!circuit) return "pass";
      const rest = restOf(circuit, clock(), insist);
      if (rest) return rest;
      if (circuit.openUntil === 0) return "pass";
      circuit.probing += 1;
      return "probe";
    },
    look(target) {
      const circuit = circuits.get(target);
      return circuit && restOf(circuit, clock());
    },
    succeeded(target, pass) {
      const circuit = circuits.get(target);
      if (circuit) answered(target, pass, circuit);
    },
    failed(target, pass, error) {
      const now = clock();
      // A key's trouble is not the target's.
      if (error.hasOtherKey) return this.abandoned(target, pass);
      if (isRateLimit(error)) {
        const circuit = circuits.get(target) ?? make(target);
        giveBack(circuit, pass);
        const own = Math.min(FIRST_REST_MS * 2 ** circuit.limited, LONGEST_REST_MS);
        const rest = Math.min(error.retryAfterMs ?? own, LONGEST_NAMED_REST_MS);
        circuit.limited += 1;
        circuit.touched = now;
        if (now + rest > circuit.coolUntil) {
          circuit.coolUntil = now + rest;
          circuit.asked = error.retryAfterMs !== undefined;
        }
        return;
      }
      // What went wrong on our own side says nothing about the provider.
      if (error.traits.origin === "gateway") return this.abandoned(target, pass);
      if (!isProvidersFault(error)) {
        const known = circuits.get(target);
        if (known) answered(target, pass, known);
        return;
      }
      const circuit = circuits.get(target) ?? make(target);
      circuit.touched = now;
      if (giveBack(circuit, pass)) return open(circuit, now);
      if (circuit.openUntil > 0) return;
      circuit.failures += 1;
      const { windowMs } = config();
      circuit.window.count(true, now, windowMs);
      const { requests, failures } = circuit.window.recent(now, windowMs);
      const { minRequests, failureRate, failures: inARow } = config();
      const isOften = requests >= minRequests && failures >= requests * failureRate;
      if (isOften || circuit.failures >= inARow) open(circuit, now);
    },
    abandoned(target, pass) {
      const circuit = circuits.get(target);
      if (circuit) giveBack(circuit, pass);
    },
    states() {
      const now = clock();
      forget(now);
      return new Map(Array.from(circuits, ([target, circuit]) => [target, stateOf(circuit, now)]));
    },
    report() {
      const now = clock();
      forget(now);
      return Array.from(circuits, ([target, circuit]) => ({
        target,
        state: stateOf(circuit, now),
        failuresInARow: circuit.failures,
        recent: circuit.window.recent(now, config().windowMs),
        waitMs: Math.max(0, circuit.openUntil - now, circuit.coolUntil - now),
      }));
    },
  };
}

function stateOf(circuit: Circuit, now: number): CircuitState {
  if (circuit.openUntil > now) return "open";
  if (circuit.coolUntil > now) return "cooling";
  return circuit.openUntil > 0 ? "half-open" : "closed";
}

function isRateLimit(error: ChatError): boolean {
  return error.kind === "rate-limited" && error.traits.origin === "provider";
}

function isProvidersFault(error: ChatError): boolean {
  return error.kind === "unavailable" || error.kind === "bad-upstream" || error.kind === "timeout";
}
