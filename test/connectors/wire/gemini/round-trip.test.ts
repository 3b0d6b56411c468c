import { expect, test } from "bun:test";
import * as fc from "fast-check";

import type { ChatReply } from "../../../../src/connectors/hub/collect.ts";
import type { ChatEvent } from "../../../../src/connectors/hub/event.ts";
import type { JsonObject } from "../../../../src/connectors/hub/json.ts";
import { geminiProvider as provider } from "../../../../src/connectors/wire/gemini/egress.ts";
import { fold, plain } from "../machines.ts";
import { decodeObjects, encode } from "./_machines.ts";
import { request, text } from "./_request-arbitrary.ts";
import { readRequest } from "./_request-reader.ts";

test("a request written for Gemini reads back as the same request", () => {
  fc.assert(
    fc.property(request, (original) => {
      const { body, dropped } = encode(original, "gemini-3-pro-preview", { callIds: true });
      const { request: again, foreign } = readRequest(body);
      expect([...dropped, ...foreign]).toEqual([]);
      expect(plain(again)).toEqual(plain(original));
    }),
    { seed: 1, numRuns: 300 },
  );
}, 60_000);

const args = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.oneof(fc.integer(), text), {
  maxKeys: 2,
});
const part: fc.Arbitrary<JsonObject> = fc.oneof(
  text.map((words) => ({ text: words })),
  text.map((words) => ({ text: words, thought: true })),
  fc.tuple(text, text).map(([words, thoughtSignature]) => ({ text: words, thoughtSignature })),
  text.map((thoughtSignature) => ({ text: "", thoughtSignature })),
  fc
    .tuple(fc.constantFrom("look", "listen"), args)
    .map(([name, given]) => ({ functionCall: { name, args: given } })),
  fc.constant({ inlineData: { mimeType: "image/png", data: "AAAA" } }),
  fc.constant({ unheardOf: true }),
);

function chunk(parts: readonly JsonObject[], more: JsonObject = {}): JsonObject {
  return { candidates: [{ content: { role: "model", parts }, ...more }], responseId: "r" };
}

function answer(events: readonly ChatEvent[]): ChatReply {
  return fold(events);
}

test("an answer says the same in one piece and in any number of pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.array(part, { maxLength: 3 }), { maxLength: 5 }), (groups) => {
      const last = { finishReason: "STOP" };
      const whole = provider.decodeReply(chunk(groups.flat(), last), {});
      const pieces = decodeObjects([...groups.map((parts) => chunk(parts)), chunk([], last)]);
      expect(answer(pieces)).toEqual(answer(whole));
    }),
    { seed: 2, numRuns: 300 },
  );
}, 60_000);

test("blocks open before they grow, end once, and the finish is the last event", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const open = new Set<number>();
      const events = decodeObjects([
        ...parts.map((each) => chunk([each])),
        chunk([], { finishReason: "STOP" }),
      ]);
      for (const event of events) {
        if (!("index" in event)) continue;
        if (event.type.endsWith("-start")) {
          expect(open.has(event.index)).toBe(false);
          open.add(event.index);
        } else expect(open.has(event.index)).toBe(true);
        if (event.type.endsWith("-end")) open.delete(event.index);
      }
      expect([...open]).toEqual([]);
      expect(events.at(-1)?.type).toBe("finish");
    }),
    { seed: 3, numRuns: 300 },
  );
}, 60_000);
