/** What a client sees when the provider fails: by status before an answer has begun, as an error event after that. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  APIError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "openai";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import {
  startBrokenUpstream,
  unfinishedStream,
  type BrokenUpstream,
} from "../support/broken-upstream.ts";
import { PROVIDER_KEY } from "../support/config-text.ts";
import { freePort } from "../support/gateway.ts";
import { open, post, type Asked } from "../support/raw-client.ts";
import { jsonReply, sse, streamReply } from "../support/reply.ts";
import { chatBody, startRig, type Rig } from "../support/rig.ts";
import { chunk, event, lastChunk, PROVIDER_MODEL, reply } from "../support/samples.ts";
import { ask } from "../support/sdk.ts";

let rig: Rig;
let cut: BrokenUpstream;
let mute: BrokenUpstream;

beforeAll(async () => {
  cut = startBrokenUpstream(unfinishedStream(event(chunk("half"))));
  mute = startBrokenUpstream("");
  rig = await startRig({
    more: "[timeouts]\nheaders_ms = 300\nfirst_event_ms = 300\nidle_ms = 300",
    providers: {
      cut: { kind: "openrouter", url: cut.url },
      mute: { kind: "openai-compatible", url: mute.url },
      absent: { kind: "openai-compatible", url: `http://127.0.0.1:${await freePort()}/v1` },
    },
    models: {
      limited: [{ provider: "first", model: "maker/limited" }],
      cut: [{ provider: "cut", model: PROVIDER_MODEL }],
      mute: [{ provider: "mute", model: PROVIDER_MODEL }],
      absent: [{ provider: "absent", model: PROVIDER_MODEL }],
    },
  });
});

afterAll(async () => {
  await rig.stop();
  cut.stop();
  mute.stop();
});

describe("a provider's status", () => {
  test.each([
    [400, 400, BadRequestError.name, true],
    [404, 404, NotFoundError.name, true],
    [413, 413, APIError.name, true],
    [422, 422, "UnprocessableEntityError", true],
    [429, 429, RateLimitError.name, true],
    [500, 500, InternalServerError.name, true],
    [502, 502, InternalServerError.name, true],
    [503, 503, InternalServerError.name, true],
    [529, 503, InternalServerError.name, true],
    // The gateway's own key and credit are none of the caller's business.
    [401, 502, InternalServerError.name, false],
    [402, 503, InternalServerError.name, false],
    [403, 502, InternalServerError.name, true],
  ])(
    "%d is told as %d, streamed or not, and is the SDK's %s",
    async (status, told, name, words) => {
      const message = `The harbour says no (key ${PROVIDER_KEY}).`;
      rig.first.answer(() =>
        jsonReply(JSON.stringify({ error: { message, code: status } }), status),
      );
      for (const stream of [false, true]) {
        const asked = await post(rig.gateway.url, rig.key, chatBody("chat", stream));
        const error = expectError(asked, told);
        expect(asked.headers.get("x-xjp-provider")).toBe("first");
        expect(asked.headers.get("x-xjp-attempts")).toBe("1");
        expect(JSON.stringify(error).includes("The harbour says no")).toBe(words);
        expect(asked.text).not.toContain(PROVIDER_KEY);
        expect(asked.text).not.toContain("127.0.0.1");
        const seen = await ask(rig.sdk, chatBody("chat", stream));
        expect(seen.error).toMatchObject({ name, status: told });
        expect(seen.chunks).toEqual([]);
      }
    },
  );

  test("429 keeps the provider's wish to wait", async () => {
    rig.first.answer(() =>
      jsonReply(JSON.stringify({ error: { message: "slow down", code: 429 } }), 429, {
        "retry-after": "17",
      }),
    );
    const asked = await post(rig.gateway.url, rig.key, chatBody("limited"));
    expect(asked.status).toBe(429);
    expect(asked.headers.get("retry-after")).toBe("17");
    expect(asked.headers.get("retry-after-ms")).toBe("17000");
  });

  test("400 keeps the field at fault", async () => {
    const error = {
      message: "top_p rings no bell",
      type: "invalid_request_error",
      param: "top_p",
      code: "unsupported_parameter",
    };
    rig.first.answer(() => jsonReply(JSON.stringify({ error }), 400));
    expect(expectError(await post(rig.gateway.url, rig.key, chatBody()), 400)).toMatchObject(error);
  });
});

describe("a provider that answers 200", () => {
  test("with an error inside is told by the error's own code", async () => {
    rig.first.answer(() =>
      jsonReply(JSON.stringify({ error: { message: "The lighthouse went dark", code: 502 } })),
    );
    const error = expectError(await post(rig.gateway.url, rig.key, chatBody()), 502);
    expect(error["message"]).toContain("The lighthouse went dark");
  });

  test("with an error inside its choice is told so too", async () => {
    const choice = { error: { message: "Fog", code: 503 }, finish_reason: "error", message: {} };
    rig.first.answer(() => jsonReply(JSON.stringify({ id: "gen-1", choices: [choice] })));
    const error = expectError(await post(rig.gateway.url, rig.key, chatBody()), 503);
    expect(error["message"]).toContain("Fog");
  });

  test("with something else than JSON is told as 502", async () => {
    rig.first.answer(() => new Response("<html>Welcome</html>"));
    expectError(await post(rig.gateway.url, rig.key, chatBody()), 502);
  });

  test("with a stream whose first event is an error is told by status", async () => {
    rig.first.answer(() =>
      streamReply([
        `: OPENROUTER PROCESSING\n\n${event('{"id":"gen-1","error":{"code":503,"message":"Fog"},"choices":[]}')}`,
      ]),
    );
    const error = expectError(await post(rig.gateway.url, rig.key, chatBody("chat", true)), 503);
    expect(error["message"]).toContain("Fog");
  });
});

describe("a stream that fails after it has begun", () => {
  test("with an error chunk ends in an error event and has no [DONE]", async () => {
    rig.first.answer(() =>
      streamReply([
        event(chunk("half")),
        sse([
          '{"id":"gen-1","error":{"code":502,"message":"The lighthouse went dark"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}',
        ]),
      ]),
    );
    await expectCut("chat", "The lighthouse went dark");
  });

  test("because the connection broke ends in an error event and has no [DONE]", async () => {
    await expectCut("cut", "", () => cut.hangUp());
  });

  test("because the provider ended it without finishing ends in an error event and has no [DONE]", async () => {
    rig.first.answer(() => streamReply([event(chunk("half"))]));
    await expectCut("chat");
  });

  test("because the provider fell silent ends in an error event that names the timer", async () => {
    rig.first.answer(() =>
      streamReply(
        (async function* () {
          yield event(chunk("half"));
          await new Promise(() => {});
        })(),
      ),
    );
    await expectCut("chat", "idle");
  });

  test("keeps everything that came before, also when the answer was nearly over", async () => {
    rig.first.answer(() =>
      streamReply([event(chunk("half")), event(lastChunk()), event("[DONE]")]),
    );
    const { chunks, error } = await ask(rig.sdk, chatBody("chat", true));
    expect(error).toBeUndefined();
    expect(chunks.length).toBeGreaterThanOrEqual(2);
  });
});

describe("a provider that does not answer", () => {
  test("because nobody listens there is told as 502 or 503", async () => {
    const asked = await post(rig.gateway.url, rig.key, chatBody("absent"));
    expectError(asked, asked.status);
    expect(asked.status).toBeOneOf([502, 503]);
  });

  test("because it hangs up is told as 502 or 503", async () => {
    const asked = await post(rig.gateway.url, rig.key, chatBody("mute"));
    expectError(asked, asked.status);
    expect(asked.status).toBeOneOf([502, 503]);
  });

  test("in time is told as 504, naming the timer", async () => {
    rig.first.answer(() => new Promise<Response>(() => {}));
    const error = expectError(await post(rig.gateway.url, rig.key, chatBody()), 504);
    expect(error["message"]).toContain("headers");
  });
});

test("after all of it the gateway still answers", async () => {
  rig.first.answer(() => jsonReply(reply("well", { input: 1, output: 1 })));
  expect((await post(rig.gateway.url, rig.key, chatBody())).status).toBe(200);
});

/** Checks status, envelope and origin, and gives back the error object. */
function expectError(asked: Asked, status: number): JsonObject {
  expect({ status: asked.status, text: asked.text }).toMatchObject({ status });
  expect(asked.headers.get("x-request-id")).toMatch(/^[\w.:-]{8,128}$/);
  // What the provider calls wrong in the request is the caller's to mend.
  const origin = [400, 413, 422].includes(status) ? "caller" : "provider";
  expect(asked.headers.get("x-xjp-error-origin")).toBe(origin);
  return errorIn(asked.text);
}

/** Asks for a stream that says "half" and dies: raw bytes and the SDK's view of it. */
/** `breakOff` is called when an answer has begun, for providers that wait to be told. */
async function expectCut(model: string, words = "", breakOff?: () => void): Promise<void> {
  const stream = await open(rig.gateway.url, rig.key, chatBody(model, true));
  expect(stream.status).toBe(200);
  breakOff?.();
  expect(await stream.finish()).toBe(true);
  expect(stream.text()).toContain("half");
  expect(stream.text()).not.toContain("[DONE]");
  const events = stream.text().trimEnd().split("\n\n");
  const last = events.at(-1) ?? "";
  expect(last).toStartWith("data: ");
  const error = errorIn(last.slice("data: ".length));
  expect(error["message"]).toContain(words);
  expect(error["request_id"]).toBe(stream.headers.get("x-request-id") ?? "missing");

  const seen = await ask(rig.sdk, chatBody(model, true), undefined, breakOff);
  expect(JSON.stringify(seen.chunks)).toContain("half");
  expect(seen.error?.name).toBe(APIError.name);
  expect(seen.error?.message).toContain(words);
}

function errorIn(text: string): JsonObject {
  const body: unknown = JSON.parse(text);
  const found = isJsonObject(body) ? body["error"] : undefined;
  if (!isJsonObject(found)) throw new Error(`no error object in ${text}`);
  expect(typeof found["message"]).toBe("string");
  expect(typeof found["type"]).toBe("string");
  return found;
}
