import type { KeyRecord } from "../store/store.ts";
import type { Abort } from "./abort.ts";
import type { LimitState } from "./limits.ts";
import type { Meter } from "./meter.ts";

/**
 * One request on its way through the house: who asks, until when, and what became of it. The fields that are not readonly
 * are filled in on the way, for the answer's headers, the log and the books.
 */
export type Exchange = {
  /** UUID; the id of the usage row. */
  readonly id: string;
  /** What the client sees as `x-request-id`: its own, if it sent a sane one. */
  readonly requestId: string;
  readonly caller: KeyRecord;
  /** The client's headers. */
  readonly headers: Headers;
  /** Happens when the client goes away or the server gives up waiting for it. */
  readonly abort: Abort;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** The same moment on the fine-grained clock of `performance.now()`. */
  readonly arrivedAt: number;
  /**
   * Unix milliseconds after which no answer is of use any more. That of the client, if it is the earlier; once a stream has begun
   * it is `end`: clients say how long they wait for an answer to begin, not how long it may be.
   */
  deadline: number;
  /** Unix milliseconds after which no answer goes on, whatever the client says. */
  readonly end: number;
  /** Empty until an attempt was made. */
  provider: string;
  providerModel: string;
  attempts: number;
  /** True once something of the answer has been handed to the client; nothing can be tried again after that. */
  committed: boolean;
  /** Harmless request fields that the target could not take. */
  readonly dropped: Set<string>;
  /** The head of the provider's answer, once there is one. */
  head: Headers | undefined;
  limits: LimitState | undefined;
  /** True when the latest attempt was given up while its provider was still at it, which may well charge for it. */
  givenUp: boolean;
  /** What writes its line in the books, once they are open. */
  meter: Meter | undefined;
};
