import { expect, test } from "bun:test";
import { Histogram, Registry } from "prom-client";
import { createSpreadTally, createTally } from "../../../src/server/observe/tally.ts";

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

test("a tallied histogram shows what the library's own would", async () => {
  const description = { name: "waits_seconds", help: "Waits.", labelNames: ["tenant"] };
  const buckets = [0.1, 1, 2.5];
  const ours = new Registry();
  const theirs = new Registry();
  const tally = createSpreadTally(ours, { ...description, buckets });
  const histogram = new Histogram({ ...description, buckets, registers: [theirs] });
  for (const [tenant, value] of [
    ["a", 0.05],
    ["a", 0.1],
    ['b"\n', 1.5],
    ["a", 99],
    ["a", 0],
  ] as const) {
    tally.series(tenant).observe(value);
    histogram.observe({ tenant }, value);
    expect(await ours.metrics()).toBe(await theirs.metrics());
  }
});

test("a tallied histogram without labels shows zeros before anything is observed", async () => {
  const ours = new Registry();
  const theirs = new Registry();
  const description = { name: "waits_seconds", help: "Waits.", buckets: [1] };
  createSpreadTally(ours, description);
  theirs.registerMetric(new Histogram({ ...description, registers: [] }));
  expect(await ours.metrics()).toBe(await theirs.metrics());
});
