/** Something that can stand on a roster, one at a time. */
export type Present = {
  /** Where it stands; the roster's own business. */
  place?: number | undefined;
};

/**
 * Who is present, in no order: those that come and go with every request. An array whose last one takes the place of one that
 * leaves, and no Set: as a Set grows and shrinks it leaves tables behind, and one that has become old keeps all that stood in it
 * from being collected until the next full collection, whole requests with their texts (a third of the time of collecting).
 */
export type Roster<Item extends Present> = {
  readonly all: readonly Item[];
  readonly count: number;
  /** One that is there already stays. */
  enter(item: Item): void;
  /** False if it was not there. */
  leave(item: Item): boolean;
};

export function createRoster<Item extends Present>(): Roster<Item> {
  const all: Item[] = [];
  return {
    all,
    get count() {
      return all.length;
    },
    enter(item) {
      item.place ??= all.push(item) - 1;
    },
    leave(item) {
      const { place } = item;
      if (place === undefined) return false;
      item.place = undefined;
      const last = all.pop();
      if (last !== undefined && last !== item) {
        all[place] = last;
        last.place = place;
      }
      return true;
    },
  };
}
