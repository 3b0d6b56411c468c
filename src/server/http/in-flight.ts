import type { ChatError } from "../../connectors/hub/error.ts";
import type { Abortable } from "../gateway/abort.ts";
import { createRoster, type Present } from "../roster.ts";

/** What can be cut off. */
type Cuttable = Abortable & Present;

/** The requests being answered now, so that a stopping server can wait for them and, in the end, cut them off. */
export type InFlight = {
  /** Notes a request, which is aborted if the server cannot wait for it. */
  enter(request: Cuttable): void;
  /** Takes it off again. */
  leave(request: Cuttable): void;
  readonly count: number;
  /** Resolves when nothing is in flight. */
  idle(): Promise<void>;
  /** Cuts everything off and answers how many that were. */
  cutAll(reason: ChatError): number;
};

export function createInFlight(): InFlight {
  const requests = createRoster<Cuttable>();
  let waiting: (() => void)[] = [];
  return {
    enter: (request) => requests.enter(request),
    leave(request) {
      if (!requests.leave(request) || requests.count > 0) return;
      for (const wake of waiting) wake();
      waiting = [];
    },
    get count() {
      return requests.count;
    },
    idle() {
      if (requests.count === 0) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
    cutAll(reason) {
      const all = [...requests.all];
      for (const request of all) request.abort(reason);
      return all.length;
    },
  };
}
