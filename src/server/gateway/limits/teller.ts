/** Deals with the shared counters for all gauges of one process: asks together, gives back, and knows when nobody answers. */
import type { Ask, Counter, Gift, Holding, Leases, Told } from "../../store/leases.ts";
import { within } from "../../within.ts";
import { promptly } from "./promptly.ts";

export type Teller = {
  /** True while the backend cannot be asked. */
  readonly isAway: boolean;
  /** How many instances share the counters, when last heard of; at least 1. */
  readonly instances: number;
  join(client: Client): void;
  /** Whether an ask of the client is under way. */
  isAsking(client: Client): boolean;
  /** Asks with what the client says in a moment; resolves when it was told, or cannot be. Never rejects. */
  fetch(client: Client): Promise<void>;
  /** Gives back soon. */
  give(gift: Gift): void;
  /** Has the client swept from now on, as long as it holds something. */
  attend(client: Client): void;
  /** Says that this instance lives, gives back what is not needed, and tries again where nobody answered. Never rejects. */
  turn(): Promise<void>;
  /** Gives everything back. */
  close(): Promise<void>;
};

/** What became of the counters: they are as before, or lost, and known from the books or only from what each remembers. */
export type Fate = "kept" | "recounted" | "remembered";

/** How the teller sees a gauge. */
export type Client = {
  /** What was lent since `rejoin`, to be told, as the backend will be asked from now on. */
  rejoined(now: number): Gift | undefined;
  ask(now: number): Ask;
  /** What came of an ask; `counter` as it was in it. */
  told(told: Told, counter: Counter, now: number): void;
  /** What to give back of what was not used since the last call, if anything. */
  sweep(now: number): Gift | undefined;
  /** Whether a sweep has anything to look at. */
  readonly isHolding: boolean;
  /**
   * After the backend was away: the places held now; what was used at the least, where the backend has forgotten it; and what is
   * to be added to it, as used meanwhile beyond all leases, or as being in use.
   */
  rejoin(
    fate: Fate,
    now: number,
  ): {
    readonly counter: Counter;
    readonly spent?: number;
    readonly holds?: number;
    readonly used?: number;
  };
};

export type TellerOptions = {
  readonly leases: Leases;
  /** How many instances there are at the least. */
  readonly instances: () => number;
  /** Has the books read again, so that gauges know what was used of their periods. Rejects if they cannot be read. */
  readonly recount: () => Promise<void>;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** Told when the backend is away, with why, and when it is back. */
  readonly onChange: (away: boolean, error?: unknown) => void;
};

/** A request waits no longer than this for a backend; then this instance decides by itself. */
const ANSWER_MS = 1000;
/** Signs of life are not in anybody's way. */
const TURN_MS = 2000;

/** Begins away: the first `turn` finds out. */
export function createTeller(options: TellerOptions): Teller {
  const { leases, instances, recount, clock, onChange } = options;
  const clients = new Set<Client>();
  /** Those that hold something: of many keys only few are in use at a time. */
  const holding = new Set<Client>();
  let away = true;
  let told = false;
  /** The backend's memory when this instance last told it all. */
  let memory: string | undefined;
  let seen = 1;
  /** Waiting for the end of this turn of the event loop, so that asks of one moment go together. */
  let queue = new Map<Client, PromiseWithResolvers<void>>();
  const flights = new Map<Client, Promise<void>>();
  let gifts: Gift[] = [];
  let isScheduled = false;
  let turning: Promise<void> | undefined;

  const lose = (error: unknown): void => {
    if (away && told) return;
    away = true;
    told = true;
    onChange(true, error);
  };

  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(flush);
  };

  const flush = (): void => {
    isScheduled = false;
    if (gifts.length > 0) void sendGifts();
    if (queue.size === 0) return;
    const asking = [...queue];
    queue = new Map();
    const now = clock();
    const asks = asking.map(([client]) => client.ask(now));
    const flight = send(
      asking.map(([client]) => client),
      asks,
    ).then(() => {
      for (const [client, { resolve }] of asking) {
        flights.delete(client);
        resolve();
      }
    });
    for (const [client, { promise }] of asking) flights.set(client, promise);
    void flight;
  };

  const send = async (asking: readonly Client[], asks: readonly Ask[]): Promise<void> => {
    const taken = leases.take(asks);
    try {
      const answers = await promptly(ANSWER_MS, taken);
      if (answers) {
        const now = clock();
        for (const [index, client] of asking.entries()) {
          const answer = answers[index];
          const ask = asks[index];
          if (!answer || !ask) continue;
          client.told(answer, ask.counter, now);
          holding.add(client);
        }
        return;
      }
      lose(new Error(`no answer within ${ANSWER_MS} ms`));
      // What comes too late is nobody's, and goes back.
      taken.then((late) => {
        for (const [index, { granted }] of late.entries()) {
          const ask = asks[index];
          if (ask && granted > 0) gifts.push({ counter: ask.counter, amount: granted });
        }
      }, ignore);
    } catch (error) {
      lose(error);
    }
  };

  const sendGifts = async (): Promise<void> => {
    if (away) return;
    try {
      await giveAll();
    } catch (error) {
      lose(error);
    }
  };

  const giveAll = async (): Promise<void> => {
    const sent = merged(gifts);
    gifts = [];
    try {
      await leases.give(sent);
    } catch (error) {
      // Kept for when it is back; whether it arrived is not known, and counting twice is the safe side.
      gifts.push(...sent.filter(({ counter, amount }) => amount < 0 && counter.ratePerMs === 0));
      throw error;
    }
  };

  const recounted = async (): Promise<boolean> => {
    try {
      await recount();
      return true;
    } catch {
      // Then what this instance remembers has to do.
      return false;
    }
  };

  /** Tells all that the backend does not know. */
  const rejoin = async (fate: Fate): Promise<void> => {
    const now = clock();
    const holdings: Holding[] = [];
    const levels: Holding[] = [];
    for (const client of clients) {
      const { counter, spent, holds, used } = client.rejoin(fate, now);
      if (holds !== undefined) holdings.push({ counter, amount: holds });
      if (used !== undefined) levels.push({ counter, amount: used });
      if (spent !== undefined) gifts.push({ counter, amount: -spent });
    }
    if (holdings.length > 0) await leases.hold(holdings);
    // Before anything is added to them.
    if (levels.length > 0) await leases.raise(levels);
    await giveAll();
  };

  /** From here on the backend is asked: only now, since what it is told must have arrived before anybody asks. */
  const comeBack = (): void => {
    const now = clock();
    // Lent while the rest was on its way.
    for (const client of clients) {
      const lent = client.rejoined(now);
      if (lent) gifts.push(lent);
    }
    away = false;
    if (told) onChange(false);
    told = false;
  };

  const turn = async (): Promise<void> => {
    try {
      const heard = await promptly(TURN_MS, leases.beat());
      if (!heard) throw new Error(`no answer within ${TURN_MS} ms`);
      seen = Math.max(1, heard.instances);
      const isForgotten = memory !== undefined && memory !== heard.memory;
      if (away || isForgotten || !heard.known) {
        await rejoin(isForgotten ? ((await recounted()) ? "recounted" : "remembered") : "kept");
      }
      ({ memory } = heard);
      if (away) comeBack();
    } catch (error) {
      lose(error);
      return;
    }
    sweep();
    await sendGifts();
  };

  const sweep = (): void => {
    const now = clock();
    for (const client of holding) {
      const gift = client.sweep(now);
      if (gift) gifts.push(gift);
      if (!client.isHolding) holding.delete(client);
    }
  };

  return {
    get isAway() {
      return away;
    },
    get instances() {
      return Math.max(seen, instances());
    },
    join(client) {
      clients.add(client);
    },
    isAsking: (client) => flights.has(client),
    fetch(client) {
      const flight = flights.get(client);
      if (flight) return flight;
      let waiting = queue.get(client);
      if (!waiting) queue.set(client, (waiting = Promise.withResolvers()));
      schedule();
      return waiting.promise;
    },
    give(gift) {
      gifts.push(gift);
      schedule();
    },
    attend(client) {
      holding.add(client);
    },
    turn() {
      turning ??= turn().finally(() => {
        turning = undefined;
      });
      return turning;
    },
    async close() {
      try {
        // What was just used counts as needed the first time.
        sweep();
        sweep();
        await within(ANSWER_MS, sendGifts());
        await within(ANSWER_MS, leases.leave());
      } catch {
        // What it held is free when nothing has been heard of it for a while.
      }
      await leases.close();
    },
  };
}

function ignore(): void {}

/** One gift for each counter. */
function merged(gifts: readonly Gift[]): readonly Gift[] {
  const all = new Map<string, Gift>();
  for (const { counter, amount } of gifts) {
    const before = all.get(counter.id)?.amount ?? 0;
    all.set(counter.id, { counter, amount: before + amount });
  }
  return [...all.values()].filter(({ amount }) => amount !== 0);
}
