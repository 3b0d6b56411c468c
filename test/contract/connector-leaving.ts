/** How a connector must let go of its upstream. */
import { beforeEach, describe, expect, test } from "bun:test";

import { ChatError } from "../../src/connectors/hub/error.ts";
import { rejection } from "../support/rejection.ts";
import { within } from "../support/wait-for.ts";
import { chatCall, chatRequest } from "./calling.ts";
import { STREAM_HEAD } from "./raw-upstream.ts";
import type { Rig } from "./connector-rig.ts";

const STREAMED = chatRequest({ stream: true });
const REASON = new ChatError("cancelled", "the client went away");

/** Declares these tests for the connector of a rig; `begun` is the first message of an answer to a stream. */
export function leaving(rig: Rig, begun: string): void {
  describe("leaves the upstream within a second", () => {
    beforeEach(() =>
      rig.upstream.script((line) => {
        line.write(STREAM_HEAD);
        line.chunk(begun);
      }),
    );

    test("when the call is aborted in the middle of a stream, and throws the reason", async () => {
      const abort = new AbortController();
      const messages = rig.connector.chat(STREAMED, chatCall({ signal: abort.signal }));
      const iterator = messages[Symbol.asyncIterator]();
      await iterator.next();
      const next = iterator.next();
      abort.abort(REASON);
      expect(await rejection(next)).toBe(REASON);
      await within("the upstream to be left", rig.closed(), 1000);
    });

    test("when the call is aborted while nobody waits for a message", async () => {
      const abort = new AbortController();
      const messages = rig.connector.chat(STREAMED, chatCall({ signal: abort.signal }));
      const iterator = messages[Symbol.asyncIterator]();
      await iterator.next();
      abort.abort();
      await within("the upstream to be left", rig.closed(), 1000);
      expect(await rejection(iterator.next())).toMatchObject({ kind: "cancelled" });
    });

    test("when the consumer leaves the iteration", async () => {
      for await (const { events } of rig.connector.chat(STREAMED, chatCall())) {
        expect(events.length).toBeGreaterThan(0);
        break;
      }
      await within("the upstream to be left", rig.closed(), 1000);
    });
  });
}
