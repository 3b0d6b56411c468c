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
  /** Calls `listener` when it happens, or at once if it has. */
  readonly listen: (listener: AbortListener) => void;
  /** Takes it back. */
  readonly unlisten: (listener: AbortListener) => void;
};

export type AbortListener = (reason: ChatError) => void;

export function createAbort(): Abort {
  // Most have one listener at a time, and room for it is made with the first.
  const listeners: AbortListener[] = [];
  const own: Abort & { reason: ChatError | undefined } = {
    reason: undefined,
    abort(reason) {
      if (own.reason) return;
      own.reason = reason;
      // One that is told may take back another, or itself.
      for (let next = listeners.shift(); next; next = listeners.shift()) next(reason);
    },
    listen(listener) {
      if (own.reason) listener(own.reason);
      else listeners.push(listener);
    },
    unlisten(listener) {
      const index = listeners.indexOf(listener);
      if (index >= 0) listeners.splice(index, 1);
    },
  };
  return own;
}
