import type { ChatError, Timer } from "../hub/error.ts";
import { toCancelled, toTimeout } from "./failure.ts";
import { createWatch, type Watch } from "./watch.ts";

/** What holds one request together until its answer has ended: the first thing to fail ends everything else. */
export type Exchange = {
  readonly host: string;
  /** For fetch; aborts on any failure. */
  readonly signal: AbortSignal;
  readonly watch: Watch;
  /** What has failed, which is what the caller is to be told whatever else is thrown because of it. */
  failure(): ChatError | undefined;
  fail(error: ChatError): void;
  /** Called once at the end, or at once if it has been. */
  onClose(listener: () => void): void;
  /** The end, good or bad: no timer runs and nothing is listened to any more. */
  close(): void;
};

/** What the caller holds a request by. */
export type Reins = {
  readonly signal: AbortSignal;
  /** Aborts `signal`, where that is of one request alone; spares it one of its own. */
  abort?(reason: ChatError): void;
  /** Asked before it goes out once more. Absent is yes. */
  mayResend?(): boolean;
};

type OwnExchange = Exchange & {
  readonly reins: Reins;
  /** Aborts `signal`, where that is of this exchange. */
  readonly own: AbortController | undefined;
  failed: ChatError | undefined;
  closed: boolean;
  closing: (() => void) | undefined;
  /** Stops listening to the caller's signal. */
  drop: (() => void) | undefined;
  expired(timer: Timer, milliseconds: number): void;
};

/**
 * Opens one that fails when the signal aborts or a timer of its watch runs out. Without an `abort` it takes a signal of its own,
 * which costs every request some microseconds. Throws if the signal has aborted already.
 */
export function openExchange(reins: Reins, host: string): Exchange {
  const { signal } = reins;
  if (signal.aborted) throw toCancelled(signal);
  const own = reins.abort ? undefined : new AbortController();
  const watch = createWatch();
  const exchange: OwnExchange = {
    host,
    watch,
    reins,
    own,
    signal: own?.signal ?? signal,
    failed: undefined,
    closed: false,
    closing: undefined,
    drop: undefined,
    // Shared by all exchanges rather than made for each: every request has one.
    failure,
    fail,
    onClose,
    close,
    expired,
  };
  watch.watched = exchange;
  if (own) {
    const onAbort = (): void => exchange.fail(toCancelled(signal));
    signal.addEventListener("abort", onAbort);
    exchange.drop = () => signal.removeEventListener("abort", onAbort);
  }
  return exchange;
}

function fail(this: OwnExchange, error: ChatError): void {
  if (this.closed || this.failed) return;
  this.failed = error;
  if (this.own) this.own.abort(error);
  else this.reins.abort?.(error);
}

/** Nobody tells of an abort from outside where the signal is shared: whoever waits for fetch sees it fail. */
function failure(this: OwnExchange): ChatError | undefined {
  if (!this.closed && !this.failed && this.reins.signal.aborted)
    this.failed = toCancelled(this.reins.signal);
  return this.failed;
}

function onClose(this: OwnExchange, listener: () => void): void {
  if (this.closed) listener();
  else this.closing = listener;
}

function close(this: OwnExchange): void {
  if (this.closed) return;
  // What has failed by now is remembered; what happens later is nobody's business any more.
  this.failure();
  this.closed = true;
  this.closing?.();
  this.watch.stop();
  this.drop?.();
}

function expired(this: OwnExchange, timer: Timer, milliseconds: number): void {
  this.fail(toTimeout(timer, milliseconds, this.host));
}
