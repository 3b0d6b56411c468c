/** What happens between the first and the last byte of a stream: nothing is held back, nothing piles up, nobody works for nobody. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import { open, post } from "../support/raw-client.ts";
import { createGate, jsonReply, streamReply, unpacedReply } from "../support/reply.ts";
import { chatBody, startRig, type Rig } from "../support/rig.ts";
import { chunk, event, lastChunk, reply, usageChunk } from "../support/samples.ts";
import { usageRowOf } from "../support/usage-rows.ts";
import { waitFor, within } from "../support/wait-for.ts";

const KEEP_ALIVE_MS = 60;
const MEGABYTE = 1024 * 1024;

let rig: Rig;

beforeAll(async () => {
  rig = await startRig({ more: `[server]\nkeep_alive_ms = ${KEEP_ALIVE_MS}` });
});

afterAll(async () => {
  await rig.stop();
});

test("the first event reaches the client while the provider still holds the second", async () => {
  const gate = createGate();
  rig.first.answer(() =>
    streamReply(
      (async function* () {
        yield event(chunk("first"));
        await gate.opened;
        yield event(chunk("second")) + event(lastChunk()) + event("[DONE]");
      })(),
    ),
  );
  const stream = await open(rig.gateway.url, rig.key, chatBody("chat", true));
  await stream.until("first");
  expect(stream.text()).not.toContain("second");
  gate.open();
  expect(await stream.finish()).toBe(true);
  expect(stream.text()).toEndWith("data: [DONE]\n\n");
});

test("each event reaches the client before the next one is sent", async () => {
  const gates = Array.from({ length: 5 }, createGate);
  rig.first.answer(() =>
    streamReply(
      (async function* () {
        for (const [index, gate] of gates.entries()) {
          yield event(chunk(`<${index}>`));
          await gate.opened;
        }
        yield event(lastChunk()) + event("[DONE]");
      })(),
    ),
  );
  const stream = await open(rig.gateway.url, rig.key, chatBody("chat", true));
  for (const [index, gate] of gates.entries()) {
    await stream.until(`<${index}>`);
    expect(stream.text()).not.toContain(`<${index + 1}>`);
    gate.open();
  }
  expect(await stream.finish()).toBe(true);
});

test("a silent provider is covered by comments, before its first event and after it", async () => {
  const gates = [createGate(), createGate()] as const;
  rig.first.answer(async () => {
    await gates[0].opened;
    return streamReply(
      (async function* () {
        yield event(chunk("late"));
        await gates[1].opened;
        yield event(lastChunk()) + event("[DONE]");
      })(),
    );
  });
  const stream = await open(rig.gateway.url, rig.key, chatBody("chat", true));
  expect(stream.status).toBe(200);
  await stream.until("\n\n");
  expect(stream.text()).toMatch(/^(:[^\n]*\n\n)+$/);
  gates[0].open();
  await stream.until("late");
  const before = stream.text().length;
  await stream.until("late");
  await waitForComment(stream, before);
  gates[1].open();
  expect(await stream.finish()).toBe(true);
});

test("an official client does not see those comments", async () => {
  const gate = createGate();
  rig.first.answer(async () => {
    await gate.opened;
    return streamReply([event(chunk("hello")) + event(lastChunk()) + event("[DONE]")]);
  });
  const timer = setTimeout(() => gate.open(), KEEP_ALIVE_MS * 3);
  const texts: string[] = [];
  for await (const part of await rig.sdk.chat.completions.create({
    model: "chat",
    messages: [{ role: "user", content: "hi" }],
    stream: true,
  })) {
    texts.push(part.choices[0]?.delta.content ?? "");
  }
  clearTimeout(timer);
  expect(texts.join("")).toBe("hello");
});

test("a client that goes away in mid-stream ends the provider's work within a second", async () => {
  rig.first.forget();
  rig.first.answer(() =>
    streamReply(
      (async function* () {
        yield event(chunk("some words of an answer"));
        await new Promise(() => {});
      })(),
    ),
  );
  const stream = await open(rig.gateway.url, rig.key, chatBody("chat", true));
  await stream.until("some words");
  const call = rig.first.calls[0];
  if (!call) throw new Error("the provider was not asked");
  expect(call.signal.aborted).toBe(false);
  stream.leave();
  await waitFor("the provider's request to be aborted", () => call.signal.aborted, 1_000);

  const row = await usageRowOf(rig.gateway.database, stream.headers.get("x-request-id") ?? "");
  expect(row).toMatchObject({ status: "cancelled", provider: "first", stream: 1, estimated: 1 });
  expect(Number(row["output_tokens"])).toBeGreaterThan(0);
});

test("a client that goes away before the first event does so too", async () => {
  rig.first.forget();
  rig.first.answer(() => new Promise<Response>(() => {}));
  for (const stream of [true, false]) {
    rig.first.forget();
    const leaving = new AbortController();
    const asked = fetch(`${rig.gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${rig.key}`, "x-request-id": `left-early-${stream}` },
      body: JSON.stringify(chatBody("chat", stream)),
      signal: leaving.signal,
    });
    const gone = asked.catch((error: unknown) => error);
    const call = await waitFor("the provider to be asked", () => rig.first.calls[0]);
    leaving.abort();
    await waitFor("the provider's request to be aborted", () => call.signal.aborted, 1_000);
    await gone;
    const row = await usageRowOf(rig.gateway.database, `left-early-${stream}`);
    expect(row).toMatchObject({ status: "cancelled", output_tokens: 0, cost_nano_usd: 0 });
  }
});

test("clients that go away at any moment leave the gateway alive", async () => {
  rig.first.answer(() =>
    streamReply([event(chunk("a")), event(chunk("b")), event(lastChunk()), event("[DONE]")]),
  );
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const leaving = new AbortController();
      const timer = setTimeout(() => leaving.abort(), index / 4);
      try {
        const response = await fetch(`${rig.gateway.url}/v1/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${rig.key}` },
          body: JSON.stringify(chatBody("chat", true)),
          signal: leaving.signal,
        });
        await response.text();
      } catch (error) {
        expect(leaving.signal.aborted).toBe(true);
        expect(error).toBeInstanceOf(Error);
      } finally {
        clearTimeout(timer);
      }
    }),
  );
  rig.first.answer(() => jsonReply(reply("still here", { input: 1, output: 1 })));
  expect((await post(rig.gateway.url, rig.key, chatBody())).status).toBe(200);
  expect(rig.gateway.log()).not.toMatch(/unhandled|panic/i);
});

test("a slow reader is held by back-pressure: the provider waits, the gateway's memory does not grow", async () => {
  const words = new TextEncoder().encode(event(chunk("x".repeat(MEGABYTE / 8))));
  const most = 400 * MEGABYTE;
  let sent = 0;
  rig.first.forget();
  rig.first.answer(() =>
    unpacedReply(
      (async function* () {
        while (sent < most) {
          yield words;
          sent += words.length;
        }
      })(),
    ),
  );
  const before = residentBytes(rig.gateway.pid);
  const closed = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(rig.gateway.url).port),
    socket: {
      open(connection) {
        const body = JSON.stringify(chatBody("chat", true));
        connection.write(
          `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${rig.key}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        );
        connection.pause();
      },
      data() {},
      close() {
        closed.resolve();
      },
    },
  });
  // Still when nothing has moved over many looks in a row.
  let last = -1;
  let still = 0;
  await waitFor(
    "the provider to be held",
    () => {
      still = sent > 0 && sent === last ? still + 1 : 0;
      last = sent;
      return still > 100;
    },
    20_000,
  );
  expect(sent).toBeLessThan(48 * MEGABYTE);
  expect(residentBytes(rig.gateway.pid) - before).toBeLessThan(64 * MEGABYTE);

  socket.terminate();
  await within("the socket to close", closed.promise);
  const call = rig.first.calls[0];
  await waitFor("the provider's request to be aborted", () => call?.signal.aborted, 1_000);
});

test("a stream without a wish for usage tells none, and its usage is in the books all the same", async () => {
  rig.first.answer(() =>
    streamReply([
      event(chunk("hello")) + event(lastChunk()),
      event(usageChunk({ input: 21, output: 5 })) + event("[DONE]"),
    ]),
  );
  const { stream_options: _, ...body } = chatBody("chat", true);
  const stream = await open(rig.gateway.url, rig.key, body);
  expect(await stream.finish()).toBe(true);
  expect(stream.text()).not.toContain("prompt_tokens");
  expect(stream.text()).toEndWith("data: [DONE]\n\n");
  expect(
    await usageRowOf(rig.gateway.database, stream.headers.get("x-request-id") ?? ""),
  ).toMatchObject({ status: "ok", input_tokens: 21, output_tokens: 5, estimated: 0 });
});

async function waitForComment(
  stream: { text(): string; until(part: string): Promise<void> },
  from: number,
): Promise<void> {
  const known = stream.text().slice(0, from);
  await stream.until(`${known}:`);
}

/** Linux: the memory that a process holds now. */
function residentBytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}
