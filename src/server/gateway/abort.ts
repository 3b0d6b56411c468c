import type { ChatError } from "../../connectors/hub/error.ts";

/**
 * An end that may come from outside: the client goes away, the server stops, or a stream is left. What an AbortController is
 * for, at a tenth of its price: every request has one, and hardly any is ever used.
 */
export type Abort = {
  /** Why, once it has happened. */
  readonly reason: ChatError | undefined;
  /** Makes it happen; only the first time counts. */
  readonly abort: (reason: ChatError) => void;
  /** Calls `listener` when it happens, or at once if it has. Returns how to take it back. */
  listen(listener: (reason: ChatError) => void): () => void;
};

export function createAbort(): Abort {
  let listeners: Set<(reason: ChatError) => void> | undefined;
  let reason: ChatError | undefined;
  return {
    get reason() {
      return reason;
    },
    abort(why) {
      if (reason) return;
      reason = why;
      for (const listener of listeners ?? []) listener(why);
      listeners = undefined;
    },
    listen(listener) {
      if (reason) {
        listener(reason);
        return () => undefined;
      }
      listeners ??= new Set();
      listeners.add(listener);
      return () => listeners?.delete(listener);
    },
  };
}
