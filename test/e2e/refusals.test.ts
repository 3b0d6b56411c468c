/** What a client sees when the gateway itself says no: raw on the wire, and as the official SDK's error classes. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  AuthenticationError,
  BadRequestError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
} from "openai";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { post, type Asked } from "../support/raw-client.ts";
import { jsonReply } from "../support/reply.ts";
import { chatBody, startRig, type Rig } from "../support/rig.ts";
import { reply } from "../support/samples.ts";
import { ask, createClient } from "../support/sdk.ts";
import { waitFor } from "../support/wait-for.ts";

const MOST_BYTES = 65_536;

let rig: Rig;

beforeAll(async () => {
  rig = await startRig({ more: `[limits]\nmax_body_bytes = ${MOST_BYTES}` });
  rig.first.answer(() => jsonReply(reply("Hello.", { input: 3, output: 2 })));
});

beforeEach(() => {
  rig.first.forget();
});

afterAll(async () => {
  await rig.stop();
});

describe("a request is turned away", () => {
  test("without a key, with 401", async () => {
    const asked = await post(rig.gateway.url, undefined, chatBody());
    expectRefusal(asked, 401, { code: "invalid_api_key" }, "caller");
    expect(rig.first.calls).toHaveLength(0);
  });

  test("with an unknown key, with 401 and the SDK's AuthenticationError", async () => {
    const unknown = `XJP_${"A".repeat(43)}`;
    expectRefusal(
      await post(rig.gateway.url, unknown, chatBody()),
      401,
      { code: "invalid_api_key" },
      "caller",
    );
    expectRefusal(
      await post(rig.gateway.url, "sk-other", chatBody()),
      401,
      { code: "invalid_api_key" },
      "caller",
    );
    const { error } = await ask(createClient(`${rig.gateway.url}/v1`, unknown), chatBody());
    expect(error).toMatchObject({
      name: AuthenticationError.name,
      status: 401,
      code: "invalid_api_key",
    });
    expect(rig.first.calls).toHaveLength(0);
  });

  test("within a second after its key was revoked from another process, with 403", async () => {
    const { key, id } = await rig.gateway.makeKey();
    expect((await post(rig.gateway.url, key, chatBody())).status).toBe(200);
    const revoked = await rig.gateway.run(["keys", "revoke", id, "--yes"]);
    const since = performance.now();
    expect(revoked.code).toBe(0);
    const refused = await waitFor("the key to stop working", async () => {
      const asked = await post(rig.gateway.url, key, chatBody());
      return asked.status === 200 ? undefined : asked;
    });
    expect(performance.now() - since).toBeLessThan(1_000);
    expectRefusal(refused, 403, {}, "policy");
    const { error } = await ask(createClient(`${rig.gateway.url}/v1`, key), chatBody());
    expect(error).toMatchObject({ name: PermissionDeniedError.name, status: 403 });
  });

  test("once its key has expired, with 403", async () => {
    const expires = new Date(Date.now() + 1_000).toISOString();
    const { key } = await rig.gateway.makeKey("tests", ["--expires", expires]);
    const refused = await waitFor("the key to expire", async () => {
      const asked = await post(rig.gateway.url, key, chatBody());
      return asked.status === 200 ? undefined : asked;
    });
    expectRefusal(refused, 403, {}, "policy");
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expires));
  });

  test("for a model outside the key's scope, with 403", async () => {
    const { key } = await rig.gateway.makeKey("tests", ["--models", "safe"]);
    const asked = await post(rig.gateway.url, key, chatBody("chat"));
    expectRefusal(asked, 403, { param: "model" }, "policy");
    expect(rig.first.calls).toHaveLength(0);
    expect((await post(rig.gateway.url, key, chatBody("safe"))).status).toBe(200);
  });

  test("for an unknown model, with 404 and the nearest name", async () => {
    const asked = await post(rig.gateway.url, rig.key, chatBody("chta"));
    const error = expectRefusal(asked, 404, { code: "model_not_found", param: "model" }, "caller");
    expect(error["message"]).toContain("`chat`");
    expect((await ask(rig.sdk, chatBody("chta"))).error).toMatchObject({
      name: NotFoundError.name,
      code: "model_not_found",
    });
  });

  test("for a name of a model longer than the books can hold, with 400", async () => {
    const asked = await post(rig.gateway.url, rig.key, chatBody("m".repeat(256)));
    const error = expectRefusal(
      asked,
      400,
      { code: "model_name_too_long", param: "model" },
      "caller",
    );
    expect(error["message"]).toContain("256 characters");
    expect(asked.text).not.toContain("mmmm");
    expect((await post(rig.gateway.url, rig.key, chatBody("m".repeat(255)))).status).toBe(404);
  });

  test("for a body that is not JSON, with 400", async () => {
    expectRefusal(await post(rig.gateway.url, rig.key, `{"model": "chat",`), 400, {}, "caller");
    expectRefusal(await post(rig.gateway.url, rig.key, ""), 400, {}, "caller");
    expectRefusal(await post(rig.gateway.url, rig.key, "[]"), 400, {}, "caller");
    expect(rig.first.calls).toHaveLength(0);
  });

  test("for a body that is not UTF-8, with 400 that says where", async () => {
    const [before = "", after = ""] = JSON.stringify(bodySaying("|")).split("|");
    const cut = Buffer.concat([
      Buffer.from(before),
      Buffer.from("🙂").subarray(0, 3),
      Buffer.from(after),
    ]);
    const asked = await post(rig.gateway.url, rig.key, cut);
    const error = expectRefusal(asked, 400, { code: "invalid_utf8" }, "caller");
    expect(error["message"]).toContain(`byte ${before.length} `);
    expect(rig.first.calls).toHaveLength(0);
  });

  test.each([
    ["messages", { messages: "hello" }],
    ["messages", { messages: [] }],
    ["messages[0].role", { messages: [{ content: "hi" }] }],
    ["messages[0].content", { messages: [{ role: "user", content: 7 }] }],
    ["temperature", { temperature: "warm" }],
    ["stream", { stream: "yes" }],
    ["model", { model: 5 }],
    ["tools[0].function.name", { tools: [{ type: "function", function: { name: 3 } }] }],
  ])("for a wrong %s, with 400 naming the field", async (param, change) => {
    const asked = await post(rig.gateway.url, rig.key, { ...chatBody(), ...change });
    expectRefusal(asked, 400, { param, type: "invalid_request_error" }, "caller");
    const { error } = await ask(rig.sdk, { ...chatBody(), temperature: "warm" });
    expect(error).toMatchObject({ name: BadRequestError.name, param: "temperature" });
    expect(rig.first.calls).toHaveLength(0);
  });

  test("for a body that is too large, with 413, whether it tells its length or not", async () => {
    const large = JSON.stringify({ ...chatBody(), x_padding: "x".repeat(MOST_BYTES * 4) });
    expectRefusal(await post(rig.gateway.url, rig.key, large), 413, {}, "caller");
    const bytes = new TextEncoder().encode(large);
    const response = await fetch(`${rig.gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${rig.key}` },
      body: (async function* () {
        for (let from = 0; from < bytes.length; from += 16_384) {
          yield bytes.subarray(from, from + 16_384);
        }
      })(),
    });
    const asked = {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
    };
    expectRefusal(asked, 413, {}, "caller");
    expect(rig.first.calls).toHaveLength(0);
  });

  test("by its key's requests a minute, with 429 that says when to come back", async () => {
    const { key } = await rig.gateway.makeKey("hasty", ["--rpm", "2"]);
    const first = await post(rig.gateway.url, key, chatBody());
    expect(first.status).toBe(200);
    expect(first.headers.get("x-ratelimit-limit-requests")).toBe("2");
    expect(first.headers.get("x-ratelimit-remaining-requests")).toBe("1");
    expect((await post(rig.gateway.url, key, chatBody())).status).toBe(200);

    const refused = await post(rig.gateway.url, key, chatBody());
    expectRefusal(refused, 429, { code: "rate_limit_exceeded" }, "policy");
    const wait = Number(refused.headers.get("retry-after-ms"));
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(30_000);
    expect(Number(refused.headers.get("retry-after"))).toBe(Math.ceil(wait / 1000));
    const reset = Number(refused.headers.get("x-ratelimit-reset")) * 1000;
    expect(Math.abs(reset - (Date.now() + wait))).toBeLessThan(2_000);
    expect(refused.headers.get("x-ratelimit-limit-requests")).toBe("2");
    expect(refused.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(refused.headers.get("x-ratelimit-reset-requests")).toMatch(/^(\d+m)?\d+(ms|s)$/);
    expect((await ask(createClient(`${rig.gateway.url}/v1`, key), chatBody())).error).toMatchObject(
      {
        name: RateLimitError.name,
        code: "rate_limit_exceeded",
      },
    );
    expect(rig.first.calls).toHaveLength(2);
  });

  test("by its key's requests a day, with 429", async () => {
    const { key } = await rig.gateway.makeKey("daily", ["--rpm", "0", "--rpd", "1"]);
    expect((await post(rig.gateway.url, key, chatBody())).status).toBe(200);
    expectRefusal(await post(rig.gateway.url, key, chatBody()), 429, {}, "policy");
  });
});

describe("a request is let in", () => {
  test("with replacement characters that are its client's own", async () => {
    const asked = await post(rig.gateway.url, rig.key, bodySaying("\ufffd and 🙂"));
    expect(asked.status).toBe(200);
    expect(JSON.parse(rig.first.calls[0]?.text ?? "")).toMatchObject({
      messages: [{ content: "\ufffd and 🙂" }],
    });
  });

  test("with its key as x-api-key", async () => {
    const asked = await post(rig.gateway.url, undefined, chatBody(), { "x-api-key": rig.key });
    expect(asked.status).toBe(200);
  });

  test("with a key that was made while the gateway runs", async () => {
    const { key } = await rig.gateway.makeKey();
    expect((await post(rig.gateway.url, key, chatBody())).status).toBe(200);
  });

  test("and its answer says who gave it", async () => {
    const asked = await post(rig.gateway.url, rig.key, chatBody(), {
      "x-request-id": "my-own.id:1",
    });
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      "x-request-id": "my-own.id:1",
      "x-xjp-provider": "first",
      "x-xjp-model": "maker/model-1",
      "x-xjp-attempts": "1",
    });
    expect(asked.headers.has("x-xjp-error-origin")).toBe(false);
  });

  test("but an insane request id is replaced", async () => {
    const asked = await post(rig.gateway.url, rig.key, chatBody(), { "x-request-id": "a b\t{}" });
    expect(asked.headers.get("x-request-id")).toMatch(/^[\w.:-]{8,128}$/);
  });
});

function bodySaying(content: string): JsonObject {
  return { ...chatBody(), messages: [{ role: "user", content }] };
}

/** Checks status, envelope and headers of a refusal and gives back the error object. */
function expectRefusal(
  asked: Asked,
  status: number,
  error: JsonObject,
  origin: string,
): JsonObject {
  expect({ status: asked.status, text: asked.text }).toMatchObject({ status });
  expect(asked.headers.get("content-type")).toContain("application/json");
  expect(asked.headers.get("x-request-id")).toMatch(/^[\w.:-]{8,128}$/);
  expect(asked.headers.get("x-xjp-error-origin")).toBe(origin);
  const body: unknown = JSON.parse(asked.text);
  const found = isJsonObject(body) ? body["error"] : undefined;
  if (!isJsonObject(found)) throw new Error(`no error object in ${asked.text}`);
  expect(typeof found["message"]).toBe("string");
  expect(typeof found["type"]).toBe("string");
  expect(found).toMatchObject(error);
  return found;
}
