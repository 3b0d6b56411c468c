/** Stopping and starting again. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";

import { configText } from "../support/config-text.ts";
import { startFakeUpstream, type FakeUpstream } from "../support/fake-upstream.ts";
import { makeDirectory, startGateway, type GatewayOptions } from "../support/gateway.ts";
import { open, post } from "../support/raw-client.ts";
import { createGate, jsonReply, streamReply } from "../support/reply.ts";
import { chatBody } from "../support/rig.ts";
import { chunk, event, lastChunk, PROVIDER_MODEL, reply, usageChunk } from "../support/samples.ts";
import { readUsageRows } from "../support/usage-rows.ts";
import { waitFor, within } from "../support/wait-for.ts";

let upstream: FakeUpstream;
let directory: string;

beforeAll(() => {
  upstream = startFakeUpstream();
  directory = makeDirectory();
});

afterAll(async () => {
  await upstream.stop();
  rmSync(directory, { recursive: true, force: true });
});

test("SIGTERM stops accepting, lets a running stream finish, and ends with 0; a second start goes on where it was", async () => {
  const lane = upstream.lane("first");
  const gate = createGate();
  lane.answer(() =>
    streamReply(
      (async function* () {
        yield event(chunk("begun"));
        await gate.opened;
        yield event(chunk("finished")) + event(lastChunk());
        yield event(usageChunk({ input: 11, output: 4 })) + event("[DONE]");
      })(),
    ),
  );
  const gateway = await startGateway(options());
  const { key } = await gateway.makeKey();
  const stream = await open(gateway.url, key, chatBody("chat", true));
  await stream.until("begun");

  gateway.signal("SIGTERM");
  await waitFor("new connections to be refused", async () => {
    try {
      const answer = await fetch(`${gateway.url}/readyz`, { keepalive: false });
      return answer.status === 503;
    } catch {
      return true;
    }
  });
  gate.open();
  expect(await stream.finish()).toBe(true);
  expect(stream.text()).toContain("finished");
  expect(stream.text()).toEndWith("data: [DONE]\n\n");
  expect(await within("the process to end", gateway.exited)).toBe(0);
  expect(readUsageRows(gateway.database)).toMatchObject([{ status: "ok", input_tokens: 11 }]);

  lane.answer(() => jsonReply(reply("again", { input: 1, output: 1 })));
  const second = await startGateway(options());
  expect((await post(second.url, key, chatBody())).status).toBe(200);
  second.signal("SIGTERM");
  expect(await within("the process to end", second.exited)).toBe(0);
  expect(readUsageRows(second.database)).toHaveLength(2);
});

test("a stream that outlasts the drain time is cut with an error event, and the process still ends with 0", async () => {
  upstream.lane("first").answer(() =>
    streamReply(
      (async function* () {
        yield event(chunk("begun"));
        await new Promise(() => {});
      })(),
    ),
  );
  const gateway = await startGateway(options("[server]\ndrain_ms = 100"));
  const { key } = await gateway.makeKey();
  const stream = await open(gateway.url, key, chatBody("chat", true));
  await stream.until("begun");
  gateway.signal("SIGTERM");
  await stream.finish();
  expect(stream.text()).toContain('"error"');
  expect(stream.text()).not.toContain("[DONE]");
  expect(await within("the process to end", gateway.exited)).toBe(0);
  expect(readUsageRows(gateway.database).map((row) => row["status"])).toContain("cut");
});

test("Ctrl-C stops it as SIGTERM does", async () => {
  const gateway = await startGateway(options());
  gateway.signal("SIGINT");
  expect(await within("the process to end", gateway.exited)).toBeOneOf([0, 130]);
});

test("a port that is taken is told in one line and ends with 1", async () => {
  const gateway = await startGateway(options());
  const { port } = new URL(gateway.url);
  const second = await gateway.run(["serve", "--port", port]);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(port);
  expect(second.stderr).not.toMatch(/^\s+at /m);
  gateway.signal("SIGTERM");
  expect(await within("the process to end", gateway.exited)).toBe(0);
});

function options(more = ""): GatewayOptions {
  return {
    directory,
    config: configText({
      more,
      providers: { first: { kind: "openrouter", url: upstream.lane("first").url } },
      models: { chat: [{ provider: "first", model: PROVIDER_MODEL }] },
    }),
  };
}
