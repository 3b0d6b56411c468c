import { afterEach, beforeEach, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";

import { createPoster, type Poster } from "../../../src/connectors/net/post.ts";
import {
  LAST_CHUNK,
  type RawUpstream,
  startRawUpstream,
  STREAM_HEAD,
} from "../../contract/raw-upstream.ts";
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

test("a host that takes the request and says nothing runs into the headers timer", async () => {
  const timeouts = { ...PATIENT, headersMs: 40 };
  const error = await errorOf(poster.post(request(upstream.url, { timeouts })));
  expectError(error, {
    kind: "timeout",
    code: "timeout_headers",
    message: /^127\.0\.0\.1:\d+ sent no response headers within 40 ms \(headers timer\)$/,
  });
  expect(error.timer).toBe("headers");
  await upstream.seen[0]?.closed;
});

test("headers that nothing follows run into the first-event timer", async () => {
  upstream.script((line) => line.write(STREAM_HEAD));
  const timeouts = { ...PATIENT, firstEventMs: 40 };
  const reply = await poster.post(request(upstream.url, { timeouts }));
  expectError(await errorOf(readAll(reply.chunks())), {
    kind: "timeout",
    code: "timeout_first_event",
    message: /sent nothing after its response headers within 40 ms \(first-event timer\)/,
  });
  await upstream.seen[0]?.closed;
});

test("the first-event timer runs from the headers, not from when somebody reads", async () => {
  upstream.script((line) => line.write(STREAM_HEAD));
  const timeouts = { ...PATIENT, firstEventMs: 40 };
  const reply = await poster.post(request(upstream.url, { timeouts }));
  await upstream.seen[0]?.closed;
  expect((await errorOf(readAll(reply.chunks()))).timer).toBe("first-event");
});

test("a stream that stalls runs into the idle timer", async () => {
  upstream.script((line) => {
    line.write(STREAM_HEAD);
    line.chunk("data: 1\n\n");
  });
  const timeouts = { ...PATIENT, idleMs: 60 };
  const reply = await poster.post(request(upstream.url, { timeouts }));
  expectError(await errorOf(readAll(reply.chunks())), {
    kind: "timeout",
    code: "timeout_idle",
    message: /went silent in the middle of its answer: nothing came within 60 ms \(idle timer\)/,
  });
  await upstream.seen[0]?.closed;
});

test("an unstreamed body that stalls runs into the idle timer, announced in length or not", async () => {
  const heads = [STREAM_HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"];
  for (const head of heads) {
    upstream.script((line) => line.write(head));
    const timeouts = { ...PATIENT, idleMs: 40 };
    const reply = await poster.post(request(upstream.url, { timeouts, stream: false }));
    expect((await errorOf(reply.text())).timer).toBe("idle");
  }
});

test("comments keep the idle timer from running out", async () => {
  upstream.script((line) => {
    line.write(STREAM_HEAD);
    let count = 0;
    const ticking = setInterval(() => {
      line.chunk(": still here\n\n");
      count += 1;
      if (count < 30) return;
      clearInterval(ticking);
      line.write(LAST_CHUNK);
    }, 20);
  });
  const timeouts = { ...PATIENT, idleMs: 300 };
  const reply = await poster.post(request(upstream.url, { timeouts }));
  expect(await readAll(reply.chunks())).toBe(": still here\n\n".repeat(30));
});

test("a consumer that takes its time is not the host's silence", async () => {
  upstream.script((line) => {
    line.write(STREAM_HEAD);
    line.chunk("data: 1\n\n");
    setTimeout(() => {
      line.chunk("data: 2\n\n");
      line.write(LAST_CHUNK);
    }, 10);
  });
  const timeouts = { ...PATIENT, idleMs: 150 };
  const reply = await poster.post(request(upstream.url, { timeouts }));
  let text = "";
  for await (const chunk of reply.chunks()) {
    text += new TextDecoder().decode(chunk);
    await new Promise((resolve) => {
      setTimeout(resolve, 250);
    });
  }
  expect(text).toBe("data: 1\n\ndata: 2\n\n");
});

test("a host that swallows packets runs into the connect timer, long before the headers timer", async () => {
  const hole = await openBlackHole();
  try {
    const timeouts = { ...PATIENT, connectMs: 100 };
    const started = performance.now();
    const error = await errorOf(poster.post(request(hole.url, { timeouts })));
    expect(performance.now() - started).toBeLessThan(5_000);
    expectError(error, {
      kind: "timeout",
      code: "timeout_connect",
      message: /^no connection to 127\.0\.0\.1:\d+ within 100 ms \(connect timer\)$/,
    });
  } finally {
    hole.close();
  }
});

test("a host that is slow to answer but takes connections does not run into the connect timer", async () => {
  upstream.script((line) => {
    setTimeout(() => {
      line.write(STREAM_HEAD);
      line.write(LAST_CHUNK);
    }, 400);
  });
  const timeouts = { ...PATIENT, connectMs: 250 };
  const reply = await poster.post(request(upstream.url, { timeouts }));
  expect(await readAll(reply.chunks())).toBe("");
});

/** A port whose queue of connections is full, so that the kernel drops whatever comes: a stopped process listens on it. */
async function openBlackHole(): Promise<{ readonly url: string; close(): void }> {
  const listener = Bun.spawn(
    [
      process.execPath,
      "-e",
      'const s = require("node:net").createServer(); s.listen(0, "127.0.0.1", () => console.log(s.address().port))',
    ],
    { stdout: "pipe" },
  );
  const { value } = await listener.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  listener.kill("SIGSTOP");
  const sockets: Socket[] = [];
  const isTaken = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect({ host: "127.0.0.1", port });
      sockets.push(socket);
      const timer = setTimeout(() => resolve(false), 200);
      socket.on("connect", () => {
        clearTimeout(timer);
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
  while (await isTaken());
  return {
    url: `http://127.0.0.1:${port}/v1`,
    close() {
      for (const socket of sockets) socket.destroy();
      listener.kill("SIGKILL");
    },
  };
}
