import { expect, test } from "bun:test";
import { StoreError } from "../../../src/server/store/store.ts";
import { startUpkeep } from "../../../src/server/store/upkeep.ts";
import { DAY, HOUR, NOON } from "../../contract/records.ts";

function scene(retentionDays: number) {
  const seen = { asked: [] as string[], pruned: [] as number[], errors: [] as string[] };
  const state = { now: NOON, rows: 3, isDown: false };
  const note = (asked: string, at: number): void => {
    if (state.isDown) throw new StoreError("away");
    seen.asked.push(`${asked} ${new Date(at).toISOString()}`);
  };
  const upkeep = startUpkeep({
    store: {
      prepareUsage: async (at) => note("prepare", at),
      async pruneUsage(before) {
        note("prune", before);
        return state.rows;
      },
    },
    retentionDays,
    clock: () => state.now,
    onPruned: (rows) => seen.pruned.push(rows),
    onError: (error) => seen.errors.push(String(error)),
  });
  return { upkeep, seen, state };
}

test("whole days are kept, counted from the one before today", async () => {
  const { upkeep, seen, state } = scene(30);
  await upkeep.run();
  seen.asked.length = 0;
  state.now = Date.UTC(2026, 4, 15, 23, 59);
  await upkeep.run();
  await upkeep.close();
  expect(seen.asked).toEqual([
    "prepare 2026-05-15T23:59:00.000Z",
    "prepare 2026-05-22T23:59:00.000Z",
    "prune 2026-04-15T00:00:00.000Z",
  ]);
  expect(seen.pruned).toEqual([3, 3, 3]);
});

test("without a limit nothing is removed", async () => {
  const { upkeep, seen } = scene(0);
  await upkeep.close();
  expect(seen.asked).toEqual([
    "prepare 2026-05-15T12:00:00.000Z",
    "prepare 2026-05-22T12:00:00.000Z",
  ]);
});

test("a store that is away is told of once, and the work is done when it is back", async () => {
  const { upkeep, seen, state } = scene(1);
  await upkeep.run();
  state.isDown = true;
  await upkeep.run();
  await upkeep.run();
  expect(seen.errors).toEqual(["StoreError: away"]);
  state.isDown = false;
  state.now = NOON + DAY + HOUR;
  state.rows = 0;
  await upkeep.run();
  await upkeep.close();
  expect(seen.asked.at(-1)).toBe("prune 2026-05-15T00:00:00.000Z");
  expect(seen.pruned).toEqual([3, 3]);
});
