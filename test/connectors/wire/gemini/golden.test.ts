/** One scenario a file: `test/fixtures/gemini/*.json`. */
import { describe, expect, test } from "bun:test";

import { isJsonObject, type Json, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import {
  geminiProvider as provider,
  type GeminiQuirks,
} from "../../../../src/connectors/wire/gemini/egress.ts";
import { chatRequest } from "../../../contract/calling.ts";
import { fold, plain } from "../machines.ts";
import { failureIn, objectIn, objectsIn, readScenarios } from "../scenarios.ts";
import { decodeObjects, encode } from "./_machines.ts";

const having = readScenarios("gemini");

function isQuirks(value: Json | undefined): value is JsonObject & GeminiQuirks {
  return isJsonObject(value);
}

describe("requests", () => {
  for (const { name, scenario } of having("request")) {
    test(`${name} is written for its model`, () => {
      const { model, quirks, source, body, dropped } = objectIn(scenario, "request");
      if (!isQuirks(quirks) || !isJsonObject(source)) throw new Error("no quirks or source");
      if (typeof model !== "string") throw new Error("no model");
      const written = encode(chatRequest(source), model, quirks);
      expect(plain(written)).toEqual(plain({ body, dropped }));
    });
  }
});

describe("streams", () => {
  for (const { name, scenario } of having("stream")) {
    const section = objectIn(scenario, "stream");
    const chunks = objectsIn(section, "chunks");

    test(`${name} adds up to its answer`, () => {
      expect(plain(fold(decodeObjects(chunks)))).toEqual(plain(section["neutral"]));
    });

    test(`${name} says the same as one JSON array`, () => {
      const events = provider.decodeChunks?.(chunks, {}) ?? [];
      expect(plain(fold(events))).toEqual(plain(section["neutral"]));
    });

    test(`${name} has one finish, its last event, and no block that stays open`, () => {
      const events = decodeObjects(chunks);
      expect(events.findIndex((event) => event.type === "finish")).toBe(events.length - 1);
      const count = (end: string): number => events.filter(({ type }) => type.endsWith(end)).length;
      expect(count("-end")).toBe(count("-start"));
    });
  }
});

describe("whole replies", () => {
  for (const { name, scenario } of having("reply")) {
    test(`${name} is read as the hub has it`, () => {
      const section = objectIn(scenario, "reply");
      const reply = fold(provider.decodeReply(objectIn(section, "body"), {}));
      expect(plain(reply)).toEqual(plain(section["neutral"]));
    });
  }
});

describe("errors", () => {
  for (const { name, scenario } of having("errors")) {
    for (const [index, entry] of objectsIn(scenario, "errors").entries()) {
      test(`${name} ${index} is told as what it is`, () => {
        const { status, body, headers } = failureIn(entry);
        const error = provider.decodeError(status, body, headers);
        const { kind, message, code, retryAfterMs, traits } = error;
        const { retryHere, tryElsewhere } = traits;
        const seen = { kind, message, code, status: traits.status, retryHere, tryElsewhere };
        expect(plain({ ...seen, retryAfterMs })).toEqual(plain(entry["error"]));
      });
    }
  }
});
