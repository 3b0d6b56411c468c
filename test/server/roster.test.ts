import { expect, test } from "bun:test";
import * as fc from "fast-check";

import { createRoster, type Present } from "../../src/server/roster.ts";

type Guest = Present & { readonly name: number };

test("who has entered and not left is present, once, whatever came and went in between", () => {
  const steps = fc.array(fc.record({ name: fc.integer({ min: 0, max: 7 }), enters: fc.boolean() }));
  fc.assert(
    fc.property(steps, (all) => {
      const guests = Array.from({ length: 8 }, (_, name): Guest => ({ name }));
      const roster = createRoster<Guest>();
      const expected = new Set<number>();
      for (const { name, enters } of all) {
        const guest = guests[name];
        if (!guest) continue;
        if (enters) {
          roster.enter(guest);
          expected.add(name);
        } else expect(roster.leave(guest)).toBe(expected.delete(name));
        expect(roster.count).toBe(expected.size);
        expect(new Set(roster.all.map((one) => one.name))).toEqual(expected);
      }
    }),
    { seed: 11 },
  );
});
