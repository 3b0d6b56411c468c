/** Limits of keys, tenants and models through the built binary: what clients of both dialects are told, and what is settled. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { isJsonObject } from "../../src/connectors/hub/json.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";
import { parseMetrics, sumOf } from "../support/prometheus.ts";
import { createGate, jsonReply } from "../support/reply.ts";
import { reply } from "../support/samples.ts";
import { waitFor } from "../support/wait-for.ts";

const SETTINGS = `
[prices.chat]
input = 1000
output = 1000
[tenants.small]
rpd = 3
[tenants.poor]
budget_usd_per_day = 0.05
[models.chat.limits]
concurrency = 2
`;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({ size: 1, more: SETTINGS });
}, 30_000);
beforeEach(() => {
  fleet.upstream.answer(() => jsonReply(reply("Hello.", { input: 30, output: 20 })));
});
afterAll(() => fleet.stop());

type Asked = { readonly status: number; readonly headers: Headers; readonly error: unknown };

async function post(key: string, path: string, fields: object = {}): Promise<Asked> {
  const answer = await fetch(fleet.first.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({
      model: "chat",
      max_tokens: 10,
      messages: [{ role: "user", content: "Say something." }],
      ...fields,
    }),
  });
  const body: unknown = await answer.json();
  const error = isJsonObject(body) ? body["error"] : undefined;
  return { status: answer.status, headers: answer.headers, error };
}

const OPENAI = "/v1/chat/completions";
const ANTHROPIC = "/v1/messages";
const doors: readonly (readonly [string])[] = [[OPENAI], [ANTHROPIC]];

describe("what is left", () => {
  test("is told in OpenAI's words", async () => {
    const { key } = await fleet.first.makeKey("acme", ["--rpm", "600", "--tpm", "6000"]);
    const { headers } = await post(key, OPENAI);
    expect(headers.get("x-ratelimit-limit-requests")).toBe("600");
    expect(headers.get("x-ratelimit-remaining-requests")).toBe("59");
    expect(headers.get("x-ratelimit-reset-requests")).toBe("100ms");
    expect(headers.get("x-ratelimit-limit-tokens")).toBe("6000");
    expect(Number(headers.get("x-ratelimit-remaining-tokens"))).toBeWithin(5900, 5990);
  });

  test("is told in Anthropic's words", async () => {
    const { key } = await fleet.first.makeKey("acme", ["--rpm", "600", "--tpm", "6000"]);
    const { headers } = await post(key, ANTHROPIC);
    expect(headers.get("anthropic-ratelimit-requests-limit")).toBe("600");
    expect(headers.get("anthropic-ratelimit-requests-remaining")).toBe("59");
    expect(headers.get("anthropic-ratelimit-tokens-limit")).toBe("6000");
    expect(Date.parse(headers.get("anthropic-ratelimit-requests-reset") ?? "")).toBeWithin(
      Date.now() - 5000,
      Date.now() + 5000,
    );
    expect(headers.has("x-ratelimit-limit-requests")).toBe(false);
  });

  test("is that of the tenant where it has less, and its keys share it", async () => {
    const one = await fleet.first.makeKey("small", ["--rpm", "0", "--rpd", "100"]);
    const two = await fleet.first.makeKey("small", ["--rpm", "0", "--rpd", "100"]);
    const { headers } = await post(one.key, OPENAI);
    expect(headers.get("x-ratelimit-limit-requests")).toBe("3");
    expect(headers.get("x-ratelimit-remaining-requests")).toBe("2");
    await post(two.key, OPENAI);
    await post(two.key, OPENAI);
    expect((await post(one.key, OPENAI)).status).toBe(429);
    const page = await (await fetch(`${fleet.first.url}/metrics`)).text();
    const hits = { tenant_id: "small", limit: "tenant_rpd" };
    expect(sumOf(parseMetrics(page), "xjp_rate_limit_hits_total", hits)).toBe(1);
  });
});

describe("a spent limit", () => {
  test.each(doors)("is told with when to come again at %s", async (path) => {
    const { key } = await fleet.first.makeKey("acme", ["--rpm", "30", "--rpd", "0"]);
    for (let count = 0; count < 10; count += 1) expect((await post(key, path)).status).toBe(200);
    const { status, headers, error } = await post(key, path);
    expect(status).toBe(429);
    expect(error).toMatchObject({
      type: path === ANTHROPIC ? "rate_limit_error" : expect.any(String),
      message: expect.stringContaining("30 requests a minute"),
    });
    const waitMs = Number(headers.get("retry-after-ms"));
    expect(waitMs).toBeWithin(1000, 2001);
    expect(headers.get("retry-after")).toBe(String(Math.ceil(waitMs / 1000)));
    expect(Number(headers.get("x-ratelimit-reset"))).toBeWithin(
      Math.floor(Date.now() / 1000),
      Math.ceil(Date.now() / 1000) + 3,
    );
    expect(headers.has("x-should-retry")).toBe(false);
    expect(headers.get("x-xjp-error-origin")).toBe("policy");
  });

  test("of tokens counts what was used, not what was reserved", async () => {
    const { key } = await fleet.first.makeKey("acme", ["--tokens-per-day", "170"]);
    // About 10 tokens of input and 10 of output reserved, 50 used.
    for (let count = 0; count < 3; count += 1) expect((await post(key, OPENAI)).status).toBe(200);
    const { status, error } = await post(key, OPENAI);
    expect(status).toBe(429);
    expect(error).toMatchObject({ message: expect.stringContaining("170 tokens a day") });
  });

  test("is known again after a restart", async () => {
    const { key } = await fleet.first.makeKey("acme", ["--rpd", "2", "--rpm", "0"]);
    await post(key, OPENAI);
    await post(key, OPENAI);
    await waitFor("the rows to be in the books", async () => {
      const page = await (await fetch(`${fleet.first.url}/metrics`)).text();
      return sumOf(parseMetrics(page), "xjp_usage_journal_pending") === 0;
    });
    await fleet.restart(0);
    expect((await post(key, OPENAI)).status).toBe(429);
  }, 30_000);
});

describe("a budget", () => {
  test.each(doors)("that is spent is told with 402 and no retry at %s", async (path) => {
    const { key } = await fleet.first.makeKey("acme", ["--budget", "0.055"]);
    // 50 tokens at $1,000 a million are 5 cents, and the next may cost one more.
    expect((await post(key, path)).status).toBe(200);
    expect((await post(key, path, { max_tokens: 1 })).status).toBe(402);
    const { headers, error } = await post(key, path, { max_tokens: 1 });
    expect(headers.get("x-should-retry")).toBe("false");
    expect(headers.has("retry-after")).toBe(false);
    expect(error).toMatchObject({
      ...(path === ANTHROPIC ? { type: "billing_error" } : { code: "insufficient_quota" }),
      message: expect.stringContaining("budget of $0.055 for the month"),
    });
  });

  test("of a tenant's day is shared by its keys, and a dear request is refused before it is sent", async () => {
    const one = await fleet.first.makeKey("poor");
    const two = await fleet.first.makeKey("poor");
    fleet.upstream.forget();
    const dear = await post(one.key, OPENAI, { max_tokens: 60 });
    expect(dear.status).toBe(402);
    expect(dear.error).toMatchObject({ message: expect.stringContaining("may cost $0.0") });
    expect(fleet.upstream.calls).toHaveLength(0);
    expect((await post(one.key, OPENAI)).status).toBe(200);
    expect((await post(two.key, OPENAI)).status).toBe(402);
  });
});

test("requests in flight of one key for a model are bounded, those of another key are not", async () => {
  const one = await fleet.first.makeKey("acme");
  const two = await fleet.first.makeKey("acme");
  const gate = createGate();
  fleet.upstream.forget();
  fleet.upstream.answer(async () => {
    await gate.opened;
    return jsonReply(reply("Hello.", { input: 30, output: 20 }));
  });
  const running = [post(one.key, OPENAI), post(one.key, OPENAI)];
  await waitFor("two requests in flight", () => fleet.upstream.calls.length === 2);
  const third = await post(one.key, OPENAI);
  expect(third.status).toBe(429);
  expect(third.error).toMatchObject({
    message: expect.stringContaining("2 requests in flight for the model chat"),
  });
  running.push(post(two.key, OPENAI));
  gate.open();
  expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await post(one.key, OPENAI)).status).toBe(200);
});
