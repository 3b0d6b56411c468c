/** A request survives a provider that fails, and costs nothing twice that cannot succeed. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";

import { readAnswer } from "../support/answer.ts";
import { open, post } from "../support/raw-client.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { chatBody, startRig, type Rig } from "../support/rig.ts";
import { chunk, event, lastChunk, PROVIDER_MODEL, reply } from "../support/samples.ts";
import { ask } from "../support/sdk.ts";

let rig: Rig;

beforeAll(async () => {
  const briefly = { provider: "first", model: PROVIDER_MODEL, totalMs: 700 };
  rig = await startRig({
    more: "[timeouts]\nheaders_ms = 200\nfirst_event_ms = 200\nidle_ms = 300",
    models: {
      brief: [briefly],
      "brief-then-other": [briefly, { provider: "second", model: PROVIDER_MODEL }],
    },
  });
});

beforeEach(() => {
  rig.first.forget();
  rig.second.forget();
  rig.second.answer((call) =>
    call.text.includes('"stream":true')
      ? streamReply([event(chunk("rescued")), event(lastChunk()), event("[DONE]")])
      : jsonReply(reply("rescued", { input: 2, output: 1 })),
  );
});

afterAll(async () => {
  await rig.stop();
});

test.each([[false], [true]])(
  "when the first provider keeps failing, the second answers; streamed: %p",
  async (stream) => {
    rig.first.answer(() => jsonReply('{"error":{"message":"no","code":500}}', 500));
    const asked = await post(rig.gateway.url, rig.key, chatBody("safe", stream));
    expect(asked.status).toBe(200);
    expect(asked.text).toContain("rescued");
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      "x-xjp-provider": "second",
      "x-xjp-attempts": "4",
    });
    expect(rig.first.calls).toHaveLength(3);
    expect(rig.second.calls).toHaveLength(1);
  },
);

test("a failure that passes is retried on the same provider", async () => {
  rig.first.answer(() =>
    rig.first.calls.length < 3
      ? jsonReply("{}", 503)
      : jsonReply(reply("third time", { input: 1, output: 1 })),
  );
  const asked = await post(rig.gateway.url, rig.key, chatBody("safe"));
  expect(asked.text).toContain("third time");
  expect(asked.headers.get("x-xjp-attempts")).toBe("3");
  expect(asked.headers.get("x-xjp-provider")).toBe("first");
  expect(rig.second.calls).toHaveLength(0);
});

test("a request that the provider calls wrong is tried nowhere else", async () => {
  rig.first.answer(() => jsonReply('{"error":{"message":"bad field","code":400}}', 400));
  const asked = await post(rig.gateway.url, rig.key, chatBody("safe"));
  expect(asked.status).toBe(400);
  expect(asked.headers.get("x-xjp-attempts")).toBe("1");
  expect(rig.first.calls).toHaveLength(1);
  expect(rig.second.calls).toHaveLength(0);
});

test("a refusal of the gateway's own key is not repeated, but the next provider is asked", async () => {
  rig.first.answer(() => jsonReply('{"error":{"message":"no auth","code":401}}', 401));
  const asked = await post(rig.gateway.url, rig.key, chatBody("safe"));
  expect(asked.status).toBe(200);
  expect(asked.headers.get("x-xjp-attempts")).toBe("2");
  expect(rig.first.calls).toHaveLength(1);
});

test("a stream that fails before its first meaningful event goes to the next provider unseen", async () => {
  rig.first.answer(() =>
    streamReply([
      ": OPENROUTER PROCESSING\n\n",
      event('{"id":"gen-1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}'),
      event('{"id":"gen-1","error":{"code":503,"message":"Fog"},"choices":[]}'),
    ]),
  );
  const { chunks, error } = await ask(rig.sdk, chatBody("safe", true));
  expect(error).toBeUndefined();
  expect(readAnswer(chunks)).toMatchObject({ text: "rescued", finish: "stop" });
});

test("a provider that keeps its answer to itself for too long is passed over", async () => {
  rig.first.answer(() => new Promise<Response>(() => {}));
  const asked = await post(rig.gateway.url, rig.key, chatBody("safe"));
  expect(asked.status).toBe(200);
  expect(asked.headers.get("x-xjp-provider")).toBe("second");
});

/** A provider that says nothing but that it is still there. */
function* stillThere(...before: readonly string[]): Generator<string> {
  yield* before;
  for (;;) yield ": OPENROUTER PROCESSING\n\n";
}

test("a provider that sends comments is neither silent nor waited for beyond the attempt's total", async () => {
  rig.first.answer(() => streamReply(stillThere()));
  const asked = await post(rig.gateway.url, rig.key, chatBody("brief-then-other", true));
  expect(asked.headers.get("x-xjp-provider")).toBe("second");
  expect(asked.text).toContain("rescued");
  const alone = await post(rig.gateway.url, rig.key, chatBody("brief", true));
  expect(alone.status).toBe(504);
  expect(JSON.parse(alone.text)).toMatchObject({ error: { code: "timeout_total" } });

  rig.first.answer(() => streamReply(stillThere(event(chunk("half")))));
  const stream = await open(rig.gateway.url, rig.key, chatBody("brief-then-other", true));
  await stream.finish();
  expect(stream.text()).toContain("half");
  expect(stream.text()).toContain("total timer");
  expect(stream.text()).not.toContain("[DONE]");
});

test("a stream that fails after words have reached the client is not begun anew", async () => {
  rig.first.answer(() =>
    streamReply([
      event(chunk("half")),
      event('{"error":{"code":503,"message":"Fog"},"choices":[]}'),
    ]),
  );
  const stream = await open(rig.gateway.url, rig.key, chatBody("safe", true));
  await stream.finish();
  expect(stream.text()).toContain("half");
  expect(stream.text()).toContain("Fog");
  expect(stream.text()).not.toContain("rescued");
  expect(rig.second.calls).toHaveLength(0);
});

test("when every provider fails, the last failure is told with all attempts counted", async () => {
  rig.first.answer(() => jsonReply("{}", 500));
  rig.second.answer(() => jsonReply('{"error":{"message":"second is down"}}', 503));
  const asked = await post(rig.gateway.url, rig.key, chatBody("safe"));
  expect(asked.status).toBe(503);
  expect(asked.text).toContain("second is down");
  expect(asked.headers.get("x-xjp-attempts")).toBe("4");
  expect(asked.headers.get("x-xjp-error-origin")).toBe("provider");
});
