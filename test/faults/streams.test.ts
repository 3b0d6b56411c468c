/** Faults after an answer has begun, without recovery: what came is shown, and nobody is told that it is whole. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { usageRowOf } from "../support/usage-rows.ts";
import { waitFor, within } from "../support/wait-for.ts";
import { DOORS } from "./_doors.ts";
import { answers, INPUT_TOKENS, type StreamFault, TEXT, WORDS } from "./_provider.ts";
import { billed, type FaultRig, startFaultRig } from "./_rig.ts";

const FORTY = WORDS.slice(0, 40).join("");

let rig: FaultRig;

beforeAll(async () => {
  rig = await startFaultRig({ pair: {}, slow: {} });
});

afterAll(async () => {
  await rig.stop();
});

describe.each(DOORS.map((door) => [door.name, door] as const))("%s", (_name, door) => {
  const ask = (model: string) => rig.ask(model, { door, stream: true });

  test.each([
    ["cut", "connection"],
    ["end", "broke off"],
    ["error", "lost the thread"],
    ["stall", "idle timer"],
  ] satisfies readonly (readonly [StreamFault["how"], string])[])(
    "a stream that fails after 40 of 60 words (%s) ends with an error and no good end",
    async (how, words) => {
      rig.one.acts("pair", answers({ fault: { after: 40, how } }));
      rig.two.acts("pair", answers());
      const got = await ask("pair");
      expect(got).toMatchObject({ status: 200, text: FORTY, goodEnds: 0, finish: undefined });
      expect(got.errors).toHaveLength(1);
      expect(got.errors[0]?.["message"]).toContain(words);
      expect([got.one.length, got.two.length]).toEqual([1, 0]);
      expect(got.ms).toBeLessThan(2500);
      if (how === "stall") expect(got.ms).toBeGreaterThan(390);
      // The provider never got to its account; the gateway counts for itself and says so.
      expect(got.row).toMatchObject({ status: "cut", provider: "one", attempts: 1, estimated: 1 });
      expect(Number(got.row["output_tokens"])).toBeGreaterThanOrEqual(30);
      expect(Number(got.row["cost_nano_usd"])).toBeGreaterThan(0);
    },
  );

  test("a malformed event is left out and counted, and the answer goes on", async () => {
    rig.one.acts("pair", answers({ malformedAt: 30 }));
    const before = await malformed();
    const got = await ask("pair");
    expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1, errors: [] });
    expect(got.one).toHaveLength(1);
    expect(got.row).toMatchObject({ status: "ok", ...billed(...got.one) });
    expect((await malformed()) - before).toBe(1);
  });

  test("a missing [DONE] behind a finish reason is a good end", async () => {
    rig.one.acts("pair", answers({ done: false }));
    const got = await ask("pair");
    expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1, errors: [] });
    expect(got.one).toHaveLength(1);
    expect(got.ms).toBeLessThan(2000);
    expect(got.row).toMatchObject({ status: "ok", ...billed(...got.one) });
  });

  test.each([
    ["cut", 2],
    ["end", 2],
    ["error", 2],
    ["stall", 1],
  ] satisfies readonly (readonly [StreamFault["how"], number])[])(
    "a stream that fails before its first word (%s) is tried again unseen",
    async (how, tries) => {
      const fault = answers({ fault: { after: 0, how } });
      rig.one.acts("pair", fault, answers());
      rig.two.acts("pair", answers());
      const got = await ask("pair");
      expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1, errors: [] });
      expect([got.one.length, got.two.length]).toEqual(tries === 2 ? [2, 0] : [1, 1]);
      expect(got.row).toMatchObject({ status: "ok", attempts: 2 });
      expect(got.row).toMatchObject(billed(...got.one.slice(1), ...got.two));
    },
  );

  test("a whole reply that breaks off is tried again unseen", async () => {
    rig.one.acts("pair", answers({ fault: { after: 30, how: "cut" } }), answers());
    const got = await rig.ask("pair", { door });
    expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1 });
    expect(got.one).toHaveLength(2);
    expect(got.row).toMatchObject({ status: "ok", attempts: 2, ...billed(...got.one.slice(1)) });
  });

  test("a client that goes away in mid-stream ends the provider's work and pays for what was said", async () => {
    rig.one.acts("pair", answers({ fault: { after: 40, how: "stall" } }));
    const id = `gone-${door.path.replaceAll("/", "-")}`;
    const leaving = new AbortController();
    const response = await fetch(`${rig.gateway.url}${door.path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${rig.key}`, "x-request-id": id },
      body: JSON.stringify(door.body("pair", true)),
      signal: leaving.signal,
    });
    const reader = response.body?.getReader();
    let bytes = "";
    while (!door.readStream(bytes).text.includes("w39")) {
      bytes += new TextDecoder().decode((await reader?.read())?.value);
    }
    leaving.abort();
    const [call] = rig.one.log("pair");
    await within("the provider to be left", call?.closed ?? Promise.reject(new Error("no call")));
    const row = await usageRowOf(rig.gateway.database, id);
    expect(row).toMatchObject({ status: "cancelled", provider: "one", estimated: 1 });
    expect(Number(row["output_tokens"])).toBeGreaterThanOrEqual(30);
  });

  test("a stream that has begun may take longer than the client waits for its beginning", async () => {
    rig.one.acts("pair", answers({ paceMs: 20 }));
    const headers = { "x-stainless-timeout": "0.7" };
    const got = await rig.ask("pair", { door, stream: true, headers });
    expect(got).toMatchObject({ text: TEXT, goodEnds: 1, errors: [] });
    expect(got.ms).toBeGreaterThan(1000);
    expect(got.row).toMatchObject({ status: "ok", ...billed(...got.one) });
  });

  test("a slow reader gets all of it, however long it takes", async () => {
    rig.one.acts("slow", answers());
    const id = `slow-${door.path.replaceAll("/", "-")}`;
    const startedAt = performance.now();
    const bytes = await readSlowly(door.path, id, JSON.stringify(door.body("slow", true)));
    expect(door.readStream(bytes)).toMatchObject({ text: TEXT, goodEnds: 1, errors: [] });
    // Longer than the idle timer, which is about the provider and not about the client.
    expect(performance.now() - startedAt).toBeGreaterThan(500);
    const calls = rig.one.log("slow");
    expect(calls).toHaveLength(1);
    expect(await usageRowOf(rig.gateway.database, id)).toMatchObject({
      status: "ok",
      input_tokens: INPUT_TOKENS,
      ...billed(...calls),
    });
  });
});

async function malformed(): Promise<number> {
  const page = await (await fetch(`${rig.gateway.url}/metrics`)).text();
  return Number(/xjp_upstream_malformed_total\{provider="one"\} (\d+)/.exec(page)?.[1] ?? 0);
}

/** Takes an answer off its socket in small bites, with pauses in between that add up to more than half a second. */
async function readSlowly(path: string, id: string, body: string): Promise<string> {
  const closed = Promise.withResolvers<void>();
  let heard = "";
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: Number(new URL(rig.gateway.url).port),
    socket: {
      open(connection) {
        connection.write(
          `POST ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer ${rig.key}\r\nx-request-id: ${id}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        );
        connection.pause();
      },
      data(connection, bytes) {
        heard += bytes.toString("latin1");
        connection.pause();
        setTimeout(() => connection.resume(), 20);
      },
      close: () => closed.resolve(),
    },
  });
  setTimeout(() => socket.resume(), 600);
  await within("the end of the answer", closed.promise, 10_000);
  await waitFor("all of it", () => heard.includes("\r\n0\r\n\r\n"));
  return dechunked(heard.slice(heard.indexOf("\r\n\r\n") + 4));
}

function dechunked(text: string): string {
  let rest = text;
  let body = "";
  for (;;) {
    const end = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, end), 16);
    if (!(size > 0)) return body;
    body += rest.slice(end + 2, end + 2 + size);
    rest = rest.slice(end + 4 + size);
  }
}
