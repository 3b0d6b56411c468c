/** Shared counters in memory: what the backends must do like, for instances that live in one test. */
import { type Ask, type Counter, INSTANCE_MS, type Leases } from "../../src/server/store/leases.ts";

/** Levels that drain are fractions, and one that is a hair short of a whole has it. */
const ROUNDING = 1e-6;

export type MemoryCentre = {
  /** A new instance's way to it. */
  open(holder: string): Leases;
  /** While true every call rejects. */
  isDown: boolean;
  /** What every `give` waits for. */
  giving: Promise<void> | undefined;
  /** Forgets everything, as a server without a disk does. */
  forget(): void;
  /** Calls of `take` so far. */
  readonly takes: number;
};

export function createMemoryCentre(clock: () => number): MemoryCentre {
  let levels = new Map<string, { level: number; at: number }>();
  let places = new Map<string, Map<string, number>>();
  let instances = new Map<string, number>();
  let memory = "memory 0";
  let takes = 0;
  const isAlive = (who: string): boolean => (instances.get(who) ?? 0) > clock();
  const check = async (): Promise<void> => {
    await Promise.resolve();
    if (centre.isDown) throw new Error("the centre is down");
  };
  const drained = (counter: Counter): { level: number; at: number } => {
    const found = levels.get(counter.id) ?? { level: counter.base, at: clock() };
    const level = Math.max(0, found.level - (clock() - found.at) * counter.ratePerMs);
    return { level, at: clock() };
  };
  const heldOf = (id: string): Map<string, number> => {
    const held = places.get(id) ?? new Map<string, number>();
    places.set(id, held);
    return held;
  };
  const centre = {
    isDown: false,
    giving: undefined as Promise<void> | undefined,
    get takes() {
      return takes;
    },
    forget() {
      memory += "+";
      levels = new Map();
      places = new Map();
      instances = new Map();
    },
    open(holder: string): Leases {
      return {
        async take(asks) {
          await check();
          takes += 1;
          return asks.map((ask) => {
            const { counter, least } = ask;
            if (counter.kind === "places") {
              const held = heldOf(counter.id);
              for (const who of held.keys()) if (!isAlive(who)) held.delete(who);
              const used = [...held.values()].reduce((sum, one) => sum + one, 0);
              const granted = grantOf(counter.capacity - used, ask);
              if (granted > 0) held.set(holder, (held.get(holder) ?? 0) + granted);
              const remaining = counter.capacity - used - granted;
              return { granted, remaining, waitMs: Number.POSITIVE_INFINITY };
            }
            const state = drained(counter);
            const room = counter.capacity - state.level;
            const granted = grantOf(room, ask);
            levels.set(counter.id, { ...state, level: state.level + granted });
            return {
              granted,
              remaining: room - granted,
              waitMs:
                counter.ratePerMs > 0
                  ? Math.max(0, least - room - ROUNDING) / counter.ratePerMs
                  : Number.POSITIVE_INFINITY,
            };
          });
        },
        async give(gifts) {
          await check();
          if (centre.giving) await centre.giving;
          for (const { counter, amount } of gifts) {
            if (counter.kind === "places") {
              const held = heldOf(counter.id);
              held.set(holder, Math.max(0, (held.get(holder) ?? 0) - amount));
            } else {
              const state = drained(counter);
              levels.set(counter.id, { ...state, level: Math.max(0, state.level - amount) });
            }
          }
        },
        async beat() {
          await check();
          const known = isAlive(holder);
          instances.set(holder, clock() + INSTANCE_MS);
          return { known, memory, instances: [...instances.keys()].filter(isAlive).length };
        },
        async hold(holdings) {
          await check();
          for (const { counter, amount } of holdings) heldOf(counter.id).set(holder, amount);
        },
        async raise(all) {
          await check();
          for (const { counter, amount } of all) {
            const level = Math.max(amount, levels.get(counter.id)?.level ?? 0);
            levels.set(counter.id, { level, at: clock() });
          }
        },
        async leave() {
          await check();
          instances.delete(holder);
        },
        async close() {},
      };
    },
  };
  return centre;
}

/** How much of what is left is granted: the demand, and a little ahead where there is plenty. As every backend does it. */
function grantOf(room: number, { least, demand, want }: Ask): number {
  const whole = Math.floor(room + ROUNDING);
  if (whole < least || whole <= 0) return 0;
  return Math.min(whole, Math.max(demand, Math.min(want, Math.floor(whole / 16))));
}
