/**
 * Room in memory that tenants share. A tenant that is alone has all of it. When it is full, whoever puts something in loses its own
 * oldest, or, if it has less than half of what the largest has, a tenant that is as large as that does: however much one keeps, it
 * pushes out nobody smaller. Every step takes the same time, however many tenants and things there are.
 */
export type Shelves<Value> = {
  /** What was put there last, if it is not too old. */
  get(tenantId: string, id: string): Value | undefined;
  /** Takes the place of what was there. A thing larger than all the room is not kept. */
  put(tenantId: string, id: string, value: Value, size: number): void;
  readonly isEmpty: boolean;
};

export type ShelvesOptions = {
  readonly maxSize: number;
  readonly maxAgeMs: number;
  /** Unix milliseconds. */
  readonly clock: () => number;
};

/** In a chain by age: to find the first of a map's keys, those that were deleted before it are passed one by one. */
type Entry<Value> = {
  readonly id: string;
  readonly value: Value;
  readonly size: number;
  readonly at: number;
  older: Entry<Value> | undefined;
  newer: Entry<Value> | undefined;
};

type Shelf<Value> = {
  readonly tenantId: string;
  readonly entries: Map<string, Entry<Value>>;
  oldest: Entry<Value> | undefined;
  newest: Entry<Value> | undefined;
  size: number;
};

/** What is too old is looked for this often in the time that it may be kept. */
const SWEEPS = 8;

/** Empty room of `maxSize`. */
export function createShelves<Value>(options: ShelvesOptions): Shelves<Value> {
  const { maxSize, maxAgeMs, clock } = options;
  const shelves = new Map<string, Shelf<Value>>();
  /** The same by the binary digits of their sizes: one of the largest is found without looking for it, to a factor of two. */
  const ranks = Array.from({ length: 54 }, () => new Set<Shelf<Value>>());
  let size = 0;
  let sweepAt = clock();

  const resize = (shelf: Shelf<Value>, change: number): void => {
    const before = rankOf(shelf.size);
    shelf.size += change;
    size += change;
    const after = rankOf(shelf.size);
    if (before === after) return;
    ranks[before]?.delete(shelf);
    ranks[after]?.add(shelf);
  };
  const add = (shelf: Shelf<Value>, entry: Entry<Value>): void => {
    shelves.set(shelf.tenantId, shelf);
    shelf.entries.set(entry.id, entry);
    if (entry.older) entry.older.newer = entry;
    else shelf.oldest = entry;
    shelf.newest = entry;
    resize(shelf, entry.size);
  };
  const remove = (shelf: Shelf<Value>, { id, older, newer, size: freed }: Entry<Value>): void => {
    shelf.entries.delete(id);
    if (older) older.newer = newer;
    else shelf.oldest = newer;
    if (newer) newer.older = older;
    else shelf.newest = older;
    resize(shelf, -freed);
    if (shelf.oldest) return;
    shelves.delete(shelf.tenantId);
    ranks[rankOf(0)]?.delete(shelf);
  };

  const sweep = (now: number): void => {
    sweepAt = now + maxAgeMs / SWEEPS;
    for (const shelf of shelves.values()) {
      while (shelf.oldest && shelf.oldest.at < now - maxAgeMs) remove(shelf, shelf.oldest);
    }
  };
  /** Whose oldest goes for what has come to this one. */
  const loser = (own: Shelf<Value>): Shelf<Value> => {
    const largest = ranks.findLast((rank) => rank.size > 0);
    const [first = own] = largest ?? [];
    return largest?.has(own) ? own : first;
  };
  const makeRoom = (own: Shelf<Value>): void => {
    for (let excess = size - maxSize; excess > 0; excess = size - maxSize) {
      const shelf = loser(own);
      if (shelf.oldest) remove(shelf, shelf.oldest);
    }
  };

  return {
    get(tenantId, id) {
      const entry = shelves.get(tenantId)?.entries.get(id);
      return entry && entry.at >= clock() - maxAgeMs ? entry.value : undefined;
    },
    put(tenantId, id, value, entrySize) {
      const at = clock();
      if (at >= sweepAt) sweep(at);
      const shelf = shelves.get(tenantId) ?? emptyShelf<Value>(tenantId);
      const known = shelf.entries.get(id);
      if (known) remove(shelf, known);
      if (entrySize > maxSize) return;
      add(shelf, { id, value, size: entrySize, at, older: shelf.newest, newer: undefined });
      makeRoom(shelf);
    },
    get isEmpty() {
      return shelves.size === 0;
    },
  };
}

function emptyShelf<Value>(tenantId: string): Shelf<Value> {
  return { tenantId, entries: new Map(), oldest: undefined, newest: undefined, size: 0 };
}

/** How many binary digits a size has; sizes of the same rank differ by less than a factor of two. */
function rankOf(size: number): number {
  return size < 1 ? 0 : Math.floor(Math.log2(size)) + 1;
}
