import { describe, expect, test } from "bun:test";
import type { Connector, UpstreamMessage } from "../../../src/connectors/connector.ts";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import { createBreaker } from "../../../src/server/gateway/breaker.ts";
import type { Route } from "../../../src/server/gateway/catalog.ts";
import { createAbort } from "../../../src/server/gateway/abort.ts";
import type { Exchange } from "../../../src/server/gateway/exchange.ts";
import {
  type FailoverDeps,
  failoverStream,
  failoverWhole,
} from "../../../src/server/gateway/failover.ts";
import { capable } from "../../support/capable.ts";
import {
  ANSWER,
  BREAKER,
  type Script,
  chatRequest,
  exchange,
  fixedClock,
  scripted,
} from "./_setup.ts";

const TIMEOUTS = { connectMs: 1000, headersMs: 1000, firstEventMs: 1000, idleMs: 1000 };

function route(provider: string, changes: Partial<Pick<Route, "retry" | "timeoutMs">> = {}): Route {
  return {
    id: `${provider}/m`,
    provider,
    model: "m",
    timeoutMs: 60_000,
    retry: { maxRetries: 0, backoffMs: 0 },
    ability: { known: capable(), stated: {} },
    ...changes,
  };
}

function setup(scripts: Readonly<Record<string, readonly Script[]>>) {
  const clock = fixedClock();
  const connectors = Object.fromEntries(
    Object.entries(scripts).map(([name, list]) => [name, scripted(name, list)]),
  );
  const attempts: string[] = [];
  const breaker = createBreaker({ config: () => BREAKER, clock });
  const run = async (
    routes: readonly Route[],
    changes: { stream?: boolean; exchange?: Exchange } = {},
  ) => {
    const record = changes.exchange ?? exchange();
    let text = "";
    const seen: string[] = [];
    let error: ChatError | undefined;
    try {
      const deps: FailoverDeps = {
        connectors: new Map<string, Connector>(Object.entries(connectors)),
        breaker,
        timeouts: TIMEOUTS,
        clock,
        random: () => 0.5,
        onAttempt: (provider, outcome) => attempts.push(`${provider}:${outcome}`),
        onMalformed: (provider) => attempts.push(`${provider}:malformed`),
      };
      const see = ({ events }: UpstreamMessage): void => {
        for (const event of events) {
          seen.push(event.type);
          if (event.type === "text-delta") text += event.text;
        }
      };
      const request = chatRequest({ stream: changes.stream ?? true });
      if (!request.stream) see(await failoverWhole(request, routes, record, deps));
      else for await (const message of failoverStream(request, routes, record, deps)) see(message);
    } catch (thrown) {
      if (!(thrown instanceof ChatError)) throw thrown;
      error = thrown;
    }
    return { text, seen, error, exchange: record };
  };
  return { run, clock, connectors, attempts, breaker };
}

const down = new ChatError("unavailable", "down");
const badRequest = new ChatError("invalid-request", "no such field");

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
    const limited = new ChatError("rate-limited", "slow down", {
      retryHere: true,
      tryElsewhere: true,
      origin: "provider",
      retryAfterMs: 20_000,
    });
    const { run, clock, attempts } = setup({ a: [{ error: limited }], b: [{ error: limited }] });
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
