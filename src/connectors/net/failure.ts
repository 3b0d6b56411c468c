import { ChatError, type Timer } from "../hub/error.ts";

/** What callers know of a host: its address is the operator's business. */
export const SOMEBODY = "the provider";

/** What went wrong on the way to a host, in words that name neither path nor query nor credentials. */
type Words = {
  readonly code: string;
  readonly text: (host: string, code: string) => string;
  /** What only the operator can see to. */
  readonly advice?: string;
  readonly retryHere?: boolean;
};

const RESET: Words = {
  code: "connection_reset",
  text: (host) => `${host} closed the connection before it answered`,
};
const REFUSED: Words = {
  code: "connection_refused",
  text: (host) => `${host} refused the connection`,
  advice: "; is it running, and is base_url right?",
};
const NAME: Words = {
  code: "dns_failed",
  text: (host, code) => `the name of ${host} could not be resolved (${code})`,
  advice: "; check base_url",
};
const ROUTE: Words = {
  code: "connection_failed",
  text: (host, code) => `no connection to ${host} could be made (${code})`,
};
const TLS: Words = {
  code: "tls_failed",
  text: (host, code) => `the TLS certificate of ${host} was not accepted (${code})`,
  // Neither the certificate nor our trust in it changes within a request.
  retryHere: false,
};

/** The codes that Bun's fetch puts on its errors (seen with 1.4.5). */
const BY_CODE: Readonly<Record<string, Words>> = {
  ECONNREFUSED: REFUSED,
  ConnectionRefused: REFUSED,
  ECONNRESET: RESET,
  ConnectionClosed: RESET,
  EPIPE: RESET,
  ENOTFOUND: NAME,
  EAI_AGAIN: NAME,
  EAI_NONAME: NAME,
  EAI_FAIL: NAME,
  ETIMEDOUT: ROUTE,
  ENETUNREACH: ROUTE,
  EHOSTUNREACH: ROUTE,
  FailedToOpenSocket: ROUTE,
};

const TLS_CODE = /CERT|TLS|SSL|ISSUER|SIGNATURE/;

/** What fetch threw before there was a response, as `unavailable`. The original is left out: it carries the whole URL. */
export function toNetworkError(thrown: unknown, host: string): ChatError {
  if (thrown instanceof ChatError) return thrown;
  const code = codeOf(thrown);
  const words = BY_CODE[code] ?? (TLS_CODE.test(code) ? TLS : ROUTE);
  return new ChatError("unavailable", words.text(host, code) + (words.advice ?? ""), {
    code: words.code,
    told: words.text(SOMEBODY, code),
    ...(words.retryHere === undefined ? {} : { retryHere: words.retryHere }),
  });
}

/** What reading a response's body threw: the answer broke off. */
export function toBrokenBody(thrown: unknown, host: string): ChatError {
  if (thrown instanceof ChatError) return thrown;
  const text = `broke the connection in the middle of its answer (${codeOf(thrown)})`;
  return new ChatError("bad-upstream", `${host} ${text}`, {
    code: "answer_cut_off",
    told: `${SOMEBODY} ${text}`,
  });
}

const TIMER_WORDS: Readonly<Record<Timer, (host: string) => string>> = {
  connect: (host) => `no connection to ${host}`,
  headers: (host) => `${host} sent no response headers`,
  "first-event": (host) => `${host} sent nothing after its response headers`,
  idle: (host) => `${host} went silent in the middle of its answer: nothing came`,
  total: (host) => `${host} gave no complete answer`,
};

/** A timer that ran out: says which, and how long it was. */
export function toTimeout(timer: Timer, milliseconds: number, host: string): ChatError {
  const rest = ` within ${duration(milliseconds)} (${timer} timer)`;
  return new ChatError("timeout", TIMER_WORDS[timer](host) + rest, {
    timer,
    code: `timeout_${timer.replace("-", "_")}`,
    told: TIMER_WORDS[timer](SOMEBODY) + rest,
  });
}

/** Why an aborted signal aborted, as the error to throw. */
export function toCancelled(signal: AbortSignal): ChatError {
  const reason: unknown = signal.reason;
  if (reason instanceof ChatError) return reason;
  return new ChatError("cancelled", "the request was cancelled", { cause: reason });
}

/** What a promise gives, unless the signal aborts first: then its reason is thrown, and nobody waits for the promise any more. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(toCancelled(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** The system's or Bun's short code for an error, else its name. */
export function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "unknown error";
  return "code" in thrown && typeof thrown.code === "string" ? thrown.code : thrown.name;
}

function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${milliseconds / 1000} s`;
}
