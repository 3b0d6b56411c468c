/** Faults before an answer has begun, at both doors: the client sees an answer, or an error that says what happened. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { DOORS } from "./_doors.ts";
import { answers, resets, says, sendsHeadOnly, staysSilent, TEXT, WORDS } from "./_provider.ts";
import { billed, type FaultRig, startFaultRig } from "./_rig.ts";

const CONTEXT = { message: "maximum context length is 8192", code: "context_length_exceeded" };

let rig: FaultRig;

beforeAll(async () => {
  rig = await startFaultRig({
    pair: {},
    urged: {},
    single: { routes: [""] },
    waits: {},
    names: { routes: [""] },
    pool: { provider: "keys", routes: ["retry = { max_retries = 0 }"] },
    limited: { routes: [""] },
    long: {
      routes: [
        "capabilities = { context_tokens = 8192 }",
        "capabilities = { context_tokens = 9000 }",
      ],
    },
    short: { routes: ["capabilities = { context_tokens = 8192 }", ""] },
  });
});

afterAll(async () => {
  await rig.stop();
});

describe.each(DOORS.map((door) => [door.name, door] as const))("%s", (_name, door) => {
  describe.each([[false], [true]])("streamed: %p", (stream) => {
    const ask = (model: string, headers: Record<string, string> = {}) =>
      rig.ask(model, { door, stream, headers });

    test("one 500 is tried again where it came from", async () => {
      rig.one.acts("pair", says(500), answers());
      const got = await ask("pair");
      expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1, errors: [] });
      expect([got.one.length, got.two.length]).toEqual([2, 0]);
      expect(got.headers.get("x-xjp-attempts")).toBe("2");
      expect(got.ms).toBeLessThan(2000);
      expect(got.row).toMatchObject({ status: "ok", provider: "one", attempts: 2 });
      expect(got.row).toMatchObject(billed(...got.one.slice(1)));
    });

    test("503 for ever goes to the next provider, whose model and usage are told", async () => {
      rig.one.acts("pair", says(503));
      rig.two.acts("pair", answers({ words: WORDS.slice(0, 7) }));
      const got = await ask("pair");
      expect(got).toMatchObject({ status: 200, text: WORDS.slice(0, 7).join(""), outputTokens: 7 });
      expect([got.one.length, got.two.length]).toEqual([3, 1]);
      if (!stream) expect(got.headers.get("x-xjp-provider")).toBe("two");
      expect(got.row).toMatchObject({ status: "ok", provider: "two", attempts: 4 });
      expect(got.row).toMatchObject(billed(...got.two));
    });

    test("503 for ever everywhere is told as it is, costs nothing, and is not to be tried again", async () => {
      rig.one.acts("single", says(503, {}, { message: "no capacity" }));
      const got = await ask("single");
      expect([200, 503, 529]).toContain(got.status);
      expect([got.goodEnds, got.errors.length]).toEqual([0, 1]);
      expect(got.bytes).toContain("no capacity");
      expect(got.one).toHaveLength(3);
      expect(got.headers.get("x-should-retry")).toBe("false");
      expect(got.row).toMatchObject({ status: "failed", attempts: 3, cost_nano_usd: 0 });
    });

    test("a reset before the headers is tried again", async () => {
      rig.one.acts("pair", resets, resets, answers());
      const got = await ask("pair");
      expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1 });
      expect(got.row).toMatchObject({ provider: "one", status: "ok" });
      expect(got.row).toMatchObject(billed(...got.one.slice(-1)));
    });

    test("no answer at all is given up after the headers timer, once, for the next provider", async () => {
      rig.one.acts("pair", staysSilent);
      rig.two.acts("pair", answers());
      const got = await ask("pair");
      expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1 });
      expect([got.one.length, got.two.length]).toEqual([1, 1]);
      expect(got.ms).toBeGreaterThan(390);
      expect(got.ms).toBeLessThan(2500);
      expect(got.row).toMatchObject({ provider: "two", attempts: 2 });
      expect(got.row).toMatchObject(billed(...got.two));
    });

    test("no answer from anybody names the timer", async () => {
      rig.one.acts("single", staysSilent);
      const got = await ask("single");
      expect(got).toMatchObject({ status: 504, goodEnds: 0 });
      expect(got.bytes).toContain("headers timer");
      // Hosts inside are the operator's business.
      const { host } = new URL(rig.one.url);
      expect(got.bytes).toContain("the provider sent no response headers");
      expect(got.bytes).not.toContain(host);
      expect(got.row["error_message"]).toStartWith(`${host} sent no response headers`);
      expect(got.one).toHaveLength(1);
      expect(got.row).toMatchObject({ status: "failed", status_code: 504, cost_nano_usd: 0 });
    });

    test("a context that is too short leads to the model with the larger one", async () => {
      rig.one.acts("long", says(400, {}, CONTEXT));
      rig.two.acts("long", answers());
      const got = await ask("long");
      expect(got).toMatchObject({ status: 200, text: TEXT });
      expect([got.one.length, got.two.length]).toEqual([1, 1]);
      expect(got.row).toMatchObject({ provider: "two" });
      expect(got.row).toMatchObject(billed(...got.two));
    });

    test("a context that is too short with no larger one listed is told to the client", async () => {
      rig.one.acts("short", says(400, {}, CONTEXT));
      rig.two.acts("short", answers());
      const got = await ask("short");
      expect(got.status).toBe(400);
      expect([got.one.length, got.two.length]).toEqual([1, 0]);
      expect(got.row).toMatchObject({ status: "failed", status_code: 400, cost_nano_usd: 0 });
    });

    test("a refusal by content policy is not shopped around", async () => {
      rig.one.acts(
        "pair",
        says(400, {}, { message: "not this", code: "content_policy_violation" }),
      );
      rig.two.acts("pair", answers());
      const got = await ask("pair");
      expect(got.status).toBe(400);
      expect(got.bytes).toContain("not this");
      expect([got.one.length, got.two.length]).toEqual([1, 0]);
      expect(got.headers.get("x-should-retry")).toBe("false");
      expect(got.row).toMatchObject({ status: "failed", attempts: 1, cost_nano_usd: 0 });
    });

    test("429 for ever without a time goes to the next provider after the retries", async () => {
      rig.one.acts("urged", says(429));
      rig.two.acts("urged", answers());
      const got = await ask("urged");
      expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1 });
      // While it rests it is not even asked.
      expect([0, 3]).toContain(got.one.length);
      expect(got.two).toHaveLength(1);
      expect(got.ms).toBeLessThan(2000);
      expect(got.row).toMatchObject({ provider: "two", ...billed(...got.two) });
    });

    test("429 with a time in milliseconds is waited for", async () => {
      rig.one.acts("waits", says(429, { "retry-after-ms": "300" }), answers());
      const got = await ask("waits");
      expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1 });
      expect([got.one.length, got.two.length]).toEqual([2, 0]);
      expect(between(got.one)).toBeGreaterThanOrEqual(299);
      expect(between(got.one)).toBeLessThan(1500);
      expect(got.row).toMatchObject({ provider: "one", attempts: 2 });
      expect(got.row).toMatchObject(billed(...got.one.slice(1)));
    });
  });

  test("headers and then silence is given up after the first-event timer", async () => {
    rig.one.acts("pair", sendsHeadOnly);
    rig.two.acts("pair", answers());
    const got = await rig.ask("pair", { door, stream: true });
    expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1 });
    expect([got.one.length, got.two.length]).toEqual([1, 1]);
    expect(got.ms).toBeGreaterThan(390);
    expect(got.ms).toBeLessThan(2500);
    expect(got.row).toMatchObject(billed(...got.two));
  });

  test("429 for ever is told with its time, and rests the target for the next request", async () => {
    const model = door.path.includes("messages") ? "names" : "limited";
    rig.one.acts(model, says(429, { "retry-after": "60" }));
    const got = await rig.ask(model, { door });
    expect(got.status).toBe(429);
    expect(got.headers.get("retry-after")).toBe("60");
    expect(got.one).toHaveLength(1);
    expect(got.ms).toBeLessThan(2000);
    expect(got.row).toMatchObject({ status: "failed", cost_nano_usd: 0 });
    const next = await rig.ask(model, { door });
    expect([next.status, next.one.length]).toEqual([429, 0]);
    expect(Number(next.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(next.row).toMatchObject({ attempts: 0, cost_nano_usd: 0 });
  });
});

describe("a time to wait", () => {
  test("of 2 seconds is waited for", async () => {
    rig.one.acts("waits", says(429, { "retry-after": "2" }), answers());
    const got = await rig.ask("waits");
    expect(got).toMatchObject({ status: 200, text: TEXT });
    expect(between(got.one)).toBeGreaterThanOrEqual(1999);
    expect(between(got.one)).toBeLessThan(3500);
    expect(got.row).toMatchObject(billed(...got.one.slice(1)));
  });

  test("may be a date", async () => {
    const now = Date.now();
    const [date, later] = [now, now + 1000].map((time) => new Date(time).toUTCString());
    rig.one.acts("waits", says(429, { date: date ?? "", "retry-after": later ?? "" }), answers());
    const got = await rig.ask("waits");
    expect(got.status).toBe(200);
    expect(between(got.one)).toBeGreaterThanOrEqual(999);
  });

  test("may be Google's RetryInfo", async () => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "0.5s" }];
    rig.one.acts("waits", says(429, {}, { status: "RESOURCE_EXHAUSTED", details }), answers());
    const got = await rig.ask("waits");
    expect(got.status).toBe(200);
    expect(between(got.one)).toBeGreaterThanOrEqual(499);
  });

  test("that the client does not have leads to the next provider", async () => {
    rig.one.acts("waits", says(429, { "retry-after": "5" }));
    rig.two.acts("waits", answers());
    const got = await rig.ask("waits", { headers: { "x-stainless-timeout": "3" } });
    expect(got).toMatchObject({ status: 200, text: TEXT });
    expect([got.one.length, got.two.length]).toEqual([1, 1]);
    expect(got.ms).toBeLessThan(2000);
  });
});

describe("a provider with several keys", () => {
  test("is asked with the next one at once, and the limited one rests", async () => {
    rig.keys.acts("pool", (line, call) =>
      (keyOf(call) === "Bearer key-three" ? answers() : says(429, { "retry-after": "60" }))(
        line,
        call,
      ),
    );
    const got = await rig.ask("pool");
    expect(got).toMatchObject({ status: 200, text: TEXT });
    const first = rig.keys.log("pool").map(keyOf);
    expect(new Set(first).size).toBe(first.length);
    expect(first.at(-1)).toBe("Bearer key-three");
    expect(got.ms).toBeLessThan(1000);
    expect(got.row).toMatchObject({
      attempts: first.length,
      ...billed(...rig.keys.log("pool").slice(-1)),
    });
    const next = await rig.ask("pool");
    expect(rig.keys.log("pool").slice(first.length).map(keyOf)).toEqual(["Bearer key-three"]);
    expect(next.row).toMatchObject({ attempts: 1, status: "ok" });
  });
});

describe("one deadline", () => {
  test("holds over all attempts, the client's if it is the smaller", async () => {
    rig.one.acts("pair", staysSilent);
    rig.two.acts("pair", staysSilent);
    const got = await rig.ask("pair", { headers: { "x-stainless-timeout": "0.6" } });
    expect(got.status).toBe(504);
    expect(got.bytes).toContain("total timer");
    expect(got.ms).toBeGreaterThan(590);
    expect(got.ms).toBeLessThan(2000);
    expect(got.row).toMatchObject({ attempts: 2, status: "failed" });
  });
});

test("each timer is counted by its name", async () => {
  const page = await (await fetch(`${rig.gateway.url}/metrics`)).text();
  for (const timer of ["headers", "first-event", "total"])
    expect(page).toMatch(
      new RegExp(`xjp_upstream_timeouts_total\\{provider="(one|two)",timer="${timer}"\\} [1-9]`),
    );
});

function keyOf(call: { readonly headers: Headers }): string {
  return call.headers.get("authorization") ?? "";
}

/** Milliseconds between the first two requests. */
function between(calls: readonly { readonly at: number }[]): number {
  return (calls[1]?.at ?? Number.NaN) - (calls[0]?.at ?? Number.NaN);
}
