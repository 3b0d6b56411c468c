/** How a connector must fail when its provider does, whatever it speaks. */
import { describe, expect, test } from "bun:test";

import { within } from "../support/wait-for.ts";
import { chatCall, chatRequest, failure, PATIENT } from "./calling.ts";
import type { Rig } from "./connector-rig.ts";
import { STREAM_HEAD, textResponse } from "./raw-upstream.ts";

const WHOLE = chatRequest();
const STREAMED = chatRequest({ stream: true });

/** Declares these tests for the connector of a rig; `begun` is the first message of an answer to a stream. */
export function breakdowns(rig: Rig, begun: string): void {
  describe("throws", () => {
    test("unavailable for a 500, to be tried again", async () => {
      rig.upstream.script((line) => line.write(textResponse("boom", 500, {})));
      const error = await failure(rig.connector, WHOLE);
      expect(error).toMatchObject({ kind: "unavailable", upstreamStatus: 500 });
      expect(error.traits).toMatchObject({ retryHere: true, tryElsewhere: true });
    });

    test("unavailable when the connection breaks before the headers", async () => {
      rig.upstream.script((line) => line.reset());
      const error = await failure(rig.connector, STREAMED);
      expect(error).toMatchObject({ kind: "unavailable", code: "connection_reset" });
      expect(error.traits.retryHere).toBe(true);
      expect(rig.upstream.seen.length).toBe(1);
    });

    test("what sends to another target for a redirect, which it does not follow", async () => {
      rig.upstream.script((line) =>
        line.write(textResponse("", 307, { location: `${rig.upstream.url}/elsewhere` })),
      );
      const error = await failure(rig.connector, STREAMED);
      expect(error).toMatchObject({ code: "redirect", upstreamStatus: 307 });
      expect(error.traits).toMatchObject({
        origin: "provider",
        retryHere: false,
        tryElsewhere: true,
      });
      expect(rig.upstream.seen.length).toBe(1);
    });

    test("timeout, naming the timer", async () => {
      const stages = [
        { timer: "headers", timeouts: { headersMs: 40 }, script: () => undefined },
        {
          timer: "first-event",
          timeouts: { firstEventMs: 40 },
          script: (line: { write(text: string): void }) => line.write(STREAM_HEAD),
        },
        {
          timer: "idle",
          timeouts: { idleMs: 60 },
          script: (line: { write(text: string): void; chunk(text: string): void }) => {
            line.write(STREAM_HEAD);
            line.chunk(begun);
          },
        },
      ] as const;
      for (const { timer, timeouts, script } of stages) {
        rig.upstream.script(script);
        const call = chatCall({ timeouts: { ...PATIENT, ...timeouts } });
        const error = await failure(rig.connector, STREAMED, call);
        expect(error).toMatchObject({
          kind: "timeout",
          timer,
          code: `timeout_${timer.replace("-", "_")}`,
        });
        await within("the upstream to be left", rig.closed(), 1000);
      }
    });
  });
}
