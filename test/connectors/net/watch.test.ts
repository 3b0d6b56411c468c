import { expect, test } from "bun:test";

import type { Timer } from "../../../src/connectors/hub/error.ts";
import { createWatch } from "../../../src/connectors/net/watch.ts";

type Expired = { readonly timer: Timer; readonly milliseconds: number; readonly after: number };

function watched(): {
  readonly watch: ReturnType<typeof createWatch>;
  readonly expired: Promise<Expired>;
} {
  const { promise, resolve } = Promise.withResolvers<Expired>();
  const start = performance.now();
  const watch = createWatch();
  watch.watched = {
    expired: (timer, milliseconds) =>
      resolve({ timer, milliseconds, after: performance.now() - start }),
  };
  return { watch, expired: promise };
}

test("a wait that lasts too long is told with its name and its length", async () => {
  const { watch, expired } = watched();
  watch.wait("headers", 20);
  const { timer, milliseconds, after } = await expired;
  expect([timer, milliseconds]).toEqual(["headers", 20]);
  expect(after).toBeGreaterThanOrEqual(19.9);
});

test("a shorter wait that follows a longer one is not held up by it", async () => {
  const { watch, expired } = watched();
  watch.wait("headers", 60_000);
  watch.wait("idle", 20);
  const { timer, after } = await expired;
  expect(timer).toBe("idle");
  expect(after).toBeLessThan(5_000);
});

test("each wait begins anew, so that activity keeps it from running out", async () => {
  const { watch, expired } = watched();
  const activity = setInterval(() => watch.wait("idle", 200), 20);
  setTimeout(() => clearInterval(activity), 500);
  watch.wait("idle", 200);
  expect((await expired).after).toBeGreaterThan(500);
});

test("nothing runs out while nobody waits, and a later wait counts from its own beginning", async () => {
  const { watch, expired } = watched();
  watch.wait("first-event", 20);
  watch.rest();
  setTimeout(() => watch.wait("idle", 20), 80);
  const { timer, after } = await expired;
  expect(timer).toBe("idle");
  expect(after).toBeGreaterThanOrEqual(99);
});

test("after stop nothing runs out", async () => {
  const { watch, expired } = watched();
  const other = watched();
  watch.wait("idle", 10);
  watch.stop();
  other.watch.wait("idle", 60);
  const first = await Promise.race([expired, other.expired.then(() => "the other")]);
  expect(first).toBe("the other");
});

test("0 and Infinity wait for ever, and more than a timer can hold does not run out at once", async () => {
  const other = watched();
  const endless = [0, Number.POSITIVE_INFINITY, 2 ** 40].map((milliseconds) => {
    const { watch, expired } = watched();
    watch.wait("idle", milliseconds);
    return { watch, expired };
  });
  other.watch.wait("idle", 50);
  const first = await Promise.race([
    ...endless.map(({ expired }) => expired.then(() => "endless")),
    other.expired.then(() => "the other"),
  ]);
  for (const { watch } of endless) watch.stop();
  expect(first).toBe("the other");
});
