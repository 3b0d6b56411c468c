import type { UsageRow } from "./store.ts";

/** A request under way: what knows the row that it would leave now. */
export type Drafting = {
  draft(): UsageRow;
  /** Where it stands among those under way; the list's own business. */
  place?: number | undefined;
};

/**
 * The requests under way, in no order. An array whose last one takes the place of one that leaves, and no Set: as a Set grows and
 * shrinks it leaves tables behind, and those that have become old keep all that stood in them from being collected until the
 * next full collection, whole requests with their texts (a third of the time that collecting took).
 */
export type UnderWay = {
  readonly all: readonly Drafting[];
  readonly count: number;
  /** One that is there already stays. */
  enter(request: Drafting): void;
  /** One that is not there is no mistake. */
  leave(request: Drafting): void;
};

export function createUnderWay(): UnderWay {
  const all: Drafting[] = [];
  return {
    all,
    get count() {
      return all.length;
    },
    enter(request) {
      request.place ??= all.push(request) - 1;
    },
    leave(request) {
      const { place } = request;
      if (place === undefined) return;
      request.place = undefined;
      const last = all.pop();
      if (last === undefined || last === request) return;
      all[place] = last;
      last.place = place;
    },
  };
}
