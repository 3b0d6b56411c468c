/** A place at the gate; given back when the answer has ended, or taken back when it has been held long enough. */
export type Place = { readonly since: number };

/**
 * Spreads the starts of requests, so that connections are kept rather than made anew. Bun 1.4.5 keeps no more than 64 idle
 * connections in a process, whatever a session asks for: when hundreds of quick answers end together, most of their
 * connections are closed, and the next hundreds are opened (7,400 for 10,000 requests of 400 clients). Only those requests wait
 * that would start while `places` others are younger than `holdMs`; slow providers are never held up by more than that.
 */
export type Gate = {
  /** A place now, or as soon as there is one. */
  enter(): Place | Promise<Place>;
  leave(place: Place): void;
};

/** `now` is in milliseconds from any fixed point. */
export function createGate(
  places: number,
  holdMs: number,
  now: () => number = () => performance.now(),
): Gate {
  // Sets keep the order in which things were added, so the first is always the oldest.
  const held = new Set<Place>();
  const waiting: ((place: Place) => void)[] = [];
  let head = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const hold = (): Place => {
    const place = { since: now() };
    held.add(place);
    return place;
  };
  /** Takes back places that were held long enough; answers how long until the next one is, 0 if there is room. */
  const untilRoom = (): number => {
    for (const place of held) {
      if (held.size < places) return 0;
      const left = place.since + holdMs - now();
      if (left > 0) return left;
      held.delete(place);
    }
    return 0;
  };
  const admit = (): void => {
    timer = undefined;
    for (let next = waiting[head]; next; next = waiting[head]) {
      const left = untilRoom();
      if (left > 0) {
        timer = setTimeout(admit, left);
        return;
      }
      head += 1;
      next(hold());
    }
    waiting.length = 0;
    head = 0;
  };

  return {
    enter() {
      if (waiting.length === 0 && (held.size < places || untilRoom() === 0)) return hold();
      return new Promise((resolve) => {
        waiting.push(resolve);
        timer ??= setTimeout(admit, untilRoom());
      });
    },
    leave(place) {
      if (!held.delete(place) || waiting.length === 0) return;
      clearTimeout(timer);
      admit();
    },
  };
}
