/**
 * The main job on real input: the official SDK through the built binary reads every chat completion as it reads it straight
 * from the provider, and as the recording's own bytes say; the provider gets the recorded request back.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { readAnswer } from "../support/answer.ts";
import {
  FIXTURES,
  payloads,
  readRecordings,
  RECORDINGS,
  type Exchange,
} from "../support/recordings.ts";
import { startReplay, withoutLogicalModel, type Replay } from "../support/replay.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { ask, createClient, type Outcome } from "../support/sdk.ts";
import { splitAtRandom, toCrlf, whole } from "../support/split.ts";

type Count = { whole: number; streamed: number; refused: number; excluded: number };

/** What each folder holds. A recording that is read differently one day changes a number here. */
const OWN_COUNTS: Readonly<Record<string, Count>> = {
  openrouter: { whole: 1, streamed: 3, refused: 0, excluded: 0 },
  openai: { whole: 1, streamed: 0, refused: 1, excluded: 1 },
  "deepseek-replies": { whole: 1, streamed: 1, refused: 0, excluded: 0 },
};
const RECORDED_COUNTS: Readonly<Record<string, Count>> = {
  openrouter: { whole: 20, streamed: 4, refused: 0, excluded: 0 },
  openai: { whole: 26, streamed: 0, refused: 2, excluded: 6 },
  multimodal_tool_returns: { whole: 12, streamed: 0, refused: 0, excluded: 54 },
  "alibaba-replies": { whole: 3, streamed: 2, refused: 0, excluded: 0 },
  "deepseek-replies": { whole: 3, streamed: 1, refused: 0, excluded: 0 },
  "groq-replies": { whole: 2, streamed: 1, refused: 0, excluded: 0 },
  "mistral-replies": { whole: 1, streamed: 2, refused: 0, excluded: 0 },
  "moonshotai-replies": { whole: 2, streamed: 0, refused: 0, excluded: 0 },
  "openai-compatible-replies": { whole: 2, streamed: 2, refused: 0, excluded: 0 },
  "openai-replies": { whole: 1, streamed: 1, refused: 1, excluded: 2 },
  "xai-replies": { whole: 2, streamed: 2, refused: 0, excluded: 0 },
};

const NONE: Count = { whole: 0, streamed: 0, refused: 0, excluded: 0 };

const own = readRecordings(FIXTURES);
const recorded = readRecordings(RECORDINGS);
const exchanges = [...own.exchanges, ...recorded.exchanges];

let replay: Replay;

beforeAll(async () => {
  replay = await startReplay(exchanges);
});

afterAll(async () => {
  await replay.stop();
});

describe("what is replayed", () => {
  test("is every chat completion of the repository's own exchanges", () => {
    expect(count(own)).toEqual(OWN_COUNTS);
  });

  test("is every chat completion of the recordings that are there, and each exclusion has its reason", () => {
    const counts = count(recorded);
    for (const [folder, found] of Object.entries(counts)) {
      expect({ folder, ...found }).toEqual({ folder, ...(RECORDED_COUNTS[folder] ?? NONE) });
    }
    process.stderr.write(describeCounts(counts));
  });
});

describe("an exchange through the gateway", () => {
  test.each(named(exchanges))("reads as it does from the provider: %s", async (_, exchange) => {
    const { lane, model } = replay.stage(exchange);
    lane.answer(() => answer(exchange, whole(exchange.text)));
    lane.forget();
    const direct = await ask(createClient(lane.url, "direct"), exchange.body);
    const through = await askThrough(exchange, model);

    const sent = JSON.stringify(exchange.body);
    expect(lane.calls.map((call) => call.text)).toEqual([sent, sent]);
    expect(lane.calls.map((call) => call.path)).toEqual(["/chat/completions", "/chat/completions"]);
    expectSame(through, direct, model);
    expect(readAnswer(through.chunks)).toEqual(readAnswer(chunksIn(exchange)));
  });

  test.each(named(exchanges.filter((exchange) => exchange.stream)))(
    "reads the same however the network cuts it, with either line end: %s",
    async (_, exchange) => {
      const { lane, model } = replay.stage(exchange);
      lane.answer(() => answer(exchange, whole(exchange.text)));
      const direct = await ask(createClient(lane.url, "direct"), exchange.body);
      for (const text of [exchange.text, toCrlf(exchange.text)]) {
        for (const seed of [1, 2]) {
          lane.answer(() => answer(exchange, splitAtRandom(text, 24, seed)));
          expectSame(await askThrough(exchange, model), direct, model);
        }
      }
    },
  );
});

function named(some: readonly Exchange[]): [string, Exchange][] {
  return some.map((exchange) => [exchange.id, exchange]);
}

function answer(exchange: Exchange, pieces: readonly Uint8Array[]): Response {
  return exchange.stream && exchange.status === 200
    ? streamReply(pieces)
    : jsonReply(exchange.text, exchange.status);
}

function askThrough(exchange: Exchange, model: string): Promise<Outcome> {
  const client = createClient(`${replay.gateway.url}/v1`, replay.key);
  return ask(client, { ...exchange.body, model });
}

function expectSame(through: Outcome, direct: Outcome, model: string): void {
  expect(withoutLogicalModel(through.chunks, model, direct.chunks)).toEqual(direct.chunks);
  expect(through.error === undefined).toBe(direct.error === undefined);
  if (!through.error || !direct.error) return;
  expect(through.error.status).toBe(direct.error.status);
  expect(through.error.name).toBe(direct.error.name);
  expect(through.error.message).toContain(direct.error.message);
  // A mid-stream error's own fields are the dialect's, not the provider's; a refused request's are handed on.
  if (direct.error.status === undefined) return;
  const { code, param, type } = direct.error;
  expect(through.error).toMatchObject({ code, param, type });
}

/** The objects in the recording's bytes, up to the one in which the provider reports an error. */
function chunksIn(exchange: Exchange): readonly JsonObject[] {
  if (exchange.status !== 200) return [];
  const texts = exchange.stream ? payloads(exchange.text) : [exchange.text];
  const objects = texts.map((text): unknown => JSON.parse(text)).filter((one) => isJsonObject(one));
  const failed = objects.findIndex((one) => one["error"] !== undefined);
  return failed < 0 ? objects : objects.slice(0, failed);
}

function count(recordings: ReturnType<typeof readRecordings>): Record<string, Count> {
  const counts: Record<string, Count> = {};
  const row = (folder: string): Count => (counts[folder] ??= { ...NONE });
  for (const exchange of recordings.exchanges) {
    const kind = exchange.status === 200 ? (exchange.stream ? "streamed" : "whole") : "refused";
    row(exchange.folder)[kind] += 1;
  }
  for (const one of recordings.excluded) {
    expect(one.reason).not.toBe("");
    row(one.folder).excluded += 1;
  }
  return counts;
}

function describeCounts(counts: Readonly<Record<string, Count>>): string {
  const lines = Object.entries(counts).map(
    ([folder, { whole: plain, streamed, refused, excluded }]) =>
      `  ${folder.padEnd(26)} ${plain} whole, ${streamed} streamed, ${refused} refused, ${excluded} of other APIs left out`,
  );
  const reasons = Map.groupBy(recorded.excluded, (one) => one.reason);
  for (const [reason, found] of reasons) lines.push(`  left out: ${found.length} × ${reason}`);
  return lines.length === 0
    ? "no recordings here: own exchanges only\n"
    : `replayed:\n${lines.join("\n")}\n`;
}
