import { describe, expect, test } from "bun:test";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import { createAbort } from "../../../src/server/gateway/abort.ts";
import { estimateInput } from "../../../src/server/gateway/estimate.ts";
import { route, setup } from "./_targets.ts";
import { ANSWER, chatRequest, exchange, limited } from "./_setup.ts";

const down = new ChatError("unavailable", "down");
const badRequest = new ChatError("invalid-request", "no such field");

const holding = (name: string, contextTokens?: number) =>
  route(name, { stated: contextTokens === undefined ? {} : { contextTokens } });

describe("failover", () => {
  test("answers from the first route when it is well", async () => {
    const { run, attempts } = setup({ a: [{ events: ANSWER }], b: [{ events: ANSWER }] });
    const result = await run([route("a"), route("b")]);
    expect(result.text).toBe("Mount Everest");
    expect(result.seen).toEqual(ANSWER.map((event) => event.type));
    expect([result.exchange.provider, result.exchange.attempts]).toEqual(["a", 1]);
    expect(attempts).toEqual(["a:ok"]);
  });

  test("retries a route as often as it may, then goes to the next", async () => {
    const { run, attempts } = setup({ a: [{ error: down }], b: [{ events: ANSWER }] });
    const result = await run([route("a", { retry: { maxRetries: 2, backoffMs: 0 } }), route("b")]);
    expect(result.text).toBe("Mount Everest");
    expect(attempts).toEqual(["a:unavailable", "a:unavailable", "a:unavailable", "b:ok"]);
    expect(result.exchange.attempts).toBe(4);
  });

  test("does not shop a caller's mistake around", async () => {
    const { run, connectors } = setup({ a: [{ error: badRequest }], b: [{ events: ANSWER }] });
    const result = await run([route("a", { retry: { maxRetries: 2, backoffMs: 0 } }), route("b")]);
    expect(result.error?.kind).toBe("invalid-request");
    expect([connectors["a"]?.calls, connectors["b"]?.calls]).toEqual([1, 0]);
  });

  test("goes on to the next route when a target cannot express the request", async () => {
    const cannot = new ChatError("invalid-request", "no video here", { tryElsewhere: true });
    const { run } = setup({ a: [{ error: cannot }], b: [{ events: ANSWER }] });
    expect((await run([route("a"), route("b")])).exchange.provider).toBe("b");
  });

  test("hides a failure that comes before anything meaningful", async () => {
    const { run } = setup({
      a: [{ events: ANSWER.slice(0, 2), error: down }],
      b: [{ events: ANSWER }],
    });
    const result = await run([route("a"), route("b")]);
    expect(result.seen).toEqual(ANSWER.map((event) => event.type));
  });

  test("throws what breaks an answer after it began, and tries nothing else", async () => {
    const { run, connectors } = setup({
      a: [{ events: ANSWER.slice(0, 3), error: down }],
      b: [{ events: ANSWER }],
    });
    const result = await run([route("a", { retry: { maxRetries: 5, backoffMs: 0 } }), route("b")]);
    expect(result.error).toBe(down);
    expect(result.text).toBe("Mount Everest");
    expect([connectors["a"]?.calls, connectors["b"]?.calls]).toEqual([1, 0]);
  });

  test("does not try a silent route again but leaves it for the next", async () => {
    const silent = new ChatError("timeout", "silence", { timer: "first-event" });
    const { run, attempts } = setup({ a: [{ error: silent }], b: [{ events: ANSWER }] });
    await run([route("a", { retry: { maxRetries: 3, backoffMs: 0 } }), route("b")]);
    expect(attempts).toEqual(["a:timeout", "b:ok"]);
  });

  test("gives up a Retry-After that does not fit the deadline", async () => {
    const error = limited(20_000);
    const { run, clock, attempts } = setup({ a: [{ error }], b: [{ error }] });
    const result = await run([route("a", { retry: { maxRetries: 3, backoffMs: 0 } }), route("b")], {
      exchange: exchange({ deadline: clock() + 10_000 }),
    });
    expect(attempts).toEqual(["a:rate-limited", "b:rate-limited"]);
    expect(result.error?.retryAfterMs).toBe(20_000);
  });

  test("stops at once when the client has gone", async () => {
    const gone = createAbort();
    gone.abort(new ChatError("cancelled", "the client went away"));
    const { run, connectors } = setup({
      a: [{ error: new ChatError("cancelled", "the client went away") }],
      b: [{ events: ANSWER }],
    });
    const result = await run([route("a"), route("b")], {
      exchange: exchange({ abort: gone }),
    });
    expect(result.error?.kind).toBe("cancelled");
    expect(connectors["b"]?.calls).toBe(0);
  });

  test("goes the same way for an answer in one piece", async () => {
    const { run, attempts } = setup({ a: [{ error: down }], b: [{ events: ANSWER }] });
    const retried = route("a", { retry: { maxRetries: 1, backoffMs: 0 } });
    const result = await run([retried, route("b")], { stream: false });
    expect(result.text).toBe("Mount Everest");
    expect(attempts).toEqual(["a:unavailable", "a:unavailable", "b:ok"]);
    expect([result.exchange.committed, result.exchange.attempts]).toEqual([true, 3]);
  });

  test("answers an empty stream with an error of the provider", async () => {
    const { run } = setup({ a: [{ events: [] }] });
    expect((await run([route("a")])).error?.kind).toBe("bad-upstream");
  });
});

describe("a request that its client gave up while the provider was silent", () => {
  const gone = new ChatError("cancelled", "the client went away");

  test("is charged for its input: the provider has read it, and may still be answering", async () => {
    const { run } = setup({ a: [{ error: gone }] });
    const { row } = await run([route("a")]);
    expect(row).toMatchObject({ outputTokens: 0, estimated: true });
    expect(row.inputTokens).toBe(estimateInput(chatRequest()));
  });

  test("is charged nothing if the provider had failed by then, or was never silent for good", async () => {
    const abort = createAbort();
    const { run } = setup({ a: [{ error: down }] });
    const retry = { maxRetries: 1, backoffMs: 60_000 };
    const ran = run([route("a", { retry })], { exchange: exchange({ abort }) });
    await Promise.resolve();
    abort.abort(gone);
    expect((await ran).row).toMatchObject({ inputTokens: 0, estimated: false });
    const next = setup({
      a: [{ error: new ChatError("timeout", "headers timer", { timer: "headers" }) }],
    });
    expect((await next.run([route("a")])).row).toMatchObject({ inputTokens: 0, estimated: false });
  });
});

describe("the budget of attempts", () => {
  const often = { retry: { maxRetries: 10, backoffMs: 0 } };

  test("holds over all retries and routes, and keeps one for each route", async () => {
    const { run, attempts } = setup({ a: [{ error: down }], b: [{ error: down }] });
    const result = await run([route("a", often), route("b", often)], { maxAttempts: 3 });
    expect(attempts).toEqual(["a:unavailable", "a:unavailable", "b:unavailable"]);
    expect(result.error).toBe(down);
  });

  test("shrinks by what the client has tried again itself", async () => {
    const { run, attempts } = setup({ a: [{ error: down }], b: [{ events: ANSWER }] });
    const retry = { maxRetries: 2, backoffMs: 0 };
    await run([route("a", { retry }), route("b")], {
      exchange: exchange({ headers: new Headers({ "x-stainless-retry-count": "1" }) }),
    });
    expect(attempts).toEqual(["a:unavailable", "a:unavailable", "b:ok"]);
  });

  test("asks nobody once the deadline has passed", async () => {
    const { run, clock, attempts } = setup({ a: [{ events: ANSWER }] });
    const late = exchange({ deadline: clock() });
    const { error } = await run([route("a")], { exchange: late });
    expect([error?.code, attempts.length]).toEqual(["timeout_total", 0]);
  });
});

describe("a request that is too long", () => {
  const tooLong = new ChatError("invalid-request", "the maximum context length is 8192 tokens", {
    code: "context_length_exceeded",
    upstreamStatus: 400,
  });

  test("goes to the next target that is known to hold more", async () => {
    const { run, attempts } = setup({
      a: [{ error: tooLong }],
      b: [{ events: ANSWER }],
      c: [{ events: ANSWER }],
    });
    await run([holding("a", 8192), holding("b", 8192), holding("c", 128_000)]);
    expect(attempts).toEqual(["a:invalid-request", "c:ok"]);
  });

  test("is told so when none holds more", async () => {
    const { run, attempts } = setup({ a: [{ error: tooLong }], b: [{ events: ANSWER }] });
    const { error } = await run([holding("a", 8192), holding("b")]);
    expect(error).toBe(tooLong);
    expect(attempts).toEqual(["a:invalid-request"]);
  });
});

describe("a limited target", () => {
  const patient = { retry: { maxRetries: 1, backoffMs: 0 } };

  test("is passed over by others while it rests", async () => {
    const { run, attempts } = setup({ a: [{ error: limited(9000) }], b: [{ events: ANSWER }] });
    await run([route("a"), route("b")]);
    await run([route("a"), route("b")]);
    expect(attempts).toEqual(["a:rate-limited", "b:ok", "b:ok"]);
  });

  test("that has no deputy is told with its time, without being asked again", async () => {
    const { run, attempts, clock } = setup({ a: [{ error: limited(9000) }] });
    await run([route("a")]);
    clock.advance(1000);
    const { error } = await run([route("a")]);
    expect([error?.kind, error?.traits.status, error?.retryAfterMs]).toEqual([
      "rate-limited",
      429,
      8000,
    ]);
    expect(attempts).toHaveLength(1);
  });

  test("that named no time is asked for want of another", async () => {
    const { run, attempts } = setup({ a: [{ error: limited() }, { events: ANSWER }] });
    await run([route("a")]);
    expect((await run([route("a")])).text).toBe("Mount Everest");
    expect(attempts).toEqual(["a:rate-limited", "a:ok"]);
  });

  test("is the last hope when the others fail", async () => {
    const { run, attempts } = setup({
      a: [{ error: limited() }, { events: ANSWER }],
      b: [{ events: ANSWER }, { error: down }],
    });
    await run([route("a"), route("b")]);
    expect((await run([route("a"), route("b")])).text).toBe("Mount Everest");
    expect(attempts).toEqual(["a:rate-limited", "b:ok", "b:unavailable", "a:ok"]);
  });

  test("is waited for if its time fits and retries are wanted", async () => {
    const { run, clock } = setup({ a: [{ error: limited(20) }, { events: ANSWER }] });
    await run([route("a")]);
    const ran = run([route("a", patient)]);
    clock.advance(25);
    expect((await ran).text).toBe("Mount Everest");
  });
});

describe("a client without patience", () => {
  test("does not open the circuit of a target for everybody", async () => {
    const { run, breaker, clock } = setup({
      a: [{ error: new ChatError("timeout", "late", { timer: "total", tryElsewhere: false }) }],
    });
    const impatient = () => exchange({ deadline: clock() + 1000, end: clock() + 60_000 });
    for (let count = 0; count < 9; count += 1) await run([route("a")], { exchange: impatient() });
    expect(breaker.states().size).toBe(0);
    const patient = () => exchange({ deadline: clock() + 1000, end: clock() + 1000 });
    for (let count = 0; count < 3; count += 1) await run([route("a")], { exchange: patient() });
    expect(breaker.states().get("a/m")).toBe("open");
  });
});

describe("circuits", () => {
  test("open after failures in a row and spare the target, then probe it", async () => {
    const { run, clock, connectors, breaker } = setup({
      a: [{ error: down }, { error: down }, { error: down }, { events: ANSWER }],
      b: [{ events: ANSWER }],
    });
    for (let count = 0; count < 5; count += 1) await run([route("a"), route("b")]);
    expect([connectors["a"]?.calls, connectors["b"]?.calls]).toEqual([3, 5]);
    expect(breaker.states().get("a/m")).toBe("open");
    clock.advance(30_000);
    expect((await run([route("a"), route("b")])).exchange.provider).toBe("a");
    expect(breaker.states().size).toBe(0);
  });

  test("all open are answered at once with the time of the soonest probe", async () => {
    const { run, clock } = setup({ a: [{ error: down }] });
    for (let count = 0; count < 3; count += 1) await run([route("a")]);
    clock.advance(10_000);
    const { error, exchange: record } = await run([route("a")]);
    expect([error?.code, error?.retryAfterMs, record.attempts]).toEqual([
      "circuit_open",
      20_000,
      0,
    ]);
  });
});
