/** How a connector must fail. */
import { describe, expect, test } from "bun:test";

import { within } from "../support/wait-for.ts";
import { chatCall, chatRequest, failure } from "./calling.ts";
import { chunk, eventStream, TEXT_CHUNKS } from "./openai-answers.ts";
import {
  jsonResponse,
  LAST_CHUNK,
  STREAM_HEAD,
  streamOf,
  textResponse,
  type RawUpstream,
} from "./raw-upstream.ts";
import { type Rig, testVerbatim } from "./connector-rig.ts";

const WHOLE = chatRequest();
const STREAMED = chatRequest({ stream: true });

/** Declares these tests for the connector of a rig. */
export function failures(rig: Rig): void {
  describe("throws", () => {
    test("rate-limited with the provider's Retry-After", async () => {
      const body = { error: { message: "slow down", type: "rate_limit", code: null } };
      rig.upstream.script((line) => line.write(jsonResponse(body, 429, { "retry-after": "7" })));
      const error = await failure(rig.connector, STREAMED);
      expect(error).toMatchObject({ kind: "rate-limited", upstreamStatus: 429 });
      expect(error.retryAfterMs).toBe(7000);
      expect(error.traits.tryElsewhere).toBe(true);
    });

    test("for a 401 what is no fault of the caller's, without the key even if the provider repeats it", async () => {
      const key = "my-very-own-key-1234";
      const body = { error: { message: `no such key: ${key}`, code: "invalid_api_key" } };
      for (const status of [401, 400]) {
        rig.upstream.script((line) => line.write(jsonResponse(body, status)));
        const error = await failure(rig.create({ apiKeys: [key] }), WHOLE);
        expect(error.message).not.toContain(key);
        expect(error.traits.status).not.toBe(401);
        expect(error.traits.retryHere).toBe(false);
      }
    });

    test("the provider's words for a 400 that the caller can mend", async () => {
      const body = { error: { message: "unknown field: x", param: "x", code: "unknown" } };
      rig.upstream.script((line) => line.write(jsonResponse(body, 400)));
      const error = await failure(rig.connector, STREAMED);
      expect(error).toMatchObject({
        kind: "invalid-request",
        message: "unknown field: x",
        param: "x",
        code: "unknown",
      });
    });

    test("what a 200 says that holds an error, whole or in the middle of a stream", async () => {
      const fault = { error: { message: "overloaded", code: 503 } };
      rig.upstream.script((line) => line.write(jsonResponse(fault)));
      for (const request of [WHOLE, STREAMED]) {
        const error = await failure(rig.connector, request);
        expect(error).toMatchObject({ kind: "unavailable", upstreamStatus: 503 });
      }
      const streamed = [chunk({ content: "Hel" }), { ...chunk({}, "error"), ...fault }];
      rig.upstream.script((line) => {
        line.write(STREAM_HEAD);
        line.chunk(eventStream(streamed));
      });
      const seen: string[] = [];
      const call = chatCall();
      const consume = async (): Promise<void> => {
        for await (const { events } of rig.connector.chat(STREAMED, call)) {
          seen.push(...events.map(({ type }) => type));
        }
      };
      const error = await consume().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ kind: "unavailable", upstreamStatus: 503 });
      expect(seen).toContain("text-delta");
      await within("the upstream to be left", rig.closed(), 1000);
    });

    test("an error event whose words are no JSON", async () => {
      rig.upstream.script(streamOf("event: error\ndata: something broke\n\n"));
      const call = chatCall();
      const error = await failure(rig.connector, STREAMED, call);
      expect(error.traits.origin).toBe("provider");
      expect(error.message).toContain("something broke");
      expect(call.malformed()).toBe(0);
    });

    testVerbatim(rig, "bad-upstream when a stream breaks off, however it does", async () => {
      const half = eventStream(TEXT_CHUNKS.slice(0, 3)).replace("data: [DONE]\n\n", "");
      const endings: readonly ((
        line: Parameters<Parameters<RawUpstream["script"]>[0]>[0],
      ) => void)[] = [
        (line) => line.end(),
        (line) => line.reset(),
        (line) => line.write(LAST_CHUNK),
      ];
      for (const ending of endings) {
        rig.upstream.script(async (line) => {
          line.write(STREAM_HEAD);
          line.chunk(`${half}data: {"id":"gen-1","cho`);
          await new Promise(setImmediate);
          ending(line);
        });
        expect((await failure(rig.connector, STREAMED)).kind).toBe("bad-upstream");
      }
    });

    test("bad-upstream for a stream that ends before it began", async () => {
      rig.upstream.script(streamOf(""));
      expect((await failure(rig.connector, STREAMED)).kind).toBe("bad-upstream");
      rig.upstream.script(streamOf("data: [DONE]\n\n"));
      expect((await failure(rig.connector, STREAMED)).kind).toBe("bad-upstream");
    });

    test("bad-upstream for a page, for half a reply and for JSON that is no answer", async () => {
      const page = textResponse("<html>It works!</html>", 200, { "content-type": "text/html" });
      const half = textResponse('{"id":', 200, { "content-type": "application/json" });
      const answers = [page, half, jsonResponse([]), jsonResponse({ hello: 1 })];
      for (const answer of answers) {
        for (const request of [WHOLE, STREAMED]) {
          rig.upstream.script((line) => line.write(answer));
          expect((await failure(rig.connector, request)).kind).toBe("bad-upstream");
        }
      }
    });
  });
}
