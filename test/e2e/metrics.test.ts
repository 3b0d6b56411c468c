/** What a monitor sees: the earlier gateway's metrics by name and label, on every path. */
import { afterAll, beforeAll, expect, test } from "bun:test";

import { parseMetrics, sumOf, type Sample } from "../support/prometheus.ts";
import { open, post } from "../support/raw-client.ts";
import { createGate, jsonReply, streamReply } from "../support/reply.ts";
import { chatBody, startRig, type Rig } from "../support/rig.ts";
import { chunk, event, lastChunk, reply, usageChunk } from "../support/samples.ts";
import { waitFor } from "../support/wait-for.ts";

let rig: Rig;

beforeAll(async () => {
  rig = await startRig();
});

afterAll(async () => {
  await rig.stop();
});

test("the page needs no key and is Prometheus text", async () => {
  const answer = await fetch(`${rig.gateway.url}/metrics`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toContain("text/plain");
  expect(parseMetrics(await answer.text()).length).toBeGreaterThan(0);
});

test("answered, failed and streamed requests are counted with their tokens", async () => {
  const { key } = await rig.gateway.makeKey("counted");
  const labels = { tenant_id: "counted", logical_model: "chat", provider: "first" };

  rig.first.answer(() => jsonReply(reply("x", { input: 10, output: 3 })));
  await post(rig.gateway.url, key, chatBody());
  rig.first.answer(() => jsonReply("{}", 500));
  await post(rig.gateway.url, key, chatBody());
  rig.first.answer(() =>
    streamReply([
      event(chunk("a")) + event(chunk("b")),
      event(lastChunk()) + event(usageChunk({ input: 20, output: 4 })) + event("[DONE]"),
    ]),
  );
  await post(rig.gateway.url, key, chatBody("chat", true));

  await waitFor("the counters", async () => {
    return sumOf(await scrape(), "xjp_requests_total", labels) === 3;
  });
  const samples = await scrape();
  expect(sumOf(samples, "xjp_requests_total", { ...labels, status: "200" })).toBe(2);
  expect(sumOf(samples, "xjp_requests_total", { ...labels, status: "500" })).toBe(1);
  expect(sumOf(samples, "xjp_request_duration_seconds_count", labels)).toBe(3);
  expect(sumOf(samples, "xjp_request_duration_seconds_bucket", { ...labels, le: "+Inf" })).toBe(3);
  expect(sumOf(samples, "xjp_tokens_total", { ...labels, type: "input" })).toBe(30);
  expect(sumOf(samples, "xjp_tokens_total", { ...labels, type: "output" })).toBe(7);
  expect(sumOf(samples, "xjp_time_to_first_token_seconds_count")).toBeGreaterThan(0);
  expect(sumOf(samples, "xjp_streaming_bytes_total")).toBeGreaterThan(0);
  expect(sumOf(samples, "xjp_upstream_attempts_total", { provider: "first", outcome: "ok" })).toBe(
    2,
  );
});

test("a running request is an active connection", async () => {
  const gate = createGate();
  rig.first.answer(() =>
    streamReply(
      (async function* () {
        yield event(chunk("a"));
        await gate.opened;
        yield event(lastChunk()) + event("[DONE]");
      })(),
    ),
  );
  const stream = await open(rig.gateway.url, rig.key, chatBody("chat", true));
  await stream.until("data:");
  expect(sumOf(await scrape(), "xjp_active_connections")).toBe(1);
  gate.open();
  await stream.finish();
  await waitFor("the connection to be gone", async () => {
    return sumOf(await scrape(), "xjp_active_connections") === 0;
  });
});

test("refusals are counted by their reason", async () => {
  await post(rig.gateway.url, undefined, chatBody());
  await post(rig.gateway.url, `XJP_${"C".repeat(43)}`, chatBody());
  const { key } = await rig.gateway.makeKey("limited", ["--rpm", "1"]);
  rig.first.answer(() => jsonReply(reply("x", { input: 1, output: 1 })));
  await post(rig.gateway.url, key, chatBody());
  expect((await post(rig.gateway.url, key, chatBody())).status).toBe(429);

  const samples = await scrape();
  const reasons = samples.filter((sample) => sample.name === "xjp_auth_errors_total");
  expect(reasons.every((sample) => (sample.labels["reason"] ?? "") !== "")).toBe(true);
  expect(sumOf(reasons, "xjp_auth_errors_total")).toBe(2);
  expect(sumOf(samples, "xjp_rate_limit_hits_total", { tenant_id: "limited", limit: "rpm" })).toBe(
    1,
  );
  expect(sumOf(samples, "xjp_requests_total", { tenant_id: "limited", status: "429" })).toBe(1);
});

async function scrape(): Promise<readonly Sample[]> {
  const answer = await fetch(`${rig.gateway.url}/metrics`);
  return parseMetrics(await answer.text());
}
