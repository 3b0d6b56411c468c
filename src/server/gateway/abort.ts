import type { ChatError } from "../../connectors/hub/error.ts";
import type { Present } from "../roster.ts";

/** Something that can be ended from outside. */
export type Abortable = {
  /** Ends it. Only the first time counts. */
  abort(reason: ChatError): void;
};

/**
 * An end that may come from outside: the client goes away, the server stops, or a stream is left. What an AbortController is
 * for, at a tenth of its price: every request has one, and hardly any is ever used.
 */
export type Abort = Abortable &
  Present & {
    /** Why, once it has happened. */
    readonly reason: ChatError | undefined;
    /** Ends `other` too when it happens, or at once if it has. */
    listen(other: Abortable): void;
    /** Takes it back. */
    unlisten(other: Abortable): void;
  };

type OwnAbort = Abort & { reason: ChatError | undefined; readonly others: Abortable[] };

export function createAbort(): Abort {
  // The functions are shared by all rather than made for each.
  const own: OwnAbort = {
    reason: undefined,
    others: [],
    place: undefined,
    abort,
    listen,
    unlisten,
  };
  return own;
}

function abort(this: OwnAbort, reason: ChatError): void {
  if (this.reason) return;
  this.reason = reason;
  // One that is told may take back another, or itself.
  for (let next = this.others.shift(); next; next = this.others.shift()) next.abort(reason);
}

function listen(this: OwnAbort, other: Abortable): void {
  if (this.reason) other.abort(this.reason);
  else this.others.push(other);
}

function unlisten(this: OwnAbort, other: Abortable): void {
  const index = this.others.indexOf(other);
  if (index >= 0) this.others.splice(index, 1);
}
