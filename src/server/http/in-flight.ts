import type { ChatError } from "../../connectors/hub/error.ts";

/** The requests being answered now, so that a stopping server can wait for them and, in the end, cut them off. */
export type InFlight = {
  /** Notes a request; the answer takes it off again. `cut` is called if the server cannot wait for it. */
  enter(cut: (reason: ChatError) => void): () => void;
  readonly count: number;
  /** Resolves when nothing is in flight. */
  idle(): Promise<void>;
  /** Cuts everything off and answers how many that were. */
  cutAll(reason: ChatError): number;
};

export function createInFlight(): InFlight {
  const cuts = new Set<(reason: ChatError) => void>();
  let waiting: (() => void)[] = [];
  return {
    enter(cut) {
      cuts.add(cut);
      return () => {
        if (!cuts.delete(cut) || cuts.size > 0) return;
        for (const wake of waiting) wake();
        waiting = [];
      };
    },
    get count() {
      return cuts.size;
    },
    idle() {
      if (cuts.size === 0) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
    cutAll(reason) {
      const all = [...cuts];
      for (const cut of all) cut(reason);
      return all.length;
    },
  };
}
