/** What changes while the server runs, and what does not. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { configText, type ConfigText } from "../support/config-text.ts";
import { startFakeUpstream, type FakeUpstream } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { open, post } from "../support/raw-client.ts";
import { createGate, jsonReply, streamReply } from "../support/reply.ts";
import { chatBody } from "../support/rig.ts";
import { chunk, event, lastChunk, reply, usageChunk } from "../support/samples.ts";
import { waitFor } from "../support/wait-for.ts";

let upstream: FakeUpstream;
let gateway: Gateway;
let key: string;

beforeAll(async () => {
  upstream = startFakeUpstream();
  for (const name of ["old", "new"]) {
    upstream.lane(name).answer(() => jsonReply(reply(`from ${name}`, { input: 1, output: 1 })));
  }
  gateway = await startGateway({ config: text("old") });
  key = (await gateway.makeKey()).key;
});

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

/** A configuration whose model `chat` is answered by the lane. */
function text(lane: string, more: Partial<ConfigText> & { readonly model?: string } = {}): string {
  return configText({
    providers: { one: { kind: "openai-compatible", url: upstream.lane(lane).url } },
    models: { [more.model ?? "chat"]: [{ provider: "one", model: "m" }] },
    ...(more.more === undefined ? {} : { more: more.more }),
  });
}

function rewrite(content: string): void {
  writeFileSync(join(gateway.directory, "xjp.toml"), content);
}

/** The key that the provider is shown. */
async function authorization(): Promise<string | null | undefined> {
  await answerOf();
  return upstream.lane("new").calls.at(-1)?.headers.get("authorization");
}

async function answerOf(model = "chat"): Promise<string> {
  const { text: said } = await post(gateway.url, key, chatBody(model));
  return said;
}

test("a changed file is in force within a second, and a stream that had begun goes on as it was", async () => {
  const gate = createGate();
  upstream.lane("old").answer((call) =>
    call.text.includes('"stream":true')
      ? streamReply(
          (async function* () {
            yield event(chunk("begun"));
            await gate.opened;
            yield event(chunk("finished")) + event(lastChunk());
            yield event(usageChunk({ input: 1, output: 1 })) + event("[DONE]");
          })(),
        )
      : jsonReply(reply("from old", { input: 1, output: 1 })),
  );
  const stream = await open(gateway.url, key, chatBody("chat", true));
  await stream.until("begun");

  rewrite(text("new"));
  await waitFor("the new provider", async () => (await answerOf()).includes("from new"), 2000);
  gate.open();
  expect(await stream.finish()).toBe(true);
  expect(stream.text()).toContain("finished");
  expect(stream.text()).toEndWith("data: [DONE]\n\n");
});

test("a bad file is refused with all its faults, and the one in force stays", async () => {
  rewrite(text("new", { more: '[server]\nport = "eighty"\n[limit]\nmax_tokens = 5' }));
  const said = await waitFor(
    "the report",
    () => gateway.log().includes("configuration refused") && gateway.log(),
  );
  expect(said).toMatch(/xjp\.toml:2: server\.port: .*found/);
  expect(said).toMatch(/did you mean.*limits/);
  expect(await answerOf()).toContain("from new");
  expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
});

test("models and limits come and go", async () => {
  rewrite(text("new", { model: "other", more: "[limits]\nmax_tokens = 5" }));
  await waitFor("the other model", async () => (await answerOf("other")).includes("from new"));
  expect(await answerOf("chat")).toContain("model_not_found");
  const greedy = await post(gateway.url, key, { ...chatBody("other"), max_tokens: 6 });
  expect(greedy.status).toBe(400);
  expect(greedy.text).toContain("max_tokens");
});

test("a file that is removed changes nothing", async () => {
  rmSync(join(gateway.directory, "xjp.toml"));
  gateway.signal("SIGHUP");
  await waitFor("the report", () => /fault=.*xjp\.toml/.test(gateway.log()));
  expect(await answerOf("other")).toContain("from new");
});

test("SIGHUP reads secrets anew that stand in files of their own", async () => {
  const secret = join(gateway.directory, "secret");
  writeFileSync(secret, "sk-first-secret");
  rewrite(text("new").replace(/api_key = .*/, `api_key = "file:${secret}"`));
  await waitFor("the first", async () => (await authorization()) === "Bearer sk-first-secret");
  writeFileSync(secret, "sk-second-secret");
  gateway.signal("SIGHUP");
  await waitFor("the second", async () => (await authorization()) === "Bearer sk-second-secret");
});

test("what only a start takes up is said to wait for one", async () => {
  rewrite(text("new", { more: 'database = "sqlite:elsewhere.db"' }));
  await waitFor("the warning", () => gateway.log().includes("database has changed: restart"));
  expect(await answerOf()).toContain("from new");
});

test("a provider that cannot be reached is warned of, at a start and when it comes in later, and holds nothing up", async () => {
  const nowhere = "http://127.0.0.1:1/v1";
  rewrite(
    configText({
      providers: {
        one: { kind: "openai-compatible", url: upstream.lane("new").url },
        lost: { kind: "anthropic", url: nowhere },
      },
      models: { chat: [{ provider: "one", model: "m" }], away: [{ provider: "lost", model: "m" }] },
    }),
  );
  const warning = /provider cannot be reached provider=lost error=".*127\.0\.0\.1:1 refused/;
  await waitFor("the warning", () => warning.test(gateway.log()));
  expect(gateway.log()).not.toContain("cannot be reached provider=one");
  expect(await answerOf()).toContain("from new");

  const second = await startGateway({
    config: configText({
      providers: { lost: { kind: "openrouter", url: nowhere } },
      models: { away: [{ provider: "lost", model: "m" }] },
    }),
  });
  await waitFor("the warning", () => warning.test(second.log()));
  await second.stop();
});
