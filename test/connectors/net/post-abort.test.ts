import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { getEventListeners } from "node:events";

import { ChatError } from "../../../src/connectors/hub/error.ts";
import { createPoster, type Poster } from "../../../src/connectors/net/post.ts";
import type { Reins } from "../../../src/connectors/net/exchange.ts";
import { type RawUpstream, startRawUpstream, STREAM_HEAD } from "../../contract/raw-upstream.ts";
import { waitFor, within } from "../../support/wait-for.ts";
import { PATIENT } from "../../contract/calling.ts";
import { errorOf } from "../../support/rejection.ts";
import { readAll, request } from "./posting.ts";

const REASON = new ChatError("cancelled", "the client went away");

let upstream: RawUpstream;
let poster: Poster;

beforeEach(() => {
  upstream = startRawUpstream((line) => {
    line.write(STREAM_HEAD);
    line.chunk("data: 1\n\n");
  });
  poster = createPoster();
});

afterEach(() => {
  poster.close();
  upstream.stop();
});

/** Resolves when the host has noticed that its caller is gone, which must take less than a second. */
async function hostNotices(): Promise<void> {
  const seen = upstream.seen.at(-1);
  expect(seen).toBeDefined();
  await within("the host to notice", seen?.closed ?? Promise.resolve(), 1000);
}

/** A signal may be of the request alone, which then aborts it itself, or of somebody else. */
const WAYS: readonly (readonly [string, (abort: AbortController) => Reins])[] = [
  ["of somebody else", ({ signal }) => ({ signal })],
  ["of its own", (abort) => ({ signal: abort.signal, abort: (reason) => abort.abort(reason) })],
];

describe.each(WAYS)("a request with a signal %s, when that is aborted", (_whose, reins) => {
  test("before it began is not sent", async () => {
    const abort = new AbortController();
    abort.abort(REASON);
    expect(await errorOf(poster.post(request(upstream.url, { reins: reins(abort) })))).toBe(REASON);
    expect(upstream.seen.length).toBe(0);
  });

  test("stops waiting for headers", async () => {
    upstream.script(() => undefined);
    const abort = new AbortController();
    const posted = errorOf(poster.post(request(upstream.url, { reins: reins(abort) })));
    await waitFor("the request to arrive", () => upstream.seen.length > 0);
    abort.abort(REASON);
    expect(await posted).toBe(REASON);
    await hostNotices();
  });

  test("stops a read that is under way", async () => {
    const abort = new AbortController();
    const reply = await poster.post(request(upstream.url, { reins: reins(abort) }));
    const chunks = reply.chunks();
    await chunks.next();
    const next = errorOf(chunks.next());
    abort.abort(REASON);
    expect(await next).toBe(REASON);
    await hostNotices();
  });

  test("closes the connection at once when nobody reads, and tells whoever reads next", async () => {
    const abort = new AbortController();
    const reply = await poster.post(request(upstream.url, { reins: reins(abort) }));
    const chunks = reply.chunks();
    await chunks.next();
    abort.abort(REASON);
    await hostNotices();
    expect(await errorOf(chunks.next())).toBe(REASON);
  });

  test("closes the connection when the body was never touched", async () => {
    const abort = new AbortController();
    await poster.post(request(upstream.url, { reins: reins(abort) }));
    abort.abort(REASON);
    await hostNotices();
  });

  test("stops the reading of a whole body, announced in length or not", async () => {
    for (const head of [STREAM_HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"]) {
      upstream.script((line) => line.write(head));
      const abort = new AbortController();
      const reply = await poster.post(
        request(upstream.url, { reins: reins(abort), stream: false }),
      );
      const text = errorOf(reply.text());
      abort.abort(REASON);
      expect(await text).toBe(REASON);
      await hostNotices();
    }
  });

  test("is told as a cancellation when the signal's reason says no more", async () => {
    const abort = new AbortController();
    abort.abort();
    const error = await errorOf(poster.post(request(upstream.url, { reins: reins(abort) })));
    expect(error.kind).toBe("cancelled");
  });

  test("stays well when it is aborted after its end", async () => {
    const abort = new AbortController();
    upstream.script((line) => line.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
    const reply = await poster.post(request(upstream.url, { reins: reins(abort), stream: false }));
    expect(await reply.text()).toBe("{}");
    abort.abort(REASON);
    upstream.script((line) => line.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
    await (await poster.post(request(upstream.url, { stream: false }))).text();
    expect(upstream.seen.map(({ connection }) => connection)).toEqual([1, 1]);
  });
});

test("nothing listens to a signal any more when the exchange is over, however it ended", async () => {
  const { signal } = new AbortController();
  const whole = { reins: { signal }, stream: false };
  upstream.script((line) => line.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"));
  await (await poster.post(request(upstream.url, whole))).text();
  await readAll((await poster.post(request(upstream.url, { reins: { signal } }))).chunks());
  upstream.script((line) => line.reset());
  await errorOf(poster.post(request(upstream.url, whole)));
  upstream.script(() => undefined);
  const timeouts = { ...PATIENT, headersMs: 10 };
  await errorOf(poster.post(request(upstream.url, { reins: { signal }, timeouts })));
  upstream.script((line) => line.write("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n"));
  await errorOf(poster.post(request(upstream.url, { reins: { signal } })));
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("a consumer that leaves early closes the connection", async () => {
  const reply = await poster.post(request(upstream.url));
  for await (const chunk of reply.chunks()) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  await hostNotices();
});

test("a consumer that fails closes the connection", async () => {
  const reply = await poster.post(request(upstream.url));
  const consume = async (): Promise<void> => {
    for await (const chunk of reply.chunks()) throw new Error(`no use for ${chunk.length} bytes`);
  };
  expect(await consume().catch(String)).toContain("no use for");
  await hostNotices();
});

test.each(WAYS)(
  "an abort of a signal %s, at any moment, ends the exchange in one of two ways and harms no other",
  async (_whose, reins) => {
    upstream.script(async (line) => {
      line.write(STREAM_HEAD);
      for (let count = 0; count < 20; count += 1) {
        await new Promise(setImmediate);
        line.chunk(`data: ${count}\n\n`);
      }
      line.write("0\r\n\r\n");
    });
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", onUnhandled);
    const outcomes: string[] = [];
    // Later and later, until the abort comes too late.
    for (let ticks = 0; outcomes.filter((one) => one === "complete").length < 20; ticks += 1) {
      const abort = new AbortController();
      const exchange = poster
        .post(request(upstream.url, { reins: reins(abort) }))
        .then((reply) => readAll(reply.chunks()))
        .then(
          (text) => (text.endsWith("data: 19\n\n") ? "complete" : "short"),
          (error: unknown) => (error === REASON ? "aborted" : String(error)),
        );
      for (let tick = 0; tick < ticks; tick += 1) await new Promise(setImmediate);
      abort.abort(REASON);
      outcomes.push(await exchange);
    }
    process.off("unhandledRejection", onUnhandled);
    expect(unhandled).toEqual([]);
    expect([...new Set(outcomes)].toSorted()).toEqual(["aborted", "complete"]);
    const reply = await poster.post(request(upstream.url));
    expect(await readAll(reply.chunks())).toEndWith("data: 19\n\n");
  },
);

test("a timer that runs out aborts a signal of the request's own with what it throws", async () => {
  upstream.script(() => undefined);
  const abort = new AbortController();
  const timeouts = { ...PATIENT, headersMs: 20 };
  const error = await errorOf(
    poster.post(
      request(upstream.url, {
        timeouts,
        reins: { signal: abort.signal, abort: (reason) => abort.abort(reason) },
      }),
    ),
  );
  expect(error.timer).toBe("headers");
  expect(abort.signal.reason).toBe(error);
  await hostNotices();
});
