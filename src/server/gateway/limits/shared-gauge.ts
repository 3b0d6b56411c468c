/**
 * What is used of one limit together with other instances: from a stock that was leased, without asking. When the stock does not
 * do, `wait` says so, `fetch` leases more, and the request tries again. What is not needed goes back within about a second.
 */
import type { Counter } from "../../store/leases.ts";
import { DAY_MS } from "../../store/usage-span.ts";
import { ASK, createLocalGauge, type Gauge } from "./gauge.ts";
import { endOf, type Rule, startOf } from "./rule.ts";
import type { Client, Teller } from "./teller.ts";

/** What was heard less than this ago is as good as asked. */
const FRESH_MS = 500;
/** A second ask within this time asks for more than it needs now. */
const BUSY_MS = 1000;
/** Refusals stand for so long before the backend is asked again: others may have given back. */
const DRY_MS = 250;
const DRY_PLACES_MS = 25;
/** A place is worth asking for again after this long. */
const FLIGHT_MS = 1000;
const MOST_AHEAD = 63;

/** A gauge that instances share: it leases through `teller`, and keeps to this instance's part while nobody can be asked. */
export function createSharedGauge(initial: Rule, now: number, teller: Teller): Gauge {
  let rule = initial;
  let start = startOf(rule.period, now);
  let end = endOf(rule.period, start);
  /** Leased and not used; below 0 when more was used than had been reserved. */
  let stock = 0;
  /** Taken by requests in flight. */
  let held = 0;
  let usedSinceSweep = 0;
  /** How many times the demand is leased beyond it. */
  let ahead = 0;
  let lastAsk = Number.NEGATIVE_INFINITY;
  let demand = 0;
  let least = Number.POSITIVE_INFINITY;
  /** The least of the ask under way. */
  let asked = 0;
  /** What the backend had left when it was last heard of. */
  let remaining: number | undefined;
  let heardAt = Number.NEGATIVE_INFINITY;
  let dryUntil = 0;
  let dryFor = 0;
  let opensAt = 0;
  /** What the books say was used of this period before. */
  let base = 0;
  /** While the backend is away. */
  let share: Gauge | undefined;
  let lent = 0;

  const roll = (moment: number): void => {
    if (moment < end) return;
    start = startOf(rule.period, moment);
    end = endOf(rule.period, start);
    stock = 0;
    held = 0;
    base = 0;
    remaining = undefined;
    heardAt = Number.NEGATIVE_INFINITY;
    dryUntil = 0;
    share = undefined;
    lent = 0;
  };
  const fitting = (amount: number): number =>
    rule.period === "minute" ? Math.min(amount, rule.capacity) : amount;

  const counter = (moment: number): Counter => {
    const isLasting = rule.period === "day" || rule.period === "month";
    return {
      id: isLasting ? `${rule.id}:${new Date(start).toISOString().slice(0, 10)}` : rule.id,
      kind: rule.period === "flight" ? "places" : "level",
      capacity: rule.capacity,
      ratePerMs: rule.ratePerMs,
      keepMs: isLasting
        ? end - moment + DAY_MS
        : rule.ratePerMs > 0
          ? Math.ceil(rule.capacity / rule.ratePerMs) + 60_000
          : DAY_MS,
      base: isLasting ? Math.max(base, remaining === undefined ? 0 : rule.capacity - remaining) : 0,
    };
  };

  /** This instance's part, as long as nobody can be asked: of the rate, and of what was left when last heard of. */
  const localShare = (moment: number): Gauge => {
    if (share) return share;
    const { instances } = teller;
    const left = Math.max(0, (remaining ?? rule.capacity - base) + Math.min(0, stock));
    const part = Math.max(1, Math.floor(rule.capacity / instances));
    switch (rule.period) {
      case "minute":
        share = createLocalGauge(
          { ...rule, capacity: part, ratePerMs: rule.ratePerMs / instances },
          moment,
        );
        share.raise(Math.max(0, part - Math.floor(left / instances)), 0, moment);
        break;
      case "flight":
        share = createLocalGauge({ ...rule, capacity: Math.max(0, part - held - stock) }, moment);
        break;
      case "day":
      case "month":
        share = createLocalGauge({ ...rule, capacity: Math.floor(left / instances) }, moment);
    }
    return share;
  };

  const closedFor = (moment: number): number =>
    rule.period === "flight" ? FLIGHT_MS : Math.max(1, opensAt - moment);

  /** What the backend has left by now, as far as anybody here knows. */
  const leftThere = (moment: number): number =>
    Math.min(
      rule.capacity,
      (remaining ?? 0) + (rule.ratePerMs > 0 ? (moment - heardAt) * rule.ratePerMs : 0),
    );

  const client: Client = {
    ask(moment) {
      roll(moment);
      ahead = moment - lastAsk < BUSY_MS ? Math.min(MOST_AHEAD, ahead * 2 + 1) : ahead >> 1;
      lastAsk = moment;
      const short = Math.max(0, demand - stock);
      const ask = {
        counter: counter(moment),
        least: Math.min(rule.capacity, Math.max(0, least - stock)),
        demand: short,
        want: short * (1 + ahead),
      };
      asked = ask.least;
      demand = 0;
      least = Number.POSITIVE_INFINITY;
      return ask;
    },
    told(told, period, moment) {
      roll(moment);
      // A lease of yesterday is of no use today.
      if (counter(moment).id !== period.id) return;
      stock += told.granted;
      remaining = told.remaining;
      heardAt = moment;
      if (told.granted >= asked && told.granted > 0) {
        dryUntil = 0;
        return;
      }
      dryFor = asked;
      opensAt = Math.min(end, moment + told.waitMs);
      const pause = rule.period === "flight" ? DRY_PLACES_MS : DRY_MS;
      dryUntil = moment + Math.min(pause, told.waitMs);
    },
    get isHolding() {
      return stock !== 0 || usedSinceSweep > 0;
    },
    sweep(moment) {
      roll(moment);
      const surplus = stock - Math.min(Math.max(0, stock), usedSinceSweep);
      usedSinceSweep = 0;
      if (surplus === 0) return undefined;
      if (surplus > 0) ahead >>= 1;
      stock -= surplus;
      return { counter: counter(moment), amount: surplus };
    },
    rejoined(moment) {
      const amount = -lent;
      share = undefined;
      lent = 0;
      return amount === 0 ? undefined : { counter: counter(moment), amount };
    },
    rejoin(fate, moment) {
      roll(moment);
      const known = counter(moment);
      const alone = share;
      const beyond = lent;
      share = undefined;
      lent = 0;
      switch (rule.period) {
        case "flight":
          return { counter: known, holds: Math.max(0, held + stock) };
        case "minute":
          return alone
            ? { counter: known, spent: alone.rule.capacity - alone.view(moment).remaining }
            : { counter: known };
        case "day":
        case "month":
          if (fate === "kept") return { counter: known, spent: beyond };
          if (fate === "remembered") return { counter: known, used: known.base, spent: beyond };
          // The books have what has ended, debts too, and nothing of what is in hand or in flight.
          stock = Math.max(0, stock);
          return { counter: known, used: base, spent: held + stock };
      }
    },
  };
  teller.join(client);

  return {
    get rule() {
      return rule;
    },
    set rule(next) {
      rule = next;
    },
    wait(amount, moment) {
      roll(moment);
      const need = fitting(amount);
      // What is free as far as anybody knows may go on only as long as something is left.
      if (need === 0 && stock <= 0) {
        if (teller.isAway) return localShare(moment).wait(0, moment);
        if (moment - heardAt > FRESH_MS) return ASK;
        return stock + (remaining ?? 0) > 0 ? 0 : Math.max(1, end - moment);
      }
      if (stock >= need) return 0;
      if (teller.isAway) return localShare(moment).wait(need - Math.max(0, stock), moment);
      return moment < dryUntil && need - stock >= dryFor ? closedFor(moment) : ASK;
    },
    take(amount, moment) {
      const need = fitting(amount);
      if (stock < need && teller.isAway) {
        const missing = need - Math.max(0, stock);
        localShare(moment).take(missing, moment);
        stock += missing;
        lent += missing;
      }
      stock -= need;
      held += need;
      usedSinceSweep += need;
    },
    settle(taken, used, takenAt, moment) {
      roll(moment);
      if (takenAt < start) return;
      const reserved = fitting(taken);
      if (used === reserved) {
        held = Math.max(0, held - reserved);
        return;
      }
      held = Math.max(0, held - reserved);
      stock += reserved - used;
      teller.attend(client);
      // Where little is left, others may be waiting for it.
      const part = rule.period === "flight" ? 2 : 4;
      const isScarce = remaining === undefined || remaining <= rule.capacity / part;
      if (stock <= 0 || !isScarce || teller.isAway) return;
      teller.give({ counter: counter(moment), amount: stock });
      stock = 0;
    },
    isHeld: (amount) => held > 0 && stock + held + (remaining ?? 0) >= amount,
    view(moment) {
      roll(moment);
      const there = teller.isAway ? localShare(moment).view(moment).remaining : leftThere(moment);
      const left = Math.max(0, Math.floor(there + stock));
      const missing = Math.max(0, rule.capacity - left);
      return {
        limit: rule.limit,
        remaining: left,
        resetMs: Math.ceil(rule.ratePerMs > 0 ? missing / rule.ratePerMs : end - moment),
      };
    },
    raise(used, since, moment) {
      roll(moment);
      if (since === start) base = Math.max(base, used);
    },
    fetch(amount) {
      const need = fitting(amount);
      // Who comes while an ask is under way looks again after it, and counts then.
      if (!teller.isAsking(client)) {
        demand += need;
        least = Math.min(least, need);
      }
      return teller.fetch(client);
    },
  };
}
