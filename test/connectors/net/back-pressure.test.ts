import { expect, test } from "bun:test";

import { createPoster } from "../../../src/connectors/net/post.ts";
import { waitFor } from "../../support/wait-for.ts";
import { request } from "./posting.ts";

const PIECE = 64 * 1024;
/** What sockets of both sides, fetch and Bun.serve hold; seen: 4 MiB. */
const HELD = 16 * 1024 * 1024;

test("a consumer that does not read makes the host wait, not the gateway's memory grow", async () => {
  let sent = 0;
  const total = 200 * 1024 * 1024;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: () =>
      new Response(
        (async function* () {
          const piece = new Uint8Array(PIECE);
          while (sent < total) {
            sent += PIECE;
            yield piece;
          }
        })(),
        { headers: { "content-type": "text/event-stream" } },
      ),
  });
  const poster = createPoster();
  try {
    const reply = await poster.post(request(server.url.origin));
    const chunks = reply.chunks();
    let received = (await chunks.next()).value?.length ?? 0;
    await standstill(() => sent);
    expect(sent - received).toBeLessThan(HELD);

    while (received < 50 * 1024 * 1024) received += (await chunks.next()).value?.length ?? 0;
    await standstill(() => sent);
    expect(sent - received).toBeLessThan(HELD);
    await chunks.return();
  } finally {
    poster.close();
    await server.stop(true);
  }
});

/** Resolves when a number has stayed the same for 20 looks. */
async function standstill(read: () => number): Promise<void> {
  let last = -1;
  let looks = 0;
  await waitFor("a standstill", () => {
    const now = read();
    looks = now === last ? looks + 1 : 0;
    last = now;
    return looks > 20;
  });
}
