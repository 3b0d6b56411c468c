import type { ChatError } from "../../connectors/hub/error.ts";
import type { Abortable } from "../gateway/abort.ts";

/** The requests being answered now, so that a stopping server can wait for them and, in the end, cut them off. */
export type InFlight = {
  /** Notes a request, which is aborted if the server cannot wait for it. */
  enter(request: Abortable): void;
  /** Takes it off again. */
  leave(request: Abortable): void;
  readonly count: number;
  /** Resolves when nothing is in flight. */
  idle(): Promise<void>;
  /** Cuts everything off and answers how many that were. */
  cutAll(reason: ChatError): number;
};

export function createInFlight(): InFlight {
  const requests = new Set<Abortable>();
  let waiting: (() => void)[] = [];
  return {
    enter(request) {
      requests.add(request);
    },
    leave(request) {
      if (!requests.delete(request) || requests.size > 0) return;
      for (const wake of waiting) wake();
      waiting = [];
    },
    get count() {
      return requests.size;
    },
    idle() {
      if (requests.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
    cutAll(reason) {
      const all = [...requests];
      for (const request of all) request.abort(reason);
      return all.length;
    },
  };
}
