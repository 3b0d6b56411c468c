/** One scenario a file: `test/fixtures/gemini/*.json`. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { isJsonObject, type Json, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import {
  geminiProvider as provider,
  type GeminiQuirks,
} from "../../../../src/connectors/wire/gemini/egress.ts";
import { chatRequest, decodeObjects, encode, fold, parseObject } from "./_machines.ts";

const FOLDER = join(import.meta.dir, "../../../fixtures/gemini");

function objectIn(holder: JsonObject, field: string): JsonObject {
  const value = holder[field];
  if (!isJsonObject(value)) throw new Error(`no object ${field}`);
  return value;
}

function objectsIn(holder: JsonObject, field: string): readonly JsonObject[] {
  const value = holder[field];
  if (!Array.isArray(value)) throw new Error(`no array ${field}`);
  return value.filter(isJsonObject);
}

function isQuirks(value: Json | undefined): value is JsonObject & GeminiQuirks {
  return isJsonObject(value);
}

/** As JSON says it: without fields that are undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

const scenarios = readdirSync(FOLDER).map((file) => ({
  name: file.replace(".json", ""),
  scenario: parseObject(readFileSync(join(FOLDER, file), "utf8")),
}));
const having = (section: string): typeof scenarios =>
  scenarios.filter(({ scenario }) => scenario[section] !== undefined);
const SECTIONS = ["request", "stream", "reply", "errors"];

test("there is a scenario of every kind, and none of another kind", () => {
  for (const section of SECTIONS) expect(having(section).length).toBeGreaterThan(0);
  expect(SECTIONS.flatMap((section) => having(section)).length).toBe(scenarios.length);
});

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
        const { status, body, headers } = entry;
        const text = typeof body === "string" ? body : JSON.stringify(body);
        const told = new Headers();
        for (const [field, value] of Object.entries(isJsonObject(headers) ? headers : {})) {
          if (typeof value === "string") told.set(field, value);
        }
        const error = provider.decodeError(Number(status), text, told);
        const { kind, message, code, retryAfterMs, traits } = error;
        const { retryHere, tryElsewhere } = traits;
        const seen = { kind, message, code, status: traits.status, retryHere, tryElsewhere };
        expect(plain({ ...seen, retryAfterMs })).toEqual(plain(entry["error"]));
      });
    }
  }
});
