import type { ChatError } from "../hub/error.ts";
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
  /** Called once when something fails. Replaces an earlier listener. */
  onFailure(listener: (error: ChatError) => void): void;
  /** Called once at the end, or at once if it has been. */
  onClose(listener: () => void): void;
  /** The end, good or bad: no timer runs and nothing is listened to any more. */
  close(): void;
};

/**
 * Opens one that fails when `signal` aborts or a timer of its watch runs out. `abort` aborts that signal, where it is of this
 * exchange alone; without it the exchange takes one of its own, which costs every request some microseconds. Throws if the
 * signal has aborted already.
 */
export function openExchange(
  signal: AbortSignal,
  host: string,
  abort?: (reason: ChatError) => void,
): Exchange {
  if (signal.aborted) throw toCancelled(signal);
  let failure: ChatError | undefined;
  let listener: ((error: ChatError) => void) | undefined;
  let closed = false;
  let onClosed: (() => void) | undefined;

  const fail = (error: ChatError): void => {
    if (closed || failure) return;
    failure = error;
    reins.abort(error);
    listener?.(error);
  };
  const reins = abort ? { signal, abort, drop: undefined } : takeReins(signal, fail);
  const watch = createWatch((timer, milliseconds) => fail(toTimeout(timer, milliseconds, host)));
  /** Nobody tells of an abort from outside where the signal is shared: whoever waits for fetch sees it fail. */
  const look = (): ChatError | undefined => {
    if (!closed && !failure && signal.aborted) failure = toCancelled(signal);
    return failure;
  };

  return {
    host,
    signal: reins.signal,
    watch,
    failure: look,
    fail,
    onFailure(next) {
      listener = next;
    },
    onClose(next) {
      if (closed) next();
      else onClosed = next;
    },
    close() {
      if (closed) return;
      look();
      closed = true;
      onClosed?.();
      watch.stop();
      reins.drop?.();
    },
  };
}

/** A signal of one's own behind another; `drop` stops listening to that. */
function takeReins(signal: AbortSignal, fail: (error: ChatError) => void) {
  const controller = new AbortController();
  const onAbort = (): void => fail(toCancelled(signal));
  signal.addEventListener("abort", onAbort);
  return {
    signal: controller.signal,
    abort: (reason: ChatError): void => controller.abort(reason),
    drop: (): void => signal.removeEventListener("abort", onAbort),
  };
}
