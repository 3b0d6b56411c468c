/**
 * Counters that many instances share. An instance leases a part of what a counter has left, uses it without asking anybody, and
 * gives back what it does not need; so all of them together never use more than there is. Backends: Redis, PostgreSQL.
 */

export type Counter = {
  /** Names the counter for everybody; that of a day or month has its beginning in it. */
  readonly id: string;
  /**
   * `level`: how much is used. `places`: how much each instance holds; what one held that has not been heard of for
   * `INSTANCE_MS` is free again.
   */
  readonly kind: "level" | "places";
  /** The most that may be used at once. */
  readonly capacity: number;
  /** What comes back by itself in a millisecond. */
  readonly ratePerMs: number;
  /** How long a backend keeps it after its last change. */
  readonly keepMs: number;
  /** What counts as used where the backend does not know the counter. */
  readonly base: number;
};

export type Ask = {
  readonly counter: Counter;
  /** With less than this nothing is granted. */
  readonly least: number;
  /** What requests wait for now. */
  readonly demand: number;
  /** With what may be needed soon: beyond the demand no more than a sixteenth of what is left is granted. */
  readonly want: number;
};

export type Told = {
  readonly granted: number;
  /** What is left for everybody, after this. */
  readonly remaining: number;
  /** Milliseconds until `least` comes back by itself; Infinity if it does not. */
  readonly waitMs: number;
};

export type Gift = {
  readonly counter: Counter;
  /** Below 0: was used beyond what had been granted. */
  readonly amount: number;
};

export type Holding = { readonly counter: Counter; readonly amount: number };

/** One instance's way to the shared counters. Every method rejects when the backend cannot be reached. */
export type Leases = {
  /** Answers in the order of the asks; each counter at most once. */
  take(asks: readonly Ask[]): Promise<readonly Told[]>;
  give(gifts: readonly Gift[]): Promise<void>;
  /**
   * Says that this instance lives. `known` is false if it was taken for dead, or never heard of: its places are not held then.
   * `memory` names what the backend knows: another one if it has lost all.
   */
  beat(): Promise<{
    readonly instances: number;
    readonly known: boolean;
    readonly memory: string;
  }>;
  /** Says how many places this instance holds, whatever was known of it. */
  hold(holdings: readonly Holding[]): Promise<void>;
  /** Makes sure that at least so much counts as used, of counters from which nothing comes back by itself. */
  raise(levels: readonly Holding[]): Promise<void>;
  /** Takes this instance off; all that it held is free. */
  leave(): Promise<void>;
  close(): Promise<void>;
};

/** An instance that has not been heard of for so long is taken for dead. */
export const INSTANCE_MS = 5000;

/** A sign of life that has no answer after this long went down a dead connection, and another one is made. */
export const BEAT_MS = 1500;
