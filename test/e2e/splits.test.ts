/** Streams cut at every byte: what a client gets does not depend on how the network cut what the provider sent. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { open } from "../support/raw-client.ts";
import { FIXTURES, readRecordings, RECORDINGS, type Exchange } from "../support/recordings.ts";
import { startReplay, type Replay } from "../support/replay.ts";
import { streamReply } from "../support/reply.ts";
import { byteLength, splitAt, splitEachByte, toCrlf, whole } from "../support/split.ts";

const STAGES = 12;
/** Up to this many bytes a stream is cut at each of them. */
const SMALL = 1_800;
/** Up to this many bytes a stream is also sent byte by byte. */
const MEDIUM = 2_500;

const streams = [
  ...readRecordings(FIXTURES).exchanges,
  ...readRecordings(RECORDINGS).exchanges,
].filter((exchange) => exchange.stream && exchange.status === 200);

let replay: Replay;

beforeAll(async () => {
  replay = await startReplay(streams, STAGES);
});

afterAll(async () => {
  await replay.stop();
});

describe("a stream", () => {
  const small = streams.filter((exchange) => byteLength(exchange.text) <= SMALL);
  test.each(
    small.flatMap((exchange): [string, string, Exchange][] => [
      [exchange.id, "LF", exchange],
      [exchange.id, "CRLF", { ...exchange, text: toCrlf(exchange.text) }],
    ]),
  )(
    "comes out the same when cut at any one byte: %s, %s",
    async (_, __, exchange) => {
      const expected = await through(exchange, 0, whole(exchange.text));
      const positions = Array.from(
        { length: byteLength(exchange.text) - 1 },
        (___, index) => index + 1,
      );
      const cutAt = async (stage: number): Promise<void> => {
        for (let position = positions.pop(); position !== undefined; position = positions.pop()) {
          const got = await through(exchange, stage, splitAt(exchange.text, position));
          expect({ position, got }).toEqual({ position, got: expected });
        }
      };
      await Promise.all(Array.from({ length: STAGES }, (___, stage) => cutAt(stage)));
    },
    30_000,
  );

  const medium = streams.filter((exchange) => byteLength(exchange.text) <= MEDIUM);
  test("comes out the same when each byte travels alone", async () => {
    await Promise.all(
      medium.map(async (exchange, index) => {
        // Stages belong to a folder, and one folder has fewer streams than there are stages.
        const stage = index % STAGES;
        const expected = await through(exchange, stage, whole(exchange.text));
        expect(await through(exchange, stage, splitEachByte(exchange.text))).toBe(expected);
      }),
    );
  }, 30_000);
});

/** What the client reads, comments aside and under the provider's name for the model. */
async function through(
  exchange: Exchange,
  stage: number,
  pieces: readonly Uint8Array[],
): Promise<string> {
  const { lane, model } = replay.stage(exchange, stage);
  lane.answer(() => streamReply(pieces));
  const stream = await open(
    replay.gateway.url,
    replay.key,
    { ...exchange.body, model },
    { "x-request-id": "split" },
  );
  expect(await stream.finish(20_000)).toBe(true);
  return stream
    .text()
    .replaceAll(JSON.stringify(model), JSON.stringify(exchange.body.model))
    .split("\n")
    .filter((line) => !line.startsWith(":"))
    .join("\n");
}
