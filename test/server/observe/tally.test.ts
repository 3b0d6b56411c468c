import { expect, test } from "bun:test";
import { Registry } from "prom-client";
import { createTally } from "../../../src/server/observe/tally.ts";

test("a tally shows the sum of what was added to each series, at every scrape", async () => {
  const registry = new Registry();
  const tally = createTally(registry, {
    name: "things_total",
    help: "Things.",
    labelNames: ["tenant", "kind"],
  });
  tally.add(2, "a", "x");
  tally.add(1, "a", "x");
  tally.add(5, "a", 'y"\n');
  expect(await registry.metrics()).toContain('things_total{tenant="a",kind="x"} 3');
  tally.add(4, "a", "x");
  const text = await registry.metrics();
  expect(text).toContain('things_total{tenant="a",kind="x"} 7');
  expect(text).toContain(String.raw`things_total{tenant="a",kind="y\"\n"} 5`);
  expect(await registry.metrics()).toBe(text);
});

test("a tally without labels shows 0 before anything is added", async () => {
  const registry = new Registry();
  const tally = createTally(registry, { name: "bytes_total", help: "Bytes." });
  expect(await registry.metrics()).toContain("bytes_total 0");
  tally.add(10);
  expect(await registry.metrics()).toContain("bytes_total 10");
});
