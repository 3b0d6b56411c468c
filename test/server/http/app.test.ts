import type { Connector } from "../../../src/connectors/connector.ts";
import { describe, expect, test } from "bun:test";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import { capable } from "../../support/capable.ts";
import { ANSWER, scripted } from "../gateway/_setup.ts";
import { KEY, chatBody, testApp } from "./_setup.ts";

const well = () => scripted("p", [{ events: ANSWER }]);
const CHAT = "/v1/chat/completions";
const neverAsked = () => Promise.reject(new Error("nobody asks for this answer in one piece"));

test("a host's name may be as short as it likes", async () => {
  const { handleUrl } = testApp({ connector: well() });
  for (const origin of ["http://x", "http://ai", "http://xjp", "http://[::1]"]) {
    expect((await handleUrl(`${origin}${CHAT}`, chatBody())).status).toBe(200);
    expect((await handleUrl(`${origin}/v1/models/fast`)).status).toBe(200);
  }
});

describe("keys", () => {
  test("are asked for on every path but the probes and the metrics", async () => {
    const { handle } = testApp({ connector: well() });
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      expect((await handle(path, { key: null })).status).toBe(200);
    }
    for (const path of ["/v1/models", "/v1/models/fast", "/nothing/here", "/"]) {
      const response = await handle(path, { key: null });
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get("x-xjp-error-origin")).toBe("caller");
    }
    expect((await handle(CHAT, { ...chatBody(), key: null })).status).toBe(401);
  });

  test("are taken from x-api-key too", async () => {
    const { handle } = testApp({ connector: well() });
    const response = await handle("/v1/models", { key: null, headers: { "x-api-key": KEY } });
    expect(response.status).toBe(200);
  });

  test("without the word Bearer before them are told so", async () => {
    const { handle } = testApp({ connector: well() });
    const headers = { authorization: KEY };
    const response = await handle("/v1/models", { key: null, headers });
    expect(response.status).toBe(401);
    expect(await response.text()).toContain("the Authorization header is not `Bearer XJP_…`");
  });

  test("that do not have the form are refused without asking the store", async () => {
    const app = testApp({ connector: well() });
    const response = await app.handle("/v1/models", { key: "sk-proj-abc" });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({
      error: { code: "invalid_api_key", type: expect.any(String) },
    });
    expect(app.seeks()).toBe(0);
  });

  test("made a moment ago by another process are found", async () => {
    const late = `XJP_${"n".repeat(43)}`;
    const app = testApp({ connector: well(), late: [late] });
    expect((await app.handle("/v1/models", { key: late })).status).toBe(200);
    expect((await app.handle("/v1/models", { key: `XJP_${"u".repeat(43)}` })).status).toBe(401);
  });

  test("that are known work without storage, and others are told to come again", async () => {
    const app = testApp({ connector: well(), keysDown: true });
    expect((await app.handle("/v1/models")).status).toBe(200);
    const unknown = await app.handle("/v1/models", { key: `XJP_${"u".repeat(43)}` });
    expect([unknown.status, unknown.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(unknown.headers.get("x-xjp-error-origin")).toBe("gateway");
    expect(await app.metrics()).toContain('xjp_auth_errors_total{reason="unavailable"} 1');
  });

  test("are taken for good no longer than the grace when storage is silent", async () => {
    const app = testApp({ connector: well(), graceMs: 60_000 });
    app.clock.advance(60_000);
    expect((await app.handle("/v1/models")).status).toBe(200);
    app.clock.advance(1);
    const late = await app.handle("/v1/models");
    expect([late.status, await late.text()]).toEqual([
      503,
      expect.stringContaining("key storage has been down for too long"),
    ]);
  });

  test("that were revoked or have expired are forbidden, and counted by reason", async () => {
    const revoked = testApp({ connector: well(), key: { isActive: false } });
    expect((await revoked.handle("/v1/models")).status).toBe(403);
    expect(await revoked.metrics()).toContain('xjp_auth_errors_total{reason="revoked"} 1');
    const expired = testApp({ connector: well(), key: { expiresAt: 5 } });
    const response = await expired.handle("/v1/models");
    expect(await response.text()).toContain("1970-01-01");
    expect(await expired.metrics()).toContain('xjp_auth_errors_total{reason="expired"} 1');
  });
});

describe("an unstreamed answer", () => {
  test("carries the reply and what happened on the way", async () => {
    const app = testApp({ connector: well() });
    const response = await app.handle(CHAT, chatBody());
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("x-xjp-provider")).toBe("p");
    expect(response.headers.get("x-xjp-model")).toBe("m");
    expect(response.headers.get("x-xjp-attempts")).toBe("1");
    expect(response.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
    expect(await response.json()).toMatchObject({
      object: "chat.completion",
      model: "fast",
      choices: [{ message: { role: "assistant", content: "Mount Everest" } }],
      usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
    });
    expect(app.rows).toMatchObject([
      { status: "ok", logicalModel: "fast", provider: "p", inputTokens: 12, stream: false },
    ]);
  });

  test("keeps the caller's request id when it is a sane one", async () => {
    const { handle } = testApp({ connector: well() });
    const id = async (sent: string) =>
      (await handle("/v1/models", { headers: { "x-request-id": sent } })).headers.get(
        "x-request-id",
      );
    const chat = await handle(CHAT, {
      ...chatBody(),
      headers: { "x-request-id": "trace-7.b:1" },
    });
    expect(chat.headers.get("x-request-id")).toBe("trace-7.b:1");
    expect(await id("x".repeat(129))).not.toBe("x".repeat(129));
  });
});

describe("a streamed answer", () => {
  test("is written as events and ends with [DONE], the row before it", async () => {
    const app = testApp({ connector: well() });
    const response = await app.handle(CHAT, chatBody({ stream: true }));
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const messages = (await response.text()).split("\n\n");
    expect(messages.at(-2)).toBe("data: [DONE]");
    expect(messages.join("")).toContain("Mount Everest");
    expect(app.rows).toMatchObject([{ status: "ok", stream: true, outputTokens: 3 }]);
    expect(app.logged()).toMatchObject([{ event: "chat", status: 200 }]);
    expect(await app.metrics()).toMatch(/xjp_streaming_bytes_total [1-9]/);
  });

  test("that fails before it begins is an error with a status", async () => {
    const down = new ChatError("unavailable", "p is down", { retryAfterMs: 1500 });
    const app = testApp({ connector: scripted("p", [{ error: down }]) });
    const response = await app.handle(CHAT, chatBody({ stream: true }));
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("2");
    expect(response.headers.get("retry-after-ms")).toBe("1500");
    expect(response.headers.get("x-xjp-error-origin")).toBe("provider");
    expect(app.rows).toMatchObject([{ status: "failed", statusCode: 503, inputTokens: 0 }]);
  });

  test("that breaks off ends with an error event and never with [DONE]", async () => {
    const cut = new ChatError("bad-upstream", "the stream was cut");
    const app = testApp({
      connector: scripted("p", [{ events: ANSWER.slice(0, 3), error: cut }]),
    });
    const response = await app.handle(CHAT, chatBody({ stream: true }));
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toContain("the stream was cut");
    expect(text).not.toContain("[DONE]");
    expect(app.rows).toMatchObject([{ status: "cut", statusCode: 502, estimated: true }]);
    expect(app.logged()).toMatchObject([{ event: "chat failed", status: 502 }]);
  });

  test("that the client leaves is cancelled, and what was seen is on the books", async () => {
    let released = false;
    const app = testApp({
      connector: {
        name: "p",
        async *chat(_request, call) {
          try {
            for (const event of ANSWER.slice(0, 3)) yield { events: [event] };
            await new Promise((_resolve, reject) => {
              call.signal.addEventListener("abort", () => reject(call.signal.reason));
            });
          } finally {
            released = true;
          }
        },
        complete: neverAsked,
        capabilities: capable,
        close() {},
      },
    });
    const response = await app.handle(CHAT, chatBody({ stream: true }));
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    expect(released).toBe(true);
    expect(app.rows).toMatchObject([{ status: "cancelled", statusCode: 499 }]);
    expect(app.logged()).toMatchObject([{ event: "chat failed", status: 499 }]);
  });

  test("is on the books before the provider is asked", async () => {
    const noted: number[] = [];
    const connector: Connector = {
      ...well(),
      async *chat() {
        noted.push(app.begun.length);
        for (const event of ANSWER) yield { events: [event] };
      },
    };
    const app = testApp({ connector });
    await (await app.handle(CHAT, chatBody({ stream: true }))).text();
    expect(noted).toEqual([1]);
    const [row] = app.rows;
    expect(row?.status).toBe("ok");
    expect(app.begun).toMatchObject([
      { id: row?.id, status: "lost", provider: connector.name, attempts: 1, estimated: true },
    ]);
    expect(app.begun[0]?.inputTokens).toBeGreaterThan(0);
  });

  test("is kept open by comments while the provider is silent", async () => {
    let release: (() => void) | undefined;
    const silence = new Promise<void>((resolve) => {
      release = resolve;
    });
    const app = testApp({
      keepAliveMs: 100,
      connector: {
        name: "p",
        async *chat() {
          await silence;
          for (const event of ANSWER) yield { events: [event] };
        },
        complete: neverAsked,
        capabilities: capable,
        close() {},
      },
    });
    const started = performance.now();
    const response = await app.handle(CHAT, chatBody({ stream: true }));
    const reader = response.body?.getReader();
    const first = await reader?.read();
    // One silence, not two: the answer's head comes with its first comment.
    expect(performance.now() - started).toBeLessThan(190);
    expect(new TextDecoder().decode(first?.value)).toStartWith(": ");
    release?.();
    let rest = "";
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      rest += new TextDecoder().decode(part.value);
    }
    expect(rest).toContain("[DONE]");
  });
});

describe("refusals", () => {
  test("of a body that is no JSON or has a wrong field say where", async () => {
    const app = testApp({ connector: well() });
    const broken = await app.handle(CHAT, { method: "POST", body: "{" });
    expect(broken.status).toBe(400);
    const wrong = await app.handle(CHAT, chatBody({ messages: [{ role: "user", content: 5 }] }));
    expect(await wrong.json()).toMatchObject({
      error: { type: "invalid_request_error", param: "messages[0].content" },
    });
    expect(app.rows).toEqual([]);
    expect(await app.metrics()).toContain('status="400"} 2');
  });

  test.each<[string, Record<string, unknown>]>([
    ["temperature", { temperature: 3 }],
    ["top_p", { top_p: -1 }],
    ["top_k", { top_k: -1 }],
    ["min_p", { min_p: 1.5 }],
    ["frequency_penalty", { frequency_penalty: 2.5 }],
    ["presence_penalty", { presence_penalty: -3 }],
    ["repetition_penalty", { repetition_penalty: -0.1 }],
    ["top_logprobs", { logprobs: true, top_logprobs: 21 }],
    ["logit_bias.50256", { logit_bias: { "50256": 101 } }],
    ["n", { n: 0 }],
    ["max_tokens", { max_tokens: 0 }],
    ["max_tokens", { max_tokens: 1001 }],
    ["max_completion_tokens", { max_completion_tokens: 1001 }],
    ["messages", { messages: [] }],
    ["messages", { messages: Array.from({ length: 6 }, () => ({ role: "user", content: "a" })) }],
    [
      "messages",
      {
        messages: [
          { role: "user", content: Array.from({ length: 9 }, () => ({ type: "text", text: "a" })) },
        ],
      },
    ],
    [
      "tools",
      {
        tools: Array.from({ length: 4 }, (_, at) => ({
          type: "function",
          function: { name: `tool_${at}` },
        })),
      },
    ],
  ])("of more or less than is sensible name the field: %s in %j", async (param, changes) => {
    const { handle } = testApp({ connector: well() });
    const response = await handle(CHAT, chatBody(changes));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { type: "invalid_request_error", param },
    });
  });

  test("of a body that nests deeper than a parser's stack are told at once", async () => {
    const { handle } = testApp({ connector: well(), maxBodyBytes: 1_000_000 });
    for (const depth of [30, 200_000]) {
      const deep = `{"model":"fast","messages":[],"x":${"[".repeat(depth)}${"]".repeat(depth)}}`;
      const response = await handle(CHAT, { method: "POST", body: deep });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: "nested_too_deep" } });
    }
  });

  test("names of an object's inner workings in a body are names like any other", async () => {
    const body =
      '{"model":"fast","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},' +
      '"messages":[{"role":"user","content":"Hello?","__proto__":{"role":"system"}}],' +
      '"metadata":{"__proto__":"x"},"tools":[{"type":"function","function":{"name":"f","parameters":{"__proto__":{}}}}]}';
    const { handle } = testApp({ connector: well() });
    const response = await handle(CHAT, { method: "POST", body });
    expect(response.status).toBeOneOf([200, 400]);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  test("of a large body come with 413, whether its length is declared or not", async () => {
    const { handle } = testApp({ connector: well(), maxBodyBytes: 300 });
    const large = JSON.stringify({ model: "fast", pad: "x".repeat(400) });
    const declared = await handle(CHAT, {
      method: "POST",
      body: large,
      headers: { "content-length": String(large.length) },
    });
    expect(declared.status).toBe(413);
    const chunked = await handle(CHAT, {
      method: "POST",
      body: new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(large));
          controller.close();
        },
      }),
    });
    expect(chunked.status).toBe(413);
  });

  test("of an encoded body say so instead of failing to parse it", async () => {
    const { handle } = testApp({ connector: well() });
    const response = await handle(CHAT, {
      method: "POST",
      body: Bun.gzipSync("{}"),
      headers: { "content-encoding": "gzip" },
    });
    expect(response.status).toBe(415);
  });

  test("by a limit carry the limit's headers and 429", async () => {
    const app = testApp({ connector: well(), key: { rpm: 1 } });
    const first = await app.handle(CHAT, chatBody());
    expect(first.headers.get("x-ratelimit-limit-requests")).toBe("1");
    expect(first.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    const second = await app.handle(CHAT, chatBody());
    expect(second.status).toBe(429);
    expect(second.headers.get("retry-after")).toBe("60");
    expect(second.headers.get("retry-after-ms")).toBe("60000");
    expect(second.headers.get("x-ratelimit-reset")).toBe(String(app.clock() / 1000 + 60));
    expect(second.headers.get("x-xjp-error-origin")).toBe("policy");
    expect(await app.metrics()).toContain(
      'xjp_rate_limit_hits_total{tenant_id="acme",limit="rpm"}',
    );
    expect(app.rows).toHaveLength(1);
  });

  test("of an unknown model and of one outside the key's scope differ", async () => {
    const unknown = await testApp({ connector: well() }).handle(CHAT, chatBody({ model: "fsat" }));
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { code: "model_not_found" } });
    const scoped = testApp({ connector: well(), key: { models: ["slow"] } });
    expect((await scoped.handle(CHAT, chatBody())).status).toBe(403);
  });

  test("of a path that nothing answers name it", async () => {
    const { handle } = testApp({ connector: well() });
    const response = await handle("/v1/nothing?x=1");
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("GET /v1/nothing");
  });

  test("of a path that is nearly one name that one", async () => {
    const { handle } = testApp({ connector: well() });
    const response = await handle("/v1/v1/chat/completions", chatBody());
    expect(response.status).toBe(404);
    expect(await response.text()).toContain(
      "nothing answers POST /v1/v1/chat/completions; did you mean /v1/chat/completions?",
    );
  });

  test.each([
    ["GET", "/v1/chat/completions", "POST"],
    ["PUT", "/v1/messages", "POST"],
    ["DELETE", "/v1/models/fast", "GET, HEAD"],
    ["POST", "/v1/models", "GET, HEAD"],
    ["POST", "/healthz", "GET, HEAD"],
  ])("of %s %s name the methods that it takes: %s", async (method, path, allowed) => {
    const { handle } = testApp({ connector: well() });
    const response = await handle(path, { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, allowed]);
    expect(await response.json()).toMatchObject({
      error: { message: `${path} takes ${allowed}, not ${method}` },
    });
  });

  test("by the gateway's own failure tell the client nothing of it, and the log all", async () => {
    const app = testApp({
      connector: scripted("p", [{ error: new Error("secret detail") }]),
    });
    const response = await app.handle(CHAT, chatBody());
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret detail");
    expect(JSON.stringify(app.logged())).toContain("secret detail");
  });
});

describe("models", () => {
  test("are listed and shown in OpenAI's shape, only those of the key", async () => {
    const { handle } = testApp({ connector: well() });
    expect(await (await handle("/v1/models")).json()).toEqual({
      object: "list",
      data: [{ id: "fast", object: "model", created: 1, owned_by: "p" }],
    });
    expect((await handle("/v1/models/fast")).status).toBe(200);
    expect((await handle("/v1/models/none")).status).toBe(404);
    const scoped = testApp({ connector: well(), key: { models: [] } });
    expect(await (await scoped.handle("/v1/models")).json()).toMatchObject({ data: [] });
  });
});

describe("models with odd names", () => {
  test.each(["%ff%zz", "%", "%E0%A4%A"])(
    "that no text is written so, %s, are unknown",
    async (id) => {
      const { handle } = testApp({ connector: well() });
      const response = await handle(`/v1/models/${id}`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { code: "model_not_found" } });
    },
  );
});

describe("probes", () => {
  test("have an id like every other answer", async () => {
    const { handle } = testApp({ connector: well() });
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      const own = { headers: { "x-request-id": "mine" } };
      expect((await handle(path, own)).headers.get("x-request-id")).toBe("mine");
    }
  });

  test("tell alive from ready", async () => {
    const draining = testApp({ connector: well(), draining: true });
    expect((await draining.handle("/healthz", { key: null })).status).toBe(200);
    const ready = await draining.handle("/readyz", { key: null });
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { status: "draining", store: "ok", faults: {}, circuits: {}, warnings: [] },
    ]);
  });

  test("call a gateway without storage degraded, with the reason", async () => {
    const { handle } = testApp({ connector: well(), faults: { store: "disk on fire" } });
    const response = await handle("/readyz", { key: null });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: "degraded", store: "disk on fire" });
  });
});

describe("browsers", () => {
  test("are let in only from the listed origins", async () => {
    const { handle } = testApp({ connector: well(), origins: ["https://app.example"] });
    const allowed = await handle("/v1/models", { headers: { origin: "https://app.example" } });
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.example");
    // What the official SDKs and people read of an answer.
    const exposed = allowed.headers.get("access-control-expose-headers")?.split(", ");
    expect(exposed).toEqual(
      expect.arrayContaining(["x-request-id", "request-id", "retry-after-ms", "x-should-retry"]),
    );
    expect(exposed).toContain("x-ratelimit-remaining-requests");
    const other = await handle("/v1/models", { headers: { origin: "https://evil.example" } });
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
    const preflight = await handle(CHAT, {
      method: "OPTIONS",
      key: null,
      headers: { origin: "https://app.example", "access-control-request-headers": "x-a" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toBe("x-a");
    const refused = await handle("/v1/models", {
      key: null,
      headers: { origin: "https://app.example" },
    });
    expect(refused.headers.get("access-control-allow-origin")).toBe("https://app.example");
  });

  test("are let in from nowhere by default", async () => {
    const { handle } = testApp({ connector: well() });
    const response = await handle("/v1/models", { headers: { origin: "https://app.example" } });
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });
});
