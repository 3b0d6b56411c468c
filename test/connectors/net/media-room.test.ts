/** The room that files of all requests share: who waits, who goes first, and what is let go. */
import { describe, expect, test } from "bun:test";

import { createMediaRoom, type Resting } from "../../../src/connectors/net/media-room.ts";
import { rejection } from "../../support/rejection.ts";

const MOST = 100;
const patient = new AbortController().signal;

/** Whether a promise is still open when all that is ready has run. */
async function isWaiting(promise: Promise<void> | undefined): Promise<boolean> {
  const open = Symbol();
  await Promise.resolve();
  return (await Promise.race([promise, Promise.resolve(open)])) === open;
}

function owner(): Resting & { forgotten: number } {
  const own = {
    forgotten: 0,
    forget() {
      own.forgotten += 1;
    },
  };
  return own;
}

describe("room for media", () => {
  test("is there at once while it is not full", () => {
    const room = createMediaRoom();
    const [first, second] = [room.enter(), room.enter()];
    expect(first.take(60, MOST, patient)).toBeUndefined();
    expect(second.take(40, MOST, patient)).toBeUndefined();
    expect(room.held).toBe(100);
  });

  test("is waited for when it is full, by all but the one that came first", async () => {
    const room = createMediaRoom();
    const [first, second, third] = [room.enter(), room.enter(), room.enter()];
    expect(first.take(60, MOST, patient)).toBeUndefined();
    expect(second.take(40, MOST, patient)).toBeUndefined();
    const seconds = second.take(30, MOST, patient);
    const thirds = third.take(20, MOST, patient);
    expect(first.take(50, MOST, patient)).toBeUndefined();
    expect([await isWaiting(seconds), await isWaiting(thirds)]).toEqual([true, true]);
    expect(room.held).toBe(150);
    // With it gone, the next one is the first.
    first.give(110);
    first.rest(owner());
    await Promise.all([seconds, thirds]);
    expect(room.held).toBe(90);
    const more = third.take(20, MOST, patient);
    expect(await isWaiting(more)).toBe(true);
    expect(second.take(80, MOST, patient)).toBeUndefined();
    second.rest(owner());
    await more;
  });

  test("is given up by files that rest, the longest resting first and no more than need be", () => {
    const room = createMediaRoom();
    const owners = [owner(), owner(), owner()];
    const shares = owners.map(() => room.enter());
    for (const [at, share] of shares.entries()) {
      expect(share.take(30, MOST, patient)).toBeUndefined();
      share.rest(owners[at] ?? owner());
    }
    const [first, next] = [room.enter(), room.enter()];
    void first.take(1, MOST, patient);
    expect(next.take(35, MOST, patient)).toBeUndefined();
    expect(owners.map(({ forgotten }) => forgotten)).toEqual([1, 0, 0]);
    expect(room.held).toBe(96);
    // What is in use again stays.
    shares[1]?.resume();
    expect(next.take(33, MOST, patient)).toBeUndefined();
    expect(owners.map(({ forgotten }) => forgotten)).toEqual([1, 0, 1]);
    expect(room.held).toBe(99);
  });

  test("is not cleared for what would not fit all the same", async () => {
    const room = createMediaRoom();
    const [first, second, third] = [room.enter(), room.enter(), room.enter()];
    const own = owner();
    void first.take(80, MOST, patient);
    void second.take(20, MOST, patient);
    second.rest(own);
    const large = third.take(30, MOST, patient);
    expect(await isWaiting(large)).toBe(true);
    expect([own.forgotten, room.held]).toEqual([0, 100]);
    first.give(20);
    await large;
    expect([own.forgotten, room.held]).toEqual([1, 90]);
  });

  test("is not taken by those who waited in vain", async () => {
    const room = createMediaRoom();
    const [first, second] = [room.enter(), room.enter()];
    void first.take(100, MOST, patient);
    const leaving = new AbortController();
    const waiting = rejection(Promise.resolve(second.take(1, MOST, leaving.signal)));
    leaving.abort(new Error("gone"));
    expect(String(await waiting)).toBe("Error: gone");
    expect(String(await rejection(Promise.resolve(second.take(1, MOST, leaving.signal))))).toBe(
      "Error: gone",
    );
    first.give(100);
    expect(room.held).toBe(0);
    expect(second.take(100, MOST, patient)).toBeUndefined();
  });

  test("gives nothing twice", () => {
    const room = createMediaRoom();
    const [first, second] = [room.enter(), room.enter()];
    void second.take(50, MOST, patient);
    second.rest(owner());
    room.enter();
    first.rest(owner());
    expect(room.enter().take(90, MOST, patient)).toBeUndefined();
    second.give(50);
    expect(room.held).toBe(90);
  });

  test("is not held by the files of requests that are over", () => {
    const room = createMediaRoom();
    (() => {
      for (let request = 0; request < 50; request++) {
        const share = room.enter();
        void share.take(1, MOST, patient);
        share.rest(owner());
      }
    })();
    const last = room.enter();
    return waitForNothing(() => {
      Bun.gc(true);
      last.rest(owner());
      // Some may be found later than others.
      return room.held < 10;
    });
  });
});

/** Garbage is what no turn of the event loop has looked at. */
async function waitForNothing(isThere: () => boolean): Promise<void> {
  for (let turn = 0; turn < 50; turn++) {
    await new Promise(setImmediate);
    if (isThere()) return;
  }
  throw new Error("it is still held");
}
