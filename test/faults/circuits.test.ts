/** A primary that is down and comes back: it is spared while it is down, and has its traffic again soon after. */
import { afterAll, beforeAll, expect, test } from "bun:test";

import { parseMetrics, sumOf } from "../support/prometheus.ts";
import { post } from "../support/raw-client.ts";
import { usageRowOf } from "../support/usage-rows.ts";
import { openaiDoor } from "./_doors.ts";
import { answers, says, TEXT } from "./_provider.ts";
import { billed, type FaultRig, QUICK, type Sent, startFaultRig } from "./_rig.ts";

/** A fortieth of the 60 seconds of a real outage; the circuit's own time is shortened alike, from 15 seconds. */
const DOWN_MS = 1500;
const COOLDOWN_MS = 375;
const REQUESTS = 20;

let rig: FaultRig;

beforeAll(async () => {
  rig = await startFaultRig(
    {
      pair: { routes: ["retry = { max_retries = 0 }", ""] },
      single: { routes: ["retry = { max_retries = 0 }"] },
    },
    `${QUICK}\n[breaker]\nfailures = 3\ncooldown_ms = ${COOLDOWN_MS}`,
  );
});

afterAll(async () => {
  await rig.stop();
});

test("a primary that is down for a while is spared, and has its traffic back within half its outage", async () => {
  const startedAt = performance.now();
  const isDown = (): boolean => performance.now() - startedAt < DOWN_MS;
  const down = says(503);
  const good = answers();
  rig.one.acts("pair", (line, call) => (isDown() ? down : good)(line, call));
  rig.two.acts("pair", answers());
  const sent: { readonly at: number; readonly got: Sent }[] = [];
  for (let count = 0; count < REQUESTS; count += 1) {
    const at = performance.now() - startedAt;
    sent.push({ at, got: await rig.send("pair", { stream: count % 2 === 0 }) });
    await Bun.sleep(Math.max(0, startedAt + (count + 1) * 130 - performance.now()));
  }
  const seen = await Promise.all(
    sent.map(async ({ at, got }) => {
      const row = await usageRowOf(rig.gateway.database, got.requestId);
      return { at, got: { ...got, row } };
    }),
  );
  for (const { got } of seen) {
    expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1, errors: [] });
    expect(got.ms).toBeLessThan(1000);
    const served = got.row["provider"] === "one" ? got.one : got.two;
    expect(got.row).toMatchObject({ status: "ok", ...billed(...served.slice(-1)) });
  }
  // Three failures open the circuit; after that it is asked once for each time that it cools down.
  const asked = seen.filter(({ at, got }) => at < DOWN_MS && got.one.length > 0).length;
  expect(asked).toBeGreaterThanOrEqual(3);
  expect(asked).toBeLessThanOrEqual(3 + Math.ceil(DOWN_MS / COOLDOWN_MS));
  const late = seen.filter(({ at }) => at > DOWN_MS + 2 * COOLDOWN_MS);
  expect(late.length).toBeGreaterThan(0);
  for (const { got } of late) expect(got.row).toMatchObject({ provider: "one", attempts: 1 });
}, 20_000);

test("an open circuit is told by the probe, by the metrics and to the client, who waits for its end", async () => {
  rig.one.acts("single", says(500));
  const ask = () => post(rig.gateway.url, rig.key, openaiDoor.body("single", false));
  for (let count = 0; count < 3; count += 1) expect((await ask()).status).toBe(500);
  const got = await ask();
  const ready = await fetch(`${rig.gateway.url}/readyz`);
  const page = await fetch(`${rig.gateway.url}/metrics`);
  expect(rig.one.log("single")).toHaveLength(3);
  expect(got.status).toBe(503);
  expect(got.text).toContain("circuit_open");
  expect(got.headers.get("retry-after")).toBe("1");
  expect(await ready.json()).toMatchObject({
    status: "degraded",
    circuits: { "one/single": "open" },
  });
  const samples = parseMetrics(await page.text());
  expect(sumOf(samples, "xjp_circuit_state", { provider: "one", model: "single" })).toBe(2);
  const id = got.headers.get("x-request-id") ?? "";
  const row = await usageRowOf(rig.gateway.database, id);
  expect(row).toMatchObject({ status: "failed", attempts: 0, cost_nano_usd: 0 });

  rig.one.acts("single", answers());
  const wait = Number(got.headers.get("retry-after-ms"));
  await Bun.sleep(wait);
  expect(await rig.ask("single")).toMatchObject({ status: 200, text: TEXT });
});
