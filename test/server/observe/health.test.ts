import { expect, test } from "bun:test";
import { createHealth } from "../../../src/server/observe/health.ts";

test("tells what is amiss by name, and nothing of what is well", async () => {
  const health = createHealth();
  let fault: string | undefined;
  health.watch("one", () => fault);
  health.watch("two", async () => "two is slow");
  health.watch("three", () => {
    throw new Error("three cannot be asked");
  });
  expect(await health.faults()).toEqual({ two: "two is slow", three: "three cannot be asked" });
  fault = "one is down";
  expect(Object.keys(await health.faults())).toEqual(["one", "two", "three"]);
});

test("whoever watches may stop, but not for another one of the same name", async () => {
  const health = createHealth();
  const stop = health.watch("one", () => "first");
  const stopSecond = health.watch("one", () => "second");
  stop();
  expect(await health.faults()).toEqual({ one: "second" });
  stopSecond();
  expect(await health.faults()).toEqual({});
});

test("one that does not answer holds nobody up, and is not asked again meanwhile", async () => {
  const health = createHealth(1);
  const held = Promise.withResolvers<undefined>();
  let asked = 0;
  health.watch("stuck", () => {
    asked += 1;
    return held.promise;
  });
  health.watch("other", () => "fault");
  for (let round = 0; round < 3; round++) {
    expect(await health.faults()).toEqual({ stuck: "does not answer within 1 ms", other: "fault" });
  }
  expect(asked).toBe(1);
  held.resolve(undefined);
  await held.promise;
  expect(await health.faults()).toEqual({ other: "fault" });
});
