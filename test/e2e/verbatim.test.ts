/** Same dialect in and out: the caller's own bytes go upstream and come back, apart from the model's name. */
import { afterAll, beforeAll, expect, test } from "bun:test";

import { PROVIDER_KEY } from "../support/config-text.ts";
import { open, post } from "../support/raw-client.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { startRig, type Rig } from "../support/rig.ts";
import { event, lastChunk, PROVIDER_MODEL } from "../support/samples.ts";

let rig: Rig;

beforeAll(async () => {
  rig = await startRig();
});

afterAll(async () => {
  await rig.stop();
});

/** Numbers that JSON.parse would change, fields nobody knows, odd spacing and an unusual order. */
function awkward(model: string): string {
  return `{ "seed" : 9007199254740993,
  "temperature": 1.0, "x_new": {"deep": [1e2, -0.0, 12345678901234567890]}, "model":\t${JSON.stringify(model)},
  "metadata": {"model": "chat"}, "messages": [{"content": "caf\\u00e9 \\ud83d\\ude00 \\/ \\"model\\": 1", "role": "user", "x_hint": null}],
  "top_p": 0.10, "x_last": "ü" }`;
}

/** A reply with the same. */
function answered(model: string): string {
  return `{"id":"gen-1","x_number":9007199254740993, "object":"chat.completion","created":1790000000,
 "model" : ${JSON.stringify(model)},"choices":[{"index":0,"x_score":1.0,"message":{"role":"assistant","content":"h\\u00ef"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4,"x_ticks":12345678901234567890}}`;
}

/** A stream's event with the same. */
function said(model: string): string {
  return event(
    `{"id":"gen-1","object":"chat.completion.chunk","x_new":{"n":9007199254740993,"f":1.0}, "model":${JSON.stringify(model)},"choices":[{"index":0,"delta":{"content":"h\\u00ef","x_part":[{"type":"x_unheard_of"}]},"finish_reason":null}]}`,
  );
}

test("a request reaches the provider byte for byte but for the model's name", async () => {
  rig.first.answer(() =>
    jsonReply(`{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[]}`),
  );
  rig.first.forget();
  await post(rig.gateway.url, rig.key, awkward("chat"));
  expect(rig.first.calls.map((call) => call.text)).toEqual([awkward(PROVIDER_MODEL)]);
});

test("the provider gets its own key and none of the caller's", async () => {
  rig.first.forget();
  await post(rig.gateway.url, rig.key, awkward("chat"), { cookie: "session=1" });
  const headers = rig.first.calls[0]?.headers;
  expect(headers?.get("authorization")).toBe(`Bearer ${PROVIDER_KEY}`);
  expect(headers?.get("content-type")).toBe("application/json");
  expect(JSON.stringify([...(headers ?? [])])).not.toContain(rig.key);
  expect(headers?.has("cookie")).toBe(false);
});

test("a reply reaches the caller byte for byte but for the model's name", async () => {
  rig.first.answer(() => jsonReply(answered(PROVIDER_MODEL)));
  const { status, text } = await post(rig.gateway.url, rig.key, awkward("chat"));
  expect({ status, text }).toEqual({ status: 200, text: answered("chat") });
});

test("the events of a stream reach the caller byte for byte but for the model's name", async () => {
  rig.first.answer(() => streamReply([said(PROVIDER_MODEL), event(lastChunk()), event("[DONE]")]));
  const stream = await open(rig.gateway.url, rig.key, {
    model: "chat",
    messages: [{ role: "user", content: "hi" }],
    stream: true,
  });
  expect(await stream.finish()).toBe(true);
  expect(stream.text()).toContain(said("chat"));
  expect(stream.text()).not.toContain(PROVIDER_MODEL);
});

test("a body without spaces, with the model first or last, is edited in its place", async () => {
  rig.first.answer(() =>
    jsonReply(`{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[]}`),
  );
  rig.first.forget();
  const messages = `"messages":[{"role":"user","content":"hi"}]`;
  await post(rig.gateway.url, rig.key, `{"model":"chat",${messages}}`);
  await post(rig.gateway.url, rig.key, `{${messages},"model":"chat"}`);
  expect(rig.first.calls.map((call) => call.text)).toEqual([
    `{"model":"${PROVIDER_MODEL}",${messages}}`,
    `{${messages},"model":"${PROVIDER_MODEL}"}`,
  ]);
});

test("of the head of a provider's answer only what names the answer gets through", async () => {
  rig.first.answer(() =>
    jsonReply(answered(PROVIDER_MODEL), 200, {
      "x-generation-id": "gen-1",
      "x-request-id": "req-provider",
      "x-ratelimit-remaining-requests": "7",
      "set-cookie": "session=1",
      "x-internal-host": "node-7",
      server: "nginx",
      "cf-ray": "abc",
    }),
  );
  const { headers } = await post(rig.gateway.url, rig.key, awkward("chat"));
  expect(headers.get("x-generation-id")).toBe("gen-1");
  expect(headers.get("x-xjp-provider-request-id")).toBe("req-provider");
  expect(headers.get("x-request-id")).toStartWith("req_");
  for (const name of ["set-cookie", "x-internal-host", "server", "cf-ray"]) {
    expect([name, headers.get(name)]).toEqual([name, null]);
  }
  expect(headers.get("x-ratelimit-remaining-requests")).not.toBe("7");
});
