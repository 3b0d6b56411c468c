/** Idempotency-Key through the built binary, in both dialects, on one gateway and on two. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { countOf, type Fleet, startFleet } from "../support/fleet.ts";
import { makeDatabase, newestServer } from "../support/postgres.ts";
import { parseMetrics, sumOf } from "../support/prometheus.ts";
import { isWithoutRedis, startRedis } from "../support/redis.ts";
import { createGate, jsonReply, sse, streamReply } from "../support/reply.ts";
import { chunk, lastChunk, reply, usageChunk } from "../support/samples.ts";
import { waitFor } from "../support/wait-for.ts";

const backends: readonly (readonly [string, () => Promise<Opened>])[] = [
  ["SQLite", async () => ({ options: {}, close: () => Promise.resolve() })],
  [
    "PostgreSQL",
    async () => {
      const database = await makeDatabase(newestServer());
      return { options: { database: database.url }, close: () => database.drop() };
    },
  ],
  ...(isWithoutRedis() ? [] : [["Redis", onRedis] as const]),
];

type Opened = {
  readonly options: { readonly database?: string; readonly redis?: string };
  close(): Promise<void>;
};

async function onRedis(): Promise<Opened> {
  const redis = await startRedis();
  return { options: { redis: redis.url }, close: () => redis.remove() };
}

type Asked = { readonly status: number; readonly headers: Headers; readonly text: string };

describe.each(backends)("answers kept in %s", (_, open) => {
  let opened: Opened;
  let fleet: Fleet;
  let key: string;
  let numbers = 0;
  beforeAll(async () => {
    opened = await open();
    fleet = await startFleet({ size: 2, ...opened.options });
    ({ key } = await fleet.first.makeKey("acme"));
  }, 60_000);
  afterAll(async () => {
    await fleet.stop();
    await opened.close();
  }, 60_000);
  beforeEach(() => {
    fleet.upstream.forget();
    fleet.upstream.answer(({ text }) =>
      text.includes('"stream":true')
        ? streamReply([
            sse([chunk(`Hello ${++numbers}`), lastChunk(), usageChunk({ input: 3, output: 2 })]),
          ])
        : jsonReply(reply(`Hello ${++numbers}`, { input: 3, output: 2 })),
    );
  });

  const post = async (
    idempotencyKey: string,
    options: {
      readonly path?: string;
      readonly body?: object;
      readonly at?: number;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<Asked> => {
    const gateway = fleet.gateways[options.at ?? 0] ?? fleet.first;
    const answer = await fetch(gateway.url + (options.path ?? "/v1/chat/completions"), {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "idempotency-key": idempotencyKey,
        "anthropic-version": "2023-06-01",
      },
      body: JSON.stringify(options.body ?? BODY),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };

  test.each([
    ["/v1/chat/completions", false],
    ["/v1/chat/completions", true],
    ["/v1/messages", false],
    ["/v1/messages", true],
  ])("are given again at %s, streamed %p, on every instance", async (path, stream) => {
    const name = `again-${path}-${stream}`;
    const body = { ...BODY, stream };
    const first = await post(name, { path, body });
    expect(first.status).toBe(200);
    expect(first.headers.has("x-xjp-idempotent-replay")).toBe(false);
    for (const at of [0, 1]) {
      const again = await waitFor("the answer to be kept", async () => {
        const asked = await post(name, { path, body, at });
        return asked.status === 409 ? undefined : asked;
      });
      expect(again.text).toBe(first.text);
      expect(again.headers.get("x-xjp-idempotent-replay")).toBe("true");
      expect(again.headers.get("x-xjp-provider")).toBe("only");
      expect(again.headers.get("content-type")).toBe(first.headers.get("content-type"));
      expect(again.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
    }
    expect(fleet.upstream.calls).toHaveLength(1);
  });

  test("are waited for by those that come meanwhile, and asked for again elsewhere", async () => {
    const gate = createGate();
    fleet.upstream.answer(async () => {
      await gate.opened;
      return jsonReply(reply("Hello.", { input: 3, output: 2 }));
    });
    const first = post("meanwhile");
    await waitFor("the request to arrive", () => fleet.upstream.calls.length === 1);
    const joined = post("meanwhile");
    const elsewhere = await post("meanwhile", { at: 1 });
    expect(elsewhere.status).toBe(409);
    expect(elsewhere.headers.get("retry-after")).toBe("1");
    expect(elsewhere.headers.has("x-should-retry")).toBe(false);
    gate.open();
    const texts = await Promise.all([first, joined]);
    expect(texts.map(({ status }) => status)).toEqual([200, 200]);
    expect(texts[1]?.text).toBe(texts[0]?.text ?? "");
    expect(texts[1]?.headers.get("x-xjp-idempotent-replay")).toBe("true");
    expect(fleet.upstream.calls).toHaveLength(1);
  });

  test("outlive the client that asked for them first", async () => {
    const gate = createGate();
    fleet.upstream.answer(async () => {
      await gate.opened;
      return jsonReply(reply("Hello.", { input: 3, output: 2 }));
    });
    const leaving = new AbortController();
    const left = post("left", { signal: leaving.signal }).catch(() => undefined);
    await waitFor("the request to arrive", () => fleet.upstream.calls.length === 1);
    leaving.abort();
    await left;
    const again = post("left");
    gate.open();
    expect((await again).status).toBe(200);
    expect(fleet.upstream.calls).toHaveLength(1);
  });

  test.each(["/v1/chat/completions", "/v1/messages"])(
    "are refused to another body at %s",
    async (path) => {
      await post(`body-${path}`, { path });
      const other = await post(`body-${path}`, { path, body: { ...BODY, max_tokens: 7 } });
      expect(other.status).toBe(422);
      expect(other.headers.get("x-should-retry")).toBe("false");
      expect(other.text).toContain("Idempotency-Key");
      expect(fleet.upstream.calls).toHaveLength(1);
    },
  );

  test("are kept only if they went well", async () => {
    fleet.upstream.answer(() => jsonReply('{"error":{"message":"busy"}}', 503));
    expect((await post("failing")).status).toBe(503);
    fleet.upstream.answer(() => jsonReply(reply("Hello.", { input: 3, output: 2 })));
    const again = await waitFor("the key to be free", async () => {
      const asked = await post("failing");
      return asked.status === 200 ? asked : undefined;
    });
    expect(again.headers.has("x-xjp-idempotent-replay")).toBe(false);
  });

  test("are not kept of a stream that broke off", async () => {
    const body = { ...BODY, stream: true };
    fleet.upstream.answer(() => streamReply([sse([chunk("Hel")], false)]));
    expect((await post("broken", { body })).text).toContain("error");
    fleet.upstream.answer(() => streamReply([sse([chunk("Hello."), lastChunk()])]));
    const again = await post("broken", { body });
    expect(again.text).toContain("Hello.");
    expect(again.headers.has("x-xjp-idempotent-replay")).toBe(false);
  });

  test("cost nothing, count for no limit and leave no row", async () => {
    const made = await fleet.first.makeKey("frugal", ["--rpm", "0", "--rpd", "1"]);
    const headers = { "idempotency-key": "frugal" };
    expect(await fleet.crowd(made.key, 1, headers)).toEqual([200]);
    await waitFor("the answer to be kept", async () => {
      const statuses = await fleet.crowd(made.key, 10, headers);
      return countOf(statuses, 200) === 10;
    });
    // With SQLite each gateway counts by itself, and only one has seen the request.
    expect(countOf(await fleet.crowd(made.key, 4), 429)).toBeGreaterThanOrEqual(3);
    const page = await (await fetch(`${fleet.first.url}/metrics`)).text();
    const samples = parseMetrics(page);
    const of = { tenant_id: "frugal" };
    expect(sumOf(samples, "xjp_tokens_total", { ...of, type: "input" })).toBe(3);
    expect(sumOf(samples, "xjp_idempotent_requests_total", of)).toBeGreaterThanOrEqual(5);
    await waitFor("the row to be in the books", async () => {
      const report = await fleet.first.run(
        "usage report --tenant frugal --since 1d --format json".split(" "),
      );
      return report.stdout.includes('"requests": 1');
    });
  });
});

const BODY = {
  model: "chat",
  max_tokens: 100,
  messages: [{ role: "user", content: "Say something." }],
};
