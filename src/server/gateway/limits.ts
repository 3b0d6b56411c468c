import { ChatError } from "../../connectors/hub/error.ts";
import type { KeyRecord, KeyTotals } from "../store/store.ts";

/** What is left of a key's limits after this request, for the answer's headers. Times are milliseconds from now. */
export type LimitState = {
  readonly requests?: LimitWindow;
  readonly tokens?: LimitWindow;
  /** The window that refused the request, if one did: Unix milliseconds at which it opens again. */
  readonly refusedUntil?: number;
};

export type LimitWindow = {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
};

/** The limits by the names that metrics and messages use. */
export type LimitName = "rpm" | "rpd" | "tpm" | "tokens_per_day" | "budget" | "concurrency";

/** A place taken in every limit of a key. Must be settled exactly once, whatever becomes of the request. */
export type Admission = {
  readonly state: LimitState;
  /** Replaces what was reserved by what was used. */
  settle(tokens: number, costNanoUsd: number): void;
};

export type Limiter = {
  /**
   * Takes a place in every limit of the key, or throws ChatError `rate-limited` or `quota-exceeded` and takes none.
   * `reserveTokens` is the most that the request can cost, settled later.
   */
  admit(key: KeyRecord, reserveTokens: number, report: (state: LimitState) => void): Admission;
  /** Tells the limiter what keys have used today and this month, after a start. */
  restore(today: readonly KeyTotals[], month: readonly KeyTotals[]): void;
};

export type LimiterOptions = {
  readonly defaultRpm: number;
  /** Requests that may come at once, at the least; 0 lets a whole minute's worth. See `burstOf`. */
  readonly burstSize: number;
  readonly clock: () => number;
  readonly onHit: (tenantId: string, limit: LimitName) => void;
};

const MINUTE = 60_000;
const DAY = 86_400_000;

/** A bucket that refills steadily: `level` is what is used, and drains by `rate` per millisecond. */
type Bucket = { level: number; at: number };

type KeyState = {
  requests: Bucket;
  tokens: Bucket;
  day: number;
  dayRequests: number;
  dayTokens: number;
  month: number;
  monthCostNanoUsd: number;
  inFlight: number;
};

/** Limits in the memory of one process; days and months are UTC. */
export function createLimiter(options: LimiterOptions): Limiter {
  const states = new Map<string, KeyState>();

  const stateOf = (id: string, now: number): KeyState => {
    const day = Math.floor(now / DAY);
    let state = states.get(id);
    if (!state) {
      state = {
        requests: { level: 0, at: now },
        tokens: { level: 0, at: now },
        day,
        dayRequests: 0,
        dayTokens: 0,
        month: monthOf(now),
        monthCostNanoUsd: 0,
        inFlight: 0,
      };
      states.set(id, state);
    }
    if (state.day !== day) {
      state.day = day;
      state.dayRequests = 0;
      state.dayTokens = 0;
      const month = monthOf(now);
      if (state.month !== month) {
        state.month = month;
        state.monthCostNanoUsd = 0;
      }
    }
    return state;
  };

  const refuse = (
    key: KeyRecord,
    limit: LimitName,
    message: string,
    waitMs: number,
    now: number,
    state: LimitState,
    report: (state: LimitState) => void,
  ): never => {
    options.onHit(key.tenantId, limit);
    report({ ...state, refusedUntil: now + waitMs });
    if (limit === "budget") {
      throw new ChatError("quota-exceeded", message, { code: "insufficient_quota" });
    }
    throw new ChatError("rate-limited", message, {
      code: "rate_limit_exceeded",
      retryAfterMs: Math.ceil(waitMs),
    });
  };

  return {
    admit(key, reserveTokens, report) {
      const now = options.clock();
      const state = stateOf(key.id, now);
      const rpm = key.rpm ?? options.defaultRpm;
      const capacity = burstOf(rpm, options.burstSize);
      const tpm = key.tpm ?? 0;
      drain(state.requests, rpm / MINUTE, now);
      if (tpm > 0) drain(state.tokens, tpm / MINUTE, now);
      const view = (): LimitState => ({
        ...(rpm > 0 ? { requests: windowOf(state.requests, rpm, capacity) } : {}),
        ...(tpm > 0 ? { tokens: windowOf(state.tokens, tpm, tpm) } : {}),
      });
      const midnight = (state.day + 1) * DAY - now;

      if (key.concurrency !== null && key.concurrency > 0 && state.inFlight >= key.concurrency) {
        refuse(
          key,
          "concurrency",
          `this key may have ${key.concurrency} requests in flight and has them`,
          1000,
          now,
          view(),
          report,
        );
      }
      if (key.rpd !== null && key.rpd > 0 && state.dayRequests >= key.rpd) {
        refuse(
          key,
          "rpd",
          `this key's limit of ${key.rpd} requests a day is used up; it starts again at midnight UTC`,
          midnight,
          now,
          view(),
          report,
        );
      }
      if (rpm > 0 && state.requests.level + 1 > capacity) {
        const wait = (state.requests.level + 1 - capacity) / (rpm / MINUTE);
        refuse(
          key,
          "rpm",
          `this key's limit of ${rpm} requests a minute${capacity < rpm ? ` (${capacity} at once)` : ""} is used up; try again in ${seconds(wait)}`,
          wait,
          now,
          view(),
          report,
        );
      }
      if (
        key.tokensPerDay !== null &&
        key.tokensPerDay > 0 &&
        state.dayTokens >= key.tokensPerDay
      ) {
        refuse(
          key,
          "tokens_per_day",
          `this key's limit of ${key.tokensPerDay} tokens a day is used up; it starts again at midnight UTC`,
          midnight,
          now,
          view(),
          report,
        );
      }
      // A request larger than the whole bucket may still go when the bucket is full, else it could never go.
      const tokens = Math.min(reserveTokens, tpm);
      if (tpm > 0 && state.tokens.level + tokens > tpm) {
        const wait = (state.tokens.level + tokens - tpm) / (tpm / MINUTE);
        refuse(
          key,
          "tpm",
          `this key's limit of ${tpm} tokens a minute leaves too little for this request; try again in ${seconds(wait)}`,
          wait,
          now,
          view(),
          report,
        );
      }
      if (key.budgetNanoUsd !== null && state.monthCostNanoUsd >= key.budgetNanoUsd) {
        refuse(
          key,
          "budget",
          `this key's budget of $${key.budgetNanoUsd / 1e9} for the month is spent`,
          0,
          now,
          view(),
          report,
        );
      }

      state.inFlight += 1;
      state.dayRequests += 1;
      state.requests.level += 1;
      state.tokens.level += tokens;
      state.dayTokens += reserveTokens;
      const after = view();
      report(after);
      return {
        state: after,
        settle(used, costNanoUsd) {
          const settled = stateOf(key.id, options.clock());
          settled.inFlight -= 1;
          settled.tokens.level = Math.max(0, settled.tokens.level + used - tokens);
          settled.dayTokens = Math.max(0, settled.dayTokens + used - reserveTokens);
          settled.monthCostNanoUsd += costNanoUsd;
        },
      };
    },
    restore(today, month) {
      const now = options.clock();
      for (const totals of today) {
        const state = stateOf(totals.apiKeyId, now);
        state.dayRequests += totals.requests;
        state.dayTokens += totals.tokens;
      }
      for (const totals of month) {
        stateOf(totals.apiKeyId, now).monthCostNanoUsd += totals.costNanoUsd;
      }
    },
  };
}

/** Unix milliseconds of the start of `now`'s UTC day. */
export function startOfDay(now: number): number {
  return Math.floor(now / DAY) * DAY;
}

/** Unix milliseconds of the start of `now`'s UTC month. */
export function startOfMonth(now: number): number {
  const date = new Date(now);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

/**
 * How many requests of a key may come at once: the configured burst or six seconds' worth of the key's rate, whichever is
 * more, so that a burst sized for small keys does not choke a large one; and never more than a minute's worth.
 */
function burstOf(rpm: number, burstSize: number): number {
  return burstSize > 0 ? Math.min(rpm, Math.max(burstSize, Math.ceil(rpm / 10))) : rpm;
}

function monthOf(now: number): number {
  const date = new Date(now);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

function drain(bucket: Bucket, rate: number, now: number): void {
  bucket.level = Math.max(0, bucket.level - (now - bucket.at) * rate);
  bucket.at = now;
}

function windowOf(bucket: Bucket, perMinute: number, capacity: number): LimitWindow {
  return {
    limit: perMinute,
    remaining: Math.max(0, Math.floor(capacity - bucket.level)),
    resetMs: Math.ceil(bucket.level / (perMinute / MINUTE)),
  };
}

function seconds(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 1000))} s`;
}
