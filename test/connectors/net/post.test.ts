import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { createPoster, type Poster } from "../../../src/connectors/net/post.ts";
import {
  jsonResponse,
  LAST_CHUNK,
  type RawUpstream,
  startRawUpstream,
  STREAM_HEAD,
  textResponse,
} from "../../contract/raw-upstream.ts";
import { waitFor } from "../../support/wait-for.ts";
import { PATIENT } from "../../contract/calling.ts";
import { errorOf } from "../../support/rejection.ts";
import { expectError, readAll, request } from "./posting.ts";

let upstream: RawUpstream;
let poster: Poster;

beforeEach(() => {
  upstream = startRawUpstream();
  poster = createPoster();
});

afterEach(() => {
  poster.close();
  upstream.stop();
});

describe("a request", () => {
  test("goes out as it was given, with no cookie of an earlier answer", async () => {
    upstream.script((line) => line.write(jsonResponse({}, 200, { "set-cookie": "a=b" })));
    for (let round = 0; round < 2; round += 1) {
      const body = '{ "model": "m", "n": 1.0 }';
      const reply = await poster.post(request(upstream.url, { body, stream: false }));
      expect([reply.status, await reply.text()]).toEqual([200, "{}"]);
    }
    const [first, second] = upstream.seen;
    expect(first).toMatchObject({
      method: "POST",
      path: "/v1/chat/completions",
      text: '{ "model": "m", "n": 1.0 }',
    });
    expect(first?.headers.get("authorization")).toBe("Bearer key");
    expect(second?.headers.get("cookie")).toBeNull();
    expect(second?.connection).toBe(1);
  });

  test("is never cut off by fetch's own timer, nor sent on by fetch itself", async () => {
    const inits: BunFetchRequestInit[] = [];
    const watched = createPoster({
      fetch(_url, init) {
        inits.push(init);
        return Promise.resolve(new Response("{}"));
      },
    });
    await (await watched.post(request("http://host.example", { stream: false }))).text();
    expect(inits).toMatchObject([{ timeout: false, redirect: "manual" }]);
    expect(inits[0]).not.toHaveProperty("keepalive");
  });

  test("may be a GET without a body", async () => {
    upstream.script((line) => line.write(jsonResponse({ data: [] })));
    const { url, headers, timeouts, reins } = request(upstream.url);
    const reply = await poster.post({
      method: "GET",
      url,
      headers,
      timeouts,
      reins,
      stream: false,
    });
    expect(await reply.text()).toBe('{"data":[]}');
    expect(upstream.seen[0]).toMatchObject({ method: "GET", text: "" });
  });

  test("is not sent on to where a redirect points", async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      upstream.script((line) =>
        line.write(textResponse("", status, { location: `${upstream.url}/elsewhere` })),
      );
      const error = await errorOf(poster.post(request(upstream.url)));
      expectError(error, { kind: "bad-upstream", code: "redirect", message: /redirect \(30\d\)/ });
      expect(error.upstreamStatus).toBe(status);
      expect(error.message).toStartWith(upstream.host);
      expect(error.told).toBe(`the provider answered with a redirect (${status})`);
    }
    expect(upstream.seen.map(({ path }) => path)).not.toContain("/elsewhere");
  });
});

describe("a body", () => {
  test("comes chunk by chunk, as the host sends it", async () => {
    upstream.script((line) => {
      line.write(STREAM_HEAD);
      line.chunk("one");
    });
    const reply = await poster.post(request(upstream.url));
    const chunks = reply.chunks();
    expect(new TextDecoder().decode((await chunks.next()).value ?? undefined)).toBe("one");
    await chunks.return();
  });

  test("is decompressed where a host compresses unasked", async () => {
    const text = JSON.stringify({ text: "é".repeat(1000) });
    const zipped = Bun.gzipSync(new TextEncoder().encode(text));
    upstream.script((line) => {
      line.write(
        `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${zipped.length}\r\n\r\n`,
      );
      line.write(zipped);
    });
    const reply = await poster.post(request(upstream.url, { stream: false }));
    expect(await reply.text()).toBe(text);
  });

  test("keeps characters whole that chunks cut in two", async () => {
    const bytes = new TextEncoder().encode("漢🎈");
    upstream.script(async (line) => {
      line.write(STREAM_HEAD);
      for (const byte of bytes) {
        line.chunk(new Uint8Array([byte]));
        await new Promise(setImmediate);
      }
      line.write(LAST_CHUNK);
    });
    const reply = await poster.post(request(upstream.url, { stream: false }));
    expect(await reply.text()).toBe("漢🎈");
  });

  test("is the empty text where there is none", async () => {
    upstream.script((line) => line.write("HTTP/1.1 204 No Content\r\n\r\n"));
    const reply = await poster.post(request(upstream.url));
    expect(await readAll(reply.chunks())).toBe("");
  });

  test("of an error is read no further than 64 KiB", async () => {
    upstream.script((line) => {
      line.write(`HTTP/1.1 500 Oops\r\ntransfer-encoding: chunked\r\n\r\n`);
      line.chunk("x".repeat(200_000));
    });
    const reply = await poster.post(request(upstream.url, { stream: false }));
    expect((await reply.text()).length).toBe(64 * 1024);
    await upstream.seen[0]?.closed;
  });

  test("of a reply is refused above 64 MiB", async () => {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () =>
        new Response(
          (async function* () {
            const piece = new Uint8Array(1024 * 1024).fill(97);
            for (let count = 0; count < 80; count += 1) yield piece;
          })(),
        ),
    });
    try {
      const reply = await poster.post(request(server.url.origin, { stream: false }));
      const error = await errorOf(reply.text());
      expectError(error, {
        kind: "bad-upstream",
        code: "answer_too_large",
        message: /^the answer of 127\.0\.0\.1:\d+ is larger than/,
      });
      expect(error.told).toStartWith("the answer of the provider is larger than");
    } finally {
      await server.stop(true);
    }
  });

  test("that breaks off is an error, never a short answer", async () => {
    for (const how of ["end", "reset"] as const) {
      upstream.script(async (line) => {
        line.write(STREAM_HEAD);
        line.chunk("data: half");
        await new Promise(setImmediate);
        line[how]();
      });
      const streamed = await poster.post(request(upstream.url));
      const whole = await poster.post(request(upstream.url, { stream: false }));
      for (const error of [
        await errorOf(readAll(streamed.chunks())),
        await errorOf(whole.text()),
      ]) {
        expectError(error, {
          kind: "bad-upstream",
          code: "answer_cut_off",
          message: /broke the connection in the middle of its answer/,
        });
      }
    }
  });

  test("that is shorter than announced is an error too", async () => {
    upstream.script((line) => {
      line.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}");
      line.end();
    });
    const reply = await poster.post(request(upstream.url, { stream: false }));
    expect((await errorOf(reply.text())).code).toBe("answer_cut_off");
  });
});

describe("a connection", () => {
  const stream = "data: 1\n\ndata: [DONE]\n\n";

  test("serves again when the answer was read to its end", async () => {
    upstream.script((line) => {
      line.write(STREAM_HEAD);
      line.chunk(stream);
      line.write(LAST_CHUNK);
    });
    for (let round = 0; round < 3; round += 1) {
      const reply = await poster.post(request(upstream.url));
      expect(await readAll(reply.chunks())).toBe(stream);
    }
    expect(upstream.seen.map(({ connection }) => connection)).toEqual([1, 1, 1]);
  });

  test("serves again when the answer was settled a little before its end", async () => {
    upstream.script((line) => {
      line.write(STREAM_HEAD);
      line.chunk(stream);
      setTimeout(() => line.write(LAST_CHUNK), 10);
    });
    const reply = await poster.post(request(upstream.url));
    for await (const chunk of reply.chunks()) {
      expect(chunk.length).toBeGreaterThan(0);
      reply.settle();
      break;
    }
    await waitFor("a request by the first connection", async () => {
      await readAll((await poster.post(request(upstream.url))).chunks());
      return upstream.seen.at(-1)?.connection === 1;
    });
  });

  test("is closed a second after the answer was settled if its end does not come", async () => {
    upstream.script((line) => {
      line.write(STREAM_HEAD);
      line.chunk(stream);
    });
    const reply = await poster.post(request(upstream.url));
    for await (const chunk of reply.chunks()) {
      expect(chunk.length).toBeGreaterThan(0);
      reply.settle();
      break;
    }
    await upstream.seen[0]?.closed;
  });

  test("that the host closed while it was idle is replaced without anybody noticing", async () => {
    let answered = 0;
    upstream.script((line) => {
      answered += 1;
      // The third request meets the connection in the very moment when the host gives it up.
      if (answered === 3) line.reset();
      else line.write(jsonResponse({ answered }));
    });
    for (let round = 0; round < 3; round += 1) {
      const reply = await poster.post(request(upstream.url, { stream: false }));
      expect(reply.status).toBe(200);
      await reply.text();
    }
    expect(upstream.seen.map(({ connection }) => connection)).toEqual([1, 1, 1, 2]);
  });

  test("that breaks twice is an error, and so is a new one that breaks at once", async () => {
    upstream.script((line) => line.write(jsonResponse({})));
    await (await poster.post(request(upstream.url, { stream: false }))).text();
    upstream.script((line) => line.reset());
    const twice = await errorOf(poster.post(request(upstream.url)));
    expectError(twice, {
      kind: "unavailable",
      code: "connection_reset",
      message: /closed the connection before it answered/,
    });
    expect(upstream.seen.length).toBe(3);

    const stranger = createPoster();
    const once = await errorOf(stranger.post(request(upstream.url)));
    expect(once.code).toBe("connection_reset");
    expect(upstream.seen.length).toBe(4);
  });

  test("that broke long after the request went out is not tried again", async () => {
    upstream.script((line) => line.write(jsonResponse({})));
    await (await poster.post(request(upstream.url, { stream: false }))).text();
    upstream.script((line) => {
      setTimeout(() => line.reset(), 550);
    });
    await errorOf(poster.post(request(upstream.url)));
    expect(upstream.seen.length).toBe(2);
  });
});

describe("a host that cannot be reached", () => {
  test("is named, with its port, but with nothing secret of its URL", async () => {
    upstream.stop();
    const error = await errorOf(
      poster.post({
        ...request(upstream.url, { timeouts: { ...PATIENT, connectMs: 1000 } }),
        url: `http://${upstream.host}/secret-path?key=SECRET`,
      }),
    );
    expectError(error, {
      kind: "unavailable",
      code: "connection_refused",
      message: /^127\.0\.0\.1:\d+ refused the connection; is it running, and is base_url right\?$/,
    });
    expect(error.told).toBe("the provider refused the connection");
    expect(error.traits.retryHere).toBe(true);
    expect(Bun.inspect(error)).not.toMatch(/SECRET|secret-path/);
  });

  test("is looked for anew with the next request, unless it was the caller who gave up", async () => {
    const lost: string[] = [];
    const witness = {
      watch: () => undefined,
      alive: () => undefined,
      lost: (origin: string) => void lost.push(origin),
    };
    const watched = createPoster({ witness });
    upstream.script(() => undefined);
    const abort = new AbortController();
    const given = errorOf(watched.post(request(upstream.url, { reins: { signal: abort.signal } })));
    await waitFor("the request to arrive", () => upstream.seen.length > 0);
    abort.abort();
    await given;
    expect(lost).toEqual([]);
    upstream.script((line) => line.reset());
    await errorOf(watched.post(request(upstream.url)));
    expect(lost).toEqual([new URL(upstream.url).origin]);
  });

  test("is explained by what fetch says of it", async () => {
    const codes = {
      ENOTFOUND: "dns_failed",
      EAI_AGAIN: "dns_failed",
      DEPTH_ZERO_SELF_SIGNED_CERT: "tls_failed",
      ERR_TLS_CERT_ALTNAME_INVALID: "tls_failed",
      EHOSTUNREACH: "connection_failed",
      SOMETHING_NEW: "connection_failed",
    };
    for (const [code, expected] of Object.entries(codes)) {
      const thrown = Object.assign(new TypeError(`${code}: https://host.example/?key=SECRET`), {
        code,
        path: "https://host.example/?key=SECRET",
      });
      const failing = createPoster({ fetch: () => Promise.reject(thrown) });
      const error = await errorOf(failing.post(request("https://host.example/v1")));
      expectError(error, { kind: "unavailable", code: expected, message: /host\.example/ });
      expect(error.traits.retryHere).toBe(expected !== "tls_failed");
      expect(Bun.inspect(error)).not.toContain("SECRET");
    }
  });
});
