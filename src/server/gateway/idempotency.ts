/**
 * One answer for all requests with the same Idempotency-Key. The first one runs; those that come meanwhile wait for it here, or are
 * told to come again if it runs elsewhere; those that come after are given what it was answered. Only answers that went well are
 * kept: what failed may be tried again.
 */
import { ChatError } from "../../connectors/hub/error.ts";
import type { Config } from "../config/config.ts";
import type { Answers, Claimed } from "../store/answers.ts";
import { promptly } from "./limits/promptly.ts";

/** An answer as it is given again. */
export type KeptAnswer = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What a request with a key is to do. */
export type Entry =
  /** Run, and say once what came of it. An answer of more than the most bytes is not kept. */
  | { readonly state: "run"; end(outcome: KeptAnswer | ChatError | undefined): void }
  /** Give this answer; `joined` if it was waited for. */
  | { readonly state: "replay"; readonly answer: KeptAnswer; readonly joined: boolean };

export type Idempotency = {
  /** `scope` is whose keys these are; `fingerprint` tells one request from another. Throws ChatError. */
  enter(scope: string, key: string, fingerprint: string): Promise<Entry>;
  /** Lets go of what still runs. */
  close(): Promise<void>;
};

export type IdempotencyOptions = {
  readonly answers: Answers;
  readonly config: () => Config["idempotency"];
  /** Names this process and no other. */
  readonly holder: string;
  /** Unix milliseconds. */
  readonly clock: () => number;
  /** Told once when storage cannot be asked, and once when it can again. */
  readonly onChange: (away: boolean, error?: unknown) => void;
};

type Running = {
  readonly fingerprint: string;
  /** Never rejects; undefined where the request was left before its end, or its answer is too large. */
  readonly outcome: Promise<KeptAnswer | ChatError | undefined>;
  /** Once it has ended: until storage knows. */
  leaving: Promise<void> | undefined;
};

/** A process that has not been heard of for so long is taken for dead, and its requests may be run again. */
const LEASE_MS = 15_000;
const RENEW_MS = 5000;
const PRUNE_MS = 60_000;
/** Then the request runs without storage's knowledge. */
const ANSWER_MS = 1000;
/** When to come again while the request runs on another instance. */
const ELSEWHERE_MS = 1000;
const KEY = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/** Renews what it has claimed in storage while that runs; while storage is away it knows only of what runs here. */
export function createIdempotency(options: IdempotencyOptions): Idempotency {
  const { answers, holder, clock, onChange } = options;
  const running = new Map<string, Running>();
  const claimed = new Set<string>();
  let away = false;
  let prunedAt = clock();
  let timer: ReturnType<typeof setInterval> | undefined;

  /** What storage says, or undefined when it cannot be asked. */
  const ask = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      const answer = await promptly(
        ANSWER_MS,
        work().then((value) => ({ value })),
      );
      if (!answer) throw new Error(`no answer within ${ANSWER_MS} ms`);
      if (away) onChange(false);
      away = false;
      return answer.value;
    } catch (error) {
      if (!away) onChange(true, error);
      away = true;
      return undefined;
    }
  };

  const renew = (): void => {
    if (claimed.size === 0) {
      clearInterval(timer);
      timer = undefined;
      return;
    }
    void ask(() => answers.renewAnswers([...claimed], holder, clock() + LEASE_MS));
  };
  const prune = async (): Promise<void> => {
    const now = clock();
    if (now - prunedAt < PRUNE_MS) return;
    prunedAt = now;
    await ask(() => answers.pruneAnswers(now, options.config().maxTotalBytes));
  };

  const keep = async (id: string, outcome: KeptAnswer | ChatError | undefined): Promise<void> => {
    const { keepMs, maxAnswerBytes } = options.config();
    if (claimed.has(id)) {
      const text =
        outcome === undefined || outcome instanceof ChatError ? undefined : JSON.stringify(outcome);
      await ask(() =>
        text === undefined || Buffer.byteLength(text) > maxAnswerBytes
          ? answers.releaseAnswer(id, holder)
          : answers.keepAnswer(id, holder, text, clock() + keepMs),
      );
      claimed.delete(id);
    }
    running.delete(id);
    await prune();
  };

  const claim = (id: string, fingerprint: string): Promise<Claimed | undefined> => {
    const now = clock();
    const until = now + LEASE_MS;
    return ask(() => answers.claimAnswer({ id, fingerprint, holder, now, until }));
  };

  const start = async (id: string, fingerprint: string): Promise<Entry> => {
    const { promise, resolve } = Promise.withResolvers<KeptAnswer | ChatError | undefined>();
    const own: Running = { fingerprint, outcome: promise, leaving: undefined };
    running.set(id, own);
    const found = await claim(id, fingerprint);
    if (found !== undefined && found.state !== "claimed") {
      running.delete(id);
      const told =
        found.fingerprint !== fingerprint
          ? anotherBody()
          : found.state === "running"
            ? elsewhere()
            : readAnswer(found.answer);
      resolve(told);
      if (told instanceof ChatError) throw told;
      return { state: "replay", answer: told, joined: false };
    }
    if (found) {
      claimed.add(id);
      timer ??= setInterval(renew, RENEW_MS);
    }
    let ended = false;
    return {
      state: "run",
      end(outcome) {
        if (ended) return;
        ended = true;
        resolve(outcome);
        own.leaving = keep(id, outcome);
      },
    };
  };

  return {
    async enter(scope, key, fingerprint) {
      if (!KEY.test(key)) throw badKey();
      const id = Bun.CryptoHasher.hash("sha256", `${scope}\0${key}`, "hex");
      for (;;) {
        const first = running.get(id);
        if (!first) return await start(id, fingerprint);
        if (first.fingerprint !== fingerprint) throw anotherBody();
        const cameLate = first.leaving !== undefined;
        const outcome = await first.outcome;
        if (outcome instanceof ChatError && !cameLate) throw outcome;
        if (outcome && !(outcome instanceof ChatError)) {
          return { state: "replay", answer: outcome, joined: !cameLate };
        }
        // It came to nothing, or had failed before this one came: the next one runs, when storage knows.
        await first.leaving;
      }
    },
    async close() {
      clearInterval(timer);
      for (const id of claimed) await ask(() => answers.releaseAnswer(id, holder));
    },
  };
}

function readAnswer(text: string): KeptAnswer {
  const { headers, body }: KeptAnswer = JSON.parse(text);
  return { headers, body };
}

function badKey(): ChatError {
  return new ChatError(
    "invalid-request",
    "`Idempotency-Key` must be 1 to 255 printable ASCII characters",
    { code: "invalid_idempotency_key" },
  );
}

function anotherBody(): ChatError {
  return new ChatError(
    "invalid-request",
    "this `Idempotency-Key` was used with another request: use a new key for a new request",
    { status: 422, code: "idempotency_key_reused" },
  );
}

function elsewhere(): ChatError {
  return new ChatError(
    "invalid-request",
    "the first request with this `Idempotency-Key` is still running: come again for its answer",
    { status: 409, code: "idempotency_key_in_use", retryAfterMs: ELSEWHERE_MS },
  );
}
