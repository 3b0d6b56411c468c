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

/** Opens one that fails when `signal` aborts or a timer of its watch runs out. Throws if it has aborted already. */
export function openExchange(signal: AbortSignal, host: string): Exchange {
  if (signal.aborted) throw toCancelled(signal);
  const abort = new AbortController();
  let failure: ChatError | undefined;
  let listener: ((error: ChatError) => void) | undefined;
  let closed = false;
  let onClosed: (() => void) | undefined;

  const fail = (error: ChatError): void => {
    if (closed || failure) return;
    failure = error;
    abort.abort(error);
    listener?.(error);
  };
  const onAbort = (): void => fail(toCancelled(signal));
  signal.addEventListener("abort", onAbort);
  const watch = createWatch((timer, milliseconds) => fail(toTimeout(timer, milliseconds, host)));

  return {
    host,
    signal: abort.signal,
    watch,
    failure: () => failure,
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
      closed = true;
      onClosed?.();
      watch.stop();
      signal.removeEventListener("abort", onAbort);
    },
  };
}
