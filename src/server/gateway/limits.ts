/**
 * Limits of keys, of tenants, and of keys on single models: the strictest wins. What a request may take at the most is reserved
 * before its provider is asked and settled by what it did take. Minutes are buckets that refill steadily; days and months are
 * those of UTC.
 *
 * In the memory of one process unless gauges that many share are given. Why no library (2026-11): rate-limiter-flexible asks
 * Redis for every limit of every request, has no leases and nothing to reserve and settle with, and does not take Bun's client.
 */
import type { Config } from "../config/config.ts";
import type { KeyRecord, KeyTotals } from "../store/store.ts";
import { startOfDay } from "../store/usage-span.ts";
import { ASK, createLocalGauge, type Gauge, type LimitWindow } from "./limits/gauge.ts";
import { labelOf, refusalOf } from "./limits/refusal.ts";
import {
  counterId,
  type LimitName,
  modelOwner,
  type Rule,
  rulesOf,
  type Scope,
  startOfMonth,
  termsOfKey,
} from "./limits/rule.ts";

export type { LimitWindow } from "./limits/gauge.ts";

/** What is left of a caller's limits after this request, for the answer's headers: of several the strictest. */
export type LimitState = {
  readonly requests?: LimitWindow;
  readonly tokens?: LimitWindow;
  /** The window that refused the request, if one did: Unix milliseconds at which it opens again. */
  readonly refusedUntil?: number;
};

/** A place taken in every limit of a caller. Must be settled exactly once, whatever becomes of the request. */
export type Admission = {
  /** Replaces what was reserved by what was used. */
  settle(tokens: number, costNanoUsd: number): void;
};

/** Who wants to be let in, and with what. The functions are called only where a limit needs to know. */
export type Entrant = {
  readonly key: KeyRecord;
  /** The logical model. */
  readonly model: string;
  /** The most tokens that the request can take. */
  tokens(): number;
  /** The most that it can cost, in nano-dollars. */
  costNanoUsd(): number;
};

export type Limiter = {
  /**
   * Takes a place in every limit that holds for the request, or throws ChatError `rate-limited` or `quota-exceeded` and takes
   * none. A promise only where other instances must be asked.
   */
  admit(entrant: Entrant, report: (state: LimitState) => void): Admission | Promise<Admission>;
  /** Tells the limiter what keys have used today and this month, as the books have it. */
  restore(today: readonly KeyTotals[], month: readonly KeyTotals[]): void;
};

export type LimiterOptions = {
  /** The one in force; a new object after a reload. */
  readonly config: () => Pick<Config, "rateLimiting" | "tenants" | "models">;
  /** Unix milliseconds. */
  readonly clock: () => number;
  readonly onHit: (tenantId: string, limit: string) => void;
  /** Makes gauges that count together with those of other instances; without it they are this process's own. */
  readonly shared?: (rule: Rule, now: number) => Gauge;
};

/** All that counts for one key and one model. */
type Book = { readonly gauges: readonly Gauge[]; readonly measures: ReadonlySet<string> };

/** Rounds of asking other instances before a request is told to come again: others were faster every time. */
const MOST_ROUNDS = 12;

/** Knows nothing of earlier use until `restore` tells it. */
export function createLimiter(options: LimiterOptions): Limiter {
  const { clock } = options;
  const gauges = new Map<string, Gauge>();
  /** What the books say was used of a day or month, by counter, and when that began. */
  const known = new Map<string, { readonly used: number; readonly start: number }>();
  let config: ReturnType<LimiterOptions["config"]> | undefined;
  let limitedModels = new Map<string, Config["models"][number]>();
  let books = new WeakMap<KeyRecord, Map<string, Book>>();

  const gaugeOf = (rule: Rule, now: number): Gauge => {
    const there = gauges.get(rule.id);
    if (there) {
      there.rule = rule;
      return there;
    }
    const gauge = (options.shared ?? createLocalGauge)(rule, now);
    const before = known.get(rule.id);
    if (before) gauge.raise(before.used, before.start, now);
    gauges.set(rule.id, gauge);
    return gauge;
  };

  const makeBook = (key: KeyRecord, model: string, now: number): Book => {
    const { rateLimiting, tenants } = options.config();
    const ofTenant = Object.hasOwn(tenants, key.tenantId)
      ? tenants[key.tenantId]?.limits
      : undefined;
    const ofModel = limitedModels.get(model)?.limits;
    const burst = rateLimiting.burstSize;
    const rules = [
      ...rulesOf(
        termsOfKey(key, rateLimiting.defaultRpm),
        { scope: "key", owner: key.id, subject: "" },
        burst,
      ),
      ...rulesOf(
        ofTenant ?? {},
        { scope: "tenant", owner: key.tenantId, subject: key.tenantId },
        burst,
      ),
      ...rulesOf(
        ofModel ?? {},
        { scope: "model", owner: modelOwner(key.id, model), subject: model },
        burst,
      ),
    ];
    return {
      gauges: rules.map((rule) => gaugeOf(rule, now)),
      measures: new Set(rules.map(({ measure }) => measure)),
    };
  };

  const bookOf = (key: KeyRecord, model: string, now: number): Book => {
    const current = options.config();
    if (current !== config) {
      config = current;
      books = new WeakMap();
      limitedModels = new Map(
        current.models.filter(({ limits }) => limits).map((each) => [each.name, each]),
      );
    }
    let ofKey = books.get(key);
    if (!ofKey) books.set(key, (ofKey = new Map()));
    const name = limitedModels.has(model) ? model : "";
    let book = ofKey.get(name);
    if (!book) ofKey.set(name, (book = makeBook(key, name, now)));
    return book;
  };

  /** Throws if a limit is in the way; else the gauges that must be asked for more, or undefined when all is taken. */
  const tryTake = (
    entrant: Entrant,
    { gauges: all }: Book,
    amounts: Amounts,
    now: number,
    report: (state: LimitState) => void,
  ): readonly Gauge[] | undefined => {
    let asked: Gauge[] | undefined;
    let longest = 0;
    let refusing: Gauge | undefined;
    for (const gauge of all) {
      const wait = gauge.wait(amounts[gauge.rule.measure], now);
      if (wait === ASK) (asked ??= []).push(gauge);
      else if (wait > longest) {
        longest = wait;
        refusing = gauge;
      }
    }
    if (refusing) {
      options.onHit(entrant.key.tenantId, labelOf(refusing.rule));
      report({ ...viewOf(all, now), refusedUntil: now + longest });
      throw refusalOf(refusing, amounts[refusing.rule.measure], longest);
    }
    if (asked) return asked;
    for (const gauge of all) gauge.take(amounts[gauge.rule.measure], now);
    report(viewOf(all, now));
    return undefined;
  };

  const admitted = ({ gauges: all }: Book, amounts: Amounts, at: number): Admission => ({
    settle(tokens, costNanoUsd) {
      const now = clock();
      const used: Amounts = { requests: 1, tokens, money: costNanoUsd, places: 0 };
      for (const gauge of all) {
        const { measure } = gauge.rule;
        gauge.settle(amounts[measure], used[measure], at, now);
      }
    },
  });

  const admitAsking = async (
    entrant: Entrant,
    book: Book,
    amounts: Amounts,
    first: readonly Gauge[],
    report: (state: LimitState) => void,
  ): Promise<Admission> => {
    let asked: readonly Gauge[] | undefined = first;
    for (let round = 0; asked !== undefined; round += 1) {
      const slowest = asked[0];
      if (slowest && round === MOST_ROUNDS) {
        options.onHit(entrant.key.tenantId, labelOf(slowest.rule));
        throw refusalOf(slowest, amounts[slowest.rule.measure], CROWDED_MS);
      }
      await Promise.all(asked.map((gauge) => gauge.fetch(amounts[gauge.rule.measure])));
      asked = tryTake(entrant, book, amounts, clock(), report);
    }
    return admitted(book, amounts, clock());
  };

  return {
    admit(entrant, report) {
      const now = clock();
      const book = bookOf(entrant.key, entrant.model, now);
      if (book.gauges.length === 0) return UNLIMITED;
      const amounts: Amounts = {
        requests: 1,
        places: 1,
        tokens: book.measures.has("tokens") ? entrant.tokens() : 0,
        money: book.measures.has("money") ? entrant.costNanoUsd() : 0,
      };
      const asked = tryTake(entrant, book, amounts, now, report);
      return asked
        ? admitAsking(entrant, book, amounts, asked, report)
        : admitted(book, amounts, now);
    },
    restore(today, month) {
      const now = clock();
      known.clear();
      const day = startOfDay(now);
      for (const totals of today) {
        note(totals, "rpd", totals.requests, day);
        note(totals, "tokens_per_day", totals.tokens, day);
        note(totals, "budget_per_day", totals.costNanoUsd, day);
      }
      for (const totals of month) note(totals, "budget", totals.costNanoUsd, startOfMonth(now));
      for (const [id, { used, start }] of known) gauges.get(id)?.raise(used, start, now);
    },
  };

  function note(totals: KeyTotals, name: LimitName, amount: number, start: number): void {
    const owners: readonly (readonly [Scope, string])[] = [
      ["key", totals.apiKeyId],
      ["tenant", totals.tenantId],
      ["model", modelOwner(totals.apiKeyId, totals.logicalModel)],
    ];
    for (const [scope, owner] of owners) {
      const id = counterId(scope, owner, name);
      known.set(id, { used: (known.get(id)?.used ?? 0) + amount, start });
    }
  }
}

type Amounts = {
  readonly requests: number;
  readonly tokens: number;
  readonly money: number;
  readonly places: number;
};

const UNLIMITED: Admission = { settle: () => undefined };

/** What is told to whom was overtaken again and again. */
const CROWDED_MS = 200;

/** Of several windows the one with the least left; concurrency and money have no headers. */
function viewOf(gauges: readonly Gauge[], now: number): LimitState {
  let requests: LimitWindow | undefined;
  let tokens: LimitWindow | undefined;
  for (const gauge of gauges) {
    const { measure } = gauge.rule;
    if (measure === "requests") requests = stricter(requests, gauge.view(now));
    else if (measure === "tokens") tokens = stricter(tokens, gauge.view(now));
  }
  return { ...(requests ? { requests } : {}), ...(tokens ? { tokens } : {}) };
}

function stricter(one: LimitWindow | undefined, other: LimitWindow): LimitWindow {
  return one && one.remaining <= other.remaining ? one : other;
}
