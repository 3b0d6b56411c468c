/** The books: one row for every request that reached routing, whatever its end, and a report that adds up. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import {
  startBrokenUpstream,
  unfinishedStream,
  type BrokenUpstream,
} from "../support/broken-upstream.ts";
import { open, post } from "../support/raw-client.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { chatBody, startRig, type Rig } from "../support/rig.ts";
import { chunk, event, lastChunk, PROVIDER_MODEL, reply, usageChunk } from "../support/samples.ts";
import { readUsageRows, usageRowOf } from "../support/usage-rows.ts";
import { waitFor } from "../support/wait-for.ts";

let rig: Rig;
let broken: BrokenUpstream;

beforeAll(async () => {
  broken = startBrokenUpstream(unfinishedStream(event(chunk("half an answer"))));
  rig = await startRig({
    more: '[prices."priced"]\ninput = 2\noutput = 10\ncache_read = 0.5',
    providers: { broken: { kind: "openai-compatible", url: broken.url } },
    models: {
      broken: [{ provider: "broken", model: PROVIDER_MODEL }],
      priced: [{ provider: "second", model: PROVIDER_MODEL }],
    },
  });
});

beforeEach(() => {
  rig.first.forget();
});

afterAll(async () => {
  await rig.stop();
  broken.stop();
});

describe("a usage row", () => {
  test("holds what the provider reported, with its own cost", async () => {
    rig.first.answer(() =>
      jsonReply(
        JSON.stringify({
          id: "gen-1",
          object: "chat.completion",
          created: 1,
          model: PROVIDER_MODEL,
          choices: [
            { index: 0, message: { role: "assistant", content: "x" }, finish_reason: "stop" },
          ],
          usage: {
            prompt_tokens: 100,
            completion_tokens: 20,
            total_tokens: 120,
            cost: 0.001234567,
            prompt_tokens_details: { cached_tokens: 64, cache_write_tokens: 16 },
            completion_tokens_details: { reasoning_tokens: 12 },
          },
        }),
      ),
    );
    const asked = await post(rig.gateway.url, rig.key, chatBody(), { "x-request-id": "books-ok" });
    expect(asked.status).toBe(200);
    expect(await usageRowOf(rig.gateway.database, "books-ok")).toMatchObject({
      tenant_id: "tests",
      logical_model: "chat",
      provider: "first",
      provider_model_id: PROVIDER_MODEL,
      input_tokens: 100,
      output_tokens: 20,
      total_tokens: 120,
      cached: 64,
      cache_write_tokens: 16,
      reasoning: 12,
      cost_nano_usd: 1_234_567,
      estimated: 0,
      status: "ok",
      status_code: 200,
      attempts: 1,
      stream: 0,
      error_message: null,
    });
  });

  test("counts for itself, and says so, when the provider reported nothing", async () => {
    rig.first.answer(() =>
      streamReply([
        event(chunk("seven words that nobody ever counted")) + event(lastChunk()) + event("[DONE]"),
      ]),
    );
    const stream = await open(rig.gateway.url, rig.key, chatBody("chat", true));
    expect(await stream.finish()).toBe(true);
    const row = await usageRowOf(rig.gateway.database, stream.headers.get("x-request-id") ?? "");
    expect(row).toMatchObject({ status: "ok", estimated: 1, stream: 1 });
    expect(Number(row["output_tokens"])).toBeWithin(4, 16);
    expect(Number(row["input_tokens"])).toBeWithin(2, 30);
  });

  test("takes the configured price where the provider tells no cost", async () => {
    rig.second.answer(() => jsonReply(reply("x", { input: 1000, output: 100 })));
    await post(rig.gateway.url, rig.key, chatBody("priced"), { "x-request-id": "books-priced" });
    // $2 and $10 a million tokens.
    expect(await usageRowOf(rig.gateway.database, "books-priced")).toMatchObject({
      cost_nano_usd: 1000 * 2_000 + 100 * 10_000,
    });
  });

  test.each([
    [400, 400],
    [404, 404],
    [500, 500],
  ])("is written when the provider answers %d", async (status) => {
    rig.first.answer(() =>
      jsonReply(JSON.stringify({ error: { message: "no", code: status } }), status),
    );
    const id = `books-failed-${status}`;
    const asked = await post(rig.gateway.url, rig.key, chatBody(), { "x-request-id": id });
    expect(await usageRowOf(rig.gateway.database, id)).toMatchObject({
      status: "failed",
      status_code: asked.status,
      input_tokens: 0,
      output_tokens: 0,
      cost_nano_usd: 0,
      provider: "first",
    });
  });

  test("is written when the provider's stream breaks off", async () => {
    const stream = await open(rig.gateway.url, rig.key, chatBody("broken", true));
    // The answer's head is there, so what the provider sent has arrived.
    broken.hangUp();
    await stream.finish();
    const row = await usageRowOf(rig.gateway.database, stream.headers.get("x-request-id") ?? "");
    expect(row).toMatchObject({ status: "cut", provider: "broken", estimated: 1 });
    expect(Number(row["output_tokens"])).toBeGreaterThan(0);
    expect(row["error_message"]).not.toBeNull();
  });

  test("counts every attempt and names the provider that answered", async () => {
    rig.first.answer(() => jsonReply("{}", 500));
    rig.second.answer(() => jsonReply(reply("rescued", { input: 5, output: 1 })));
    await post(rig.gateway.url, rig.key, chatBody("safe"), { "x-request-id": "books-safe" });
    expect(await usageRowOf(rig.gateway.database, "books-safe")).toMatchObject({
      status: "ok",
      provider: "second",
      attempts: 4,
      input_tokens: 5,
    });
  });

  test("is not written for what never reached routing", async () => {
    await post(rig.gateway.url, rig.key, "{", { "x-request-id": "books-none" });
    await post(rig.gateway.url, `XJP_${"B".repeat(43)}`, chatBody(), {
      "x-request-id": "books-none",
    });
    rig.first.answer(() => jsonReply(reply("x", { input: 1, output: 1 })));
    await post(rig.gateway.url, rig.key, chatBody(), { "x-request-id": "books-later" });
    await usageRowOf(rig.gateway.database, "books-later");
    const ids = readUsageRows(rig.gateway.database).map((row) => row["request_id"]);
    expect(ids).not.toContain("books-none");
  });
});

test("`usage report` adds up to what the provider reported", async () => {
  let next = 0;
  const reported = { requests: 0, input: 0, output: 0, nano: 0 };
  rig.first.answer((call) => {
    next += 1;
    const tokens = { input: next * 7, output: next * 3, cost: next / 1_000_000 };
    reported.requests += 1;
    reported.input += tokens.input;
    reported.output += tokens.output;
    reported.nano += next * 1_000;
    return call.text.includes('"stream":true')
      ? streamReply([
          event(chunk("x")) + event(lastChunk()) + event(usageChunk(tokens)) + event("[DONE]"),
        ])
      : jsonReply(reply("x", tokens));
  });
  const { key } = await rig.gateway.makeKey("adding-up");
  await Promise.all(
    Array.from({ length: 24 }, async (_, index) => {
      const body = chatBody("chat", index % 2 === 0);
      expect((await post(rig.gateway.url, key, body)).status).toBe(200);
    }),
  );
  await waitFor("all rows", () => rowsOf("adding-up").length === reported.requests);

  const report = await rig.gateway.run(
    "usage report --tenant adding-up --by model --format json".split(" "),
  );
  expect(report).toMatchObject({ code: 0 });
  const parsed: unknown = JSON.parse(report.stdout);
  expect(parsed).toMatchObject({
    by: "model",
    lines: [{ model: "chat" }],
    total: {
      requests: reported.requests,
      errors: 0,
      input_tokens: reported.input,
      output_tokens: reported.output,
      total_tokens: reported.input + reported.output,
      estimated_requests: 0,
    },
  });
  const total = isJsonObject(parsed) && isJsonObject(parsed["total"]) ? parsed["total"] : {};
  expect(Math.round(Number(total["cost_usd"]) * 1e9)).toBe(reported.nano);
});

function rowsOf(tenant: string): readonly JsonObject[] {
  return readUsageRows(rig.gateway.database).filter((row) => row["tenant_id"] === tenant);
}
