import type { ChatError } from "../../connectors/hub/error.ts";

export type CircuitState = "closed" | "open" | "half-open";

/** Keeps requests away from a target that fails again and again. One per target, in this process's memory. */
export type Breaker = {
  /** Milliseconds until the target may be tried, 0 for now. Answering 0 on an open circuit lets one probe through. */
  enter(target: string): number;
  succeeded(target: string): void;
  /** Only failures that are the provider's fault count. */
  failed(target: string, error: ChatError): void;
  /** The attempt ended without a verdict (the client went away). */
  abandoned(target: string): void;
  /** Every target that has failed lately or is being probed. */
  states(): ReadonlyMap<string, CircuitState>;
};

export type BreakerOptions = {
  /** Failures in a row that open a circuit; 0 never opens one. */
  readonly failures: number;
  /** How long an open circuit waits before it lets a probe through. */
  readonly cooldownMs: number;
  readonly clock: () => number;
};

type Circuit = { failures: number; openUntil: number; probing: boolean };

/** Opens a circuit after `failures` in a row, lets one probe through after `cooldownMs`, closes it on success. */
export function createBreaker(options: BreakerOptions): Breaker {
  const circuits = new Map<string, Circuit>();
  return {
    enter(target) {
      const circuit = circuits.get(target);
      if (!circuit || circuit.openUntil === 0) return 0;
      const wait = circuit.openUntil - options.clock();
      if (wait > 0) return wait;
      if (circuit.probing) return 1000;
      circuit.probing = true;
      return 0;
    },
    succeeded(target) {
      circuits.delete(target);
    },
    failed(target, error) {
      const circuit = circuits.get(target) ?? { failures: 0, openUntil: 0, probing: false };
      const wasProbing = circuit.probing;
      circuit.probing = false;
      // What went wrong on our own side says nothing about the provider.
      if (error.traits.origin === "gateway") return;
      if (!isProvidersFault(error) || options.failures <= 0) {
        // An answer, even an unwelcome one, shows that the provider is alive.
        circuits.delete(target);
        return;
      }
      circuit.failures += 1;
      if (wasProbing || circuit.failures >= options.failures) {
        circuit.openUntil = options.clock() + options.cooldownMs;
      }
      circuits.set(target, circuit);
    },
    abandoned(target) {
      const circuit = circuits.get(target);
      if (circuit) circuit.probing = false;
    },
    states() {
      const now = options.clock();
      const states = new Map<string, CircuitState>();
      for (const [target, circuit] of circuits) {
        if (circuit.openUntil === 0) states.set(target, "closed");
        else states.set(target, circuit.openUntil > now ? "open" : "half-open");
      }
      return states;
    },
  };
}

function isProvidersFault(error: ChatError): boolean {
  return error.kind === "unavailable" || error.kind === "bad-upstream" || error.kind === "timeout";
}
