/** The power goes out under load: whoever was answered is in the books. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";

import { configText } from "../support/config-text.ts";
import { startFakeUpstream, type FakeUpstream } from "../support/fake-upstream.ts";
import {
  makeDirectory,
  startGateway,
  type Gateway,
  type GatewayOptions,
} from "../support/gateway.ts";
import { post } from "../support/raw-client.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { chatBody } from "../support/rig.ts";
import { chunk, event, lastChunk, PROVIDER_MODEL, reply, usageChunk } from "../support/samples.ts";
import { readUsageRows } from "../support/usage-rows.ts";
import { waitFor, within } from "../support/wait-for.ts";

const WORKERS = 24;
const ANSWERS = 400;

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

test("after kill -9 under load and a new start, every answered request has its one row", async () => {
  const tokens = { input: 13, output: 2 };
  upstream
    .lane("first")
    .answer((call) =>
      call.text.includes('"stream":true')
        ? streamReply([
            event(chunk("x")) + event(lastChunk()) + event(usageChunk(tokens)) + event("[DONE]"),
          ])
        : jsonReply(reply("x", tokens)),
    );
  const gateway = await startGateway(options());
  const { key } = await gateway.makeKey();

  const answered: string[] = [];
  const off = new AbortController();
  const work = async (worker: number): Promise<void> => {
    for (let number = 0; !off.signal.aborted; number += 1) {
      const id = `crash-${worker}-${number}`;
      try {
        const body = chatBody("chat", number % 2 === 1);
        const asked = await post(gateway.url, key, body, { "x-request-id": id });
        const whole = body.stream !== true || asked.text.endsWith("data: [DONE]\n\n");
        if (asked.status === 200 && whole) answered.push(id);
      } catch {
        // The answer was on its way when the process died: the client does not have it.
        return;
      }
    }
  };
  const workers = Array.from({ length: WORKERS }, (_, worker) => work(worker));
  await waitFor("enough answers", () => answered.length >= ANSWERS, 20_000);
  gateway.signal("SIGKILL");
  off.abort();
  await within("the workers", Promise.all(workers));
  await gateway.exited;

  const second = await startGateway(options());
  try {
    await waitFor(
      "the journal to be read",
      () => missing(second, answered).length === 0,
      5_000,
    ).catch(() => expect(missing(second, answered)).toEqual([]));
    const ids = readUsageRows(second.database).map((row) => row["request_id"]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const row of readUsageRows(second.database)) {
      if (row["status"] === "ok") {
        expect(row).toMatchObject({ input_tokens: tokens.input, output_tokens: tokens.output });
      }
    }
    const asked = await post(second.url, key, chatBody());
    expect(asked.status).toBe(200);
  } finally {
    await second.stop();
  }
}, 40_000);

function missing(gateway: Gateway, answered: readonly string[]): readonly string[] {
  const known = new Set(readUsageRows(gateway.database).map((row) => row["request_id"]));
  return answered.filter((id) => !known.has(id));
}

function options(): GatewayOptions {
  return {
    directory,
    config: configText({
      providers: { first: { kind: "openrouter", url: upstream.lane("first").url } },
      models: { chat: [{ provider: "first", model: PROVIDER_MODEL }] },
    }),
  };
}
