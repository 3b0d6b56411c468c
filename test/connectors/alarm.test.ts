import { expect, test } from "bun:test";
import { join } from "node:path";

import { type Alarm, clearAlarm, setAlarm } from "../../src/connectors/alarm.ts";

/** Sets an alarm; resolves with the milliseconds after which it rang. */
function rung(milliseconds: number): { readonly alarm: Alarm; readonly after: Promise<number> } {
  const { promise, resolve } = Promise.withResolvers<number>();
  const start = performance.now();
  const alarm = setAlarm({ ring: () => resolve(performance.now() - start) }, milliseconds);
  return { alarm, after: promise };
}

test("an alarm rings when its time has come, and not before", async () => {
  for (const milliseconds of [0, 1, 7, 20.4]) {
    expect(await rung(milliseconds).after).toBeGreaterThanOrEqual(milliseconds);
  }
});

test("alarms of one length ring in the order in which they were set", async () => {
  const order: number[] = [];
  for (let number = 0; number < 5; number += 1) {
    setAlarm({ ring: () => order.push(number) }, 15);
  }
  await rung(15).after;
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

test("a short one does not wait for a long one", async () => {
  const long = rung(60_000);
  expect(await rung(5).after).toBeLessThan(5_000);
  clearAlarm(long.alarm);
});

test("one that was cleared never rings, wherever it stood among the others", async () => {
  for (const cleared of [0, 1, 2]) {
    const order: number[] = [];
    const alarms = [0, 1, 2].map((number) => setAlarm({ ring: () => order.push(number) }, 10));
    clearAlarm(alarms[cleared]);
    clearAlarm(alarms[cleared]);
    await rung(10).after;
    expect(order).toEqual([0, 1, 2].filter((number) => number !== cleared));
  }
});

test("one may clear another, and set a new one, while it rings", async () => {
  const order: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  let doomed: Alarm | undefined;
  setAlarm(
    {
      ring() {
        order.push("first");
        clearAlarm(doomed);
        setAlarm(
          {
            ring() {
              order.push("third");
              resolve();
            },
          },
          8,
        );
      },
    },
    8,
  );
  doomed = setAlarm({ ring: () => order.push("doomed") }, 8);
  setAlarm({ ring: () => order.push("second") }, 8);
  await promise;
  expect(order).toEqual(["first", "second", "third"]);
});

test("what is set while the timer of cleared ones still runs rings in its own time", async () => {
  const first = rung(30);
  await rung(12).after;
  clearAlarm(first.alarm);
  expect(await rung(30).after).toBeGreaterThanOrEqual(30);
});

test("no alarm keeps the process alive, rung or not", async () => {
  const module = join(import.meta.dir, "../../src/connectors/alarm.ts");
  const child = Bun.spawn(
    [
      process.execPath,
      "-e",
      `import { setAlarm } from ${JSON.stringify(module)}; setAlarm({ ring: () => console.log("rang") }, 60_000);`,
    ],
    { stdout: "pipe", stderr: "inherit" },
  );
  expect(await child.exited).toBe(0);
  expect(await new Response(child.stdout).text()).toBe("");
});

test("waits longer than a timer can be are no shorter for it", () => {
  const alarm = setAlarm({ ring: () => undefined }, Number.POSITIVE_INFINITY);
  expect(alarm.due).toBeGreaterThan(2 ** 31 - 2);
  clearAlarm(alarm);
});
