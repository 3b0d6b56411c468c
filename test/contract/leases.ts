/** What every backend of shared counters does alike. Times are those of the backend's clock, which the rig moves. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Ask, Counter, Leases } from "../../src/server/store/leases.ts";

export type LeasesRig = {
  /** Another instance. */
  open(holder: string): Leases;
  /** Lets time pass for the backend. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
};

let names = 0;

function counter(fields: Partial<Counter>): Counter {
  names += 1;
  return {
    id: `test:${process.pid}:${names}`,
    kind: "level",
    capacity: 100,
    ratePerMs: 0,
    keepMs: 60_000,
    base: 0,
    ...fields,
  };
}

function ask(of: Counter, demand: number, fields: Partial<Ask> = {}): Ask {
  return { counter: of, least: demand, demand, want: demand, ...fields };
}

export function leasesContract(name: string, open: () => Promise<LeasesRig>): void {
  describe(name, () => {
    let rig: LeasesRig;
    let one: Leases;
    let two: Leases;
    beforeAll(async () => {
      rig = await open();
      one = rig.open(`one-${process.pid}`);
      two = rig.open(`two-${process.pid}`);
      await one.beat();
      await two.beat();
      // Making a server's files takes seconds on a busy machine.
    }, 60_000);
    afterAll(async () => {
      await one.leave();
      await two.leave();
      await one.close();
      await two.close();
      await rig.close();
    }, 60_000);

    test("what one instance has leased, another cannot", async () => {
      const shared = counter({ capacity: 10 });
      expect(await one.take([ask(shared, 7)])).toEqual([
        { granted: 7, remaining: 3, waitMs: Number.POSITIVE_INFINITY },
      ]);
      expect(await grant(two, ask(shared, 4))).toBe(0);
      expect(await grant(two, ask(shared, 3))).toBe(3);
      expect(await grant(one, ask(shared, 1))).toBe(0);
    });

    test("a part is granted if it is at least the least", async () => {
      const shared = counter({ capacity: 10 });
      expect(await grant(one, ask(shared, 30, { least: 5 }))).toBe(10);
      expect(await grant(one, ask(shared, 1))).toBe(0);
    });

    test("ahead of the demand no more than a sixteenth of the rest is granted", async () => {
      const shared = counter({ capacity: 1600 });
      expect(await grant(one, ask(shared, 1, { want: 1000 }))).toBe(100);
      expect(await grant(one, ask(shared, 1, { want: 20 }))).toBe(20);
      expect(await grant(one, ask(counter({ capacity: 10 }), 1, { want: 20 }))).toBe(1);
    });

    test("what is given back can be leased again, and a debt is taken from everybody", async () => {
      const shared = counter({ capacity: 10 });
      await one.take([ask(shared, 10)]);
      await one.give([{ counter: shared, amount: 4 }]);
      expect(await grant(two, ask(shared, 4))).toBe(4);
      await one.give([{ counter: shared, amount: 10 }]);
      await one.give([{ counter: shared, amount: -7 }]);
      expect(await grant(two, ask(shared, 4))).toBe(0);
      expect(await grant(two, ask(shared, 3))).toBe(3);
    });

    test("more than everything given back is no more than everything", async () => {
      const shared = counter({ capacity: 10 });
      await one.give([{ counter: shared, amount: 5 }]);
      expect(await grant(two, ask(shared, 11))).toBe(0);
      expect(await grant(two, ask(shared, 10))).toBe(10);
    });

    test("a counter that nobody knows begins with what the books say", async () => {
      const shared = counter({ capacity: 10, base: 8 });
      expect(await grant(one, ask(shared, 3))).toBe(0);
      expect(await grant(one, ask(shared, 2))).toBe(2);
      expect(await grant(two, ask({ ...shared, base: 0 }, 1))).toBe(0);
    });

    test("a level is raised to what was used, and never lowered", async () => {
      const shared = counter({ capacity: 10 });
      await one.raise([{ counter: shared, amount: 6 }]);
      await two.raise([{ counter: shared, amount: 4 }]);
      expect(await grant(two, ask(shared, 5))).toBe(0);
      expect(await grant(two, ask(shared, 4))).toBe(4);
    });

    test("a bucket refills steadily, never beyond its size, and says when", async () => {
      const shared = counter({ capacity: 10, ratePerMs: 0.01 });
      expect(await grant(one, ask(shared, 10))).toBe(10);
      const [told] = await two.take([ask(shared, 5)]);
      expect(told?.granted).toBe(0);
      expect(told?.waitMs).toBeWithin(350, 501);
      await rig.pass(520);
      expect(await grant(two, ask(shared, 5))).toBe(5);
      expect(await grant(two, ask(shared, 5))).toBe(0);
    });

    test("money of millions of dollars is counted to the nano-dollar", async () => {
      const budget = 4_000_000_000_000_003;
      const shared = counter({ capacity: budget });
      await one.take([ask(shared, 4_000_000_000_000_000)]);
      expect(await two.take([ask(shared, 2)])).toMatchObject([{ granted: 2, remaining: 1 }]);
      await one.give([{ counter: shared, amount: 4_000_000_000_000_000 }]);
      expect(await grant(two, ask(shared, 4_000_000_000_000_001))).toBe(4_000_000_000_000_001);
    });

    test("several counters are answered in their order", async () => {
      const many = [5, 3, 9, 1].map((capacity) => counter({ capacity }));
      const told = await one.take(many.toReversed().map((each) => ask(each, 1)));
      expect(told.map(({ remaining }) => remaining)).toEqual([0, 8, 2, 4]);
    });

    test("instances that ask at once together get no more than there is", async () => {
      const shared = counter({ capacity: 100 });
      const asked = Array.from({ length: 80 }, (_, index) =>
        grant(index % 2 === 0 ? one : two, ask(shared, 3, { least: 1, want: 7 })),
      );
      const granted = await Promise.all(asked);
      expect(granted.reduce<number>((sum, each) => sum + (each ?? 0), 0)).toBe(100);
    });

    test("places are held by instances, and those of one that leaves are free", async () => {
      const shared = counter({ kind: "places", capacity: 3 });
      const third = rig.open(`third-${process.pid}`);
      await third.beat();
      expect(await grant(third, ask(shared, 2))).toBe(2);
      expect(await grant(one, ask(shared, 2))).toBe(0);
      expect(await grant(one, ask(shared, 1))).toBe(1);
      await one.give([{ counter: shared, amount: 1 }]);
      await third.leave();
      expect(await grant(two, ask(shared, 3))).toBe(3);
      await two.give([{ counter: shared, amount: 3 }]);
      expect(await grant(one, ask(shared, 3))).toBe(3);
      await third.close();
    });

    test("an instance that was taken for dead hears so, and can hold its places again", async () => {
      const shared = counter({ kind: "places", capacity: 3 });
      const third = rig.open(`late-${process.pid}`);
      expect((await third.beat()).known).toBe(false);
      const heard = await third.beat();
      expect(heard.memory).toBe((await one.beat()).memory);
      expect(heard.known).toBe(true);
      expect(heard.instances).toBeGreaterThanOrEqual(3);
      await third.take([ask(shared, 2)]);
      await third.leave();
      expect(await third.beat()).toMatchObject({ known: false });
      await third.hold([{ counter: shared, amount: 2 }]);
      expect(await grant(one, ask(shared, 2))).toBe(0);
      await third.hold([{ counter: shared, amount: 0 }]);
      expect(await grant(one, ask(shared, 3))).toBe(3);
      await third.leave();
      await third.close();
    });
  });
}

async function grant(leases: Leases, asked: Ask): Promise<number | undefined> {
  return (await leases.take([asked]))[0]?.granted;
}
