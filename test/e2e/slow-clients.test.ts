/** Clients that send or read too slowly are not waited for: on real sockets, against the built binary. */
import { afterAll, beforeAll, expect, test } from "bun:test";

import { startRig, type Rig } from "../support/rig.ts";
import { unpacedReply } from "../support/reply.ts";
import { chunk, event } from "../support/samples.ts";
import { readUsageRows } from "../support/usage-rows.ts";
import { waitFor, within } from "../support/wait-for.ts";

let rig: Rig;

beforeAll(async () => {
  rig = await startRig({
    more: "[server]\nreceive_ms = 1000\nkeep_alive_ms = 200\nslow_reader_ms = 600\ndrain_ms = 100",
  });
});
afterAll(() => rig.stop());

type Connection = { readonly closed: Promise<void>; readonly heard: () => string; end(): void };

/** Opens a connection, sends `text`, then `drip` again and again; with `deaf` it reads nothing. */
async function connect(
  text: string,
  { drip = "", deaf = false }: { readonly drip?: string; readonly deaf?: boolean } = {},
): Promise<Connection> {
  const { port } = new URL(rig.gateway.url);
  const closed = Promise.withResolvers<void>();
  let heard = "";
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(port),
    socket: {
      open(opened) {
        opened.write(text);
        if (deaf) opened.pause();
      },
      data(_socket, data) {
        heard += data.toString("latin1");
      },
      close: () => closed.resolve(),
      error: () => closed.resolve(),
    },
  });
  const timer = drip === "" ? undefined : setInterval(() => socket.write(drip), 50);
  void closed.promise.then(() => clearInterval(timer));
  return {
    closed: closed.promise,
    heard: () => heard,
    end() {
      clearInterval(timer);
      socket.terminate();
    },
  };
}

function head(length: number): string {
  return `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${rig.key}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
}

test("a body that never ends, or drips, is not waited for longer than server.receive_ms", async () => {
  const silent = await connect(`${head(1000)}{"model":`);
  const dripping = await connect(`${head(100_000)}{"model":`, { drip: " " });
  await within("the silent one to be closed", silent.closed, 12_000);
  await within("the dripping one to be closed", dripping.closed, 12_000);
  expect(rig.first.calls).toHaveLength(0);
}, 30_000);

test("a client that reads nothing of its stream is hung up on, the provider is let go, and the books say cancelled", async () => {
  let released = false;
  rig.first.answer(() =>
    unpacedReply(
      (async function* () {
        try {
          const piece = new TextEncoder().encode(event(chunk("x".repeat(8000))));
          for (;;) yield piece;
        } finally {
          released = true;
        }
      })(),
    ),
  );
  const body = JSON.stringify({
    model: "chat",
    stream: true,
    messages: [{ role: "user", content: "Say much." }],
  });
  const deaf = await connect(head(body.length) + body, { deaf: true });
  await waitFor("the provider to be let go", () => released, 10_000);
  const row = await waitFor("the row", () => readUsageRows(rig.gateway.database).at(-1), 5000);
  expect(row).toMatchObject({ status: "cancelled", status_code: 499 });
  expect(row["error_message"]).toContain("does not read");
  deaf.end();
}, 30_000);

test("an answer may take longer than a request may take to arrive", async () => {
  rig.first.answer(async () => {
    await Bun.sleep(1500);
    return Response.json({
      choices: [
        { index: 0, message: { role: "assistant", content: "Late." }, finish_reason: "stop" },
      ],
    });
  });
  const answer = await rig.sdk.chat.completions.create({
    model: "chat",
    messages: [{ role: "user", content: "Take your time." }],
  });
  expect(answer.choices[0]?.message.content).toBe("Late.");
}, 15_000);
