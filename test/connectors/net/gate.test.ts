import { describe, expect, test } from "bun:test";
import { createGate } from "../../../src/connectors/net/gate.ts";

describe("gate", () => {
  test("lets requests start at once while there are places", () => {
    const gate = createGate(2, 1000, () => 0);
    expect(gate.enter()).not.toBeInstanceOf(Promise);
    expect(gate.enter()).not.toBeInstanceOf(Promise);
    expect(gate.enter()).toBeInstanceOf(Promise);
  });

  test("gives a place that was left to the one who has waited longest", async () => {
    const gate = createGate(1, 60_000, () => 0);
    const first = await gate.enter();
    const order: string[] = [];
    const second = Promise.resolve(gate.enter()).then((place) => {
      order.push("second");
      return place;
    });
    const third = Promise.resolve(gate.enter()).then(() => order.push("third"));
    gate.leave(first);
    gate.leave(await second);
    await third;
    expect(order).toEqual(["second", "third"]);
  });

  test("takes a place back that has been held long enough", () => {
    let now = 0;
    const gate = createGate(1, 10, () => now);
    void gate.enter();
    now = 10;
    expect(gate.enter()).not.toBeInstanceOf(Promise);
  });

  test("lets those who wait in by itself when nobody leaves", async () => {
    const gate = createGate(1, 1);
    const places = [await gate.enter(), await gate.enter(), await gate.enter()];
    expect(new Set(places).size).toBe(3);
  });

  test("a place left twice, or after it was taken back, frees nothing", async () => {
    let now = 0;
    const gate = createGate(1, 10, () => now);
    const first = await gate.enter();
    now = 10;
    await gate.enter();
    gate.leave(first);
    gate.leave(first);
    expect(gate.enter()).toBeInstanceOf(Promise);
  });
});
