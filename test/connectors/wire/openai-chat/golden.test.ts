/** One scenario a file, both directions: `test/fixtures/openai-chat/*.json`. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { isJsonObject, type Json, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import {
  type OpenAIChatQuirks,
  openaiChatProvider as provider,
} from "../../../../src/connectors/wire/openai-chat/egress.ts";
import { openaiChatClient as client } from "../../../../src/connectors/wire/openai-chat/ingress.ts";
import { CONTEXT, decodeChunks, encodeEvents, fold, parseObject } from "./_machines.ts";

const FOLDER = join(import.meta.dir, "../../../fixtures/openai-chat");

function objectIn(holder: JsonObject, field: string): JsonObject {
  const value = holder[field];
  if (!isJsonObject(value)) throw new Error(`no object ${field}`);
  return value;
}

function listIn(holder: JsonObject, field: string): readonly Json[] {
  const value = holder[field];
  if (!Array.isArray(value)) throw new Error(`no array ${field}`);
  return value;
}

function isQuirks(value: Json | undefined): value is JsonObject & OpenAIChatQuirks {
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

test("there is a scenario of every kind, and none of another kind", () => {
  for (const section of ["request", "stream", "reply", "errors"]) {
    expect(having(section).length).toBeGreaterThan(0);
  }
  const counted = ["request", "stream", "reply", "errors"].flatMap((section) => having(section));
  expect(counted.length).toBe(scenarios.length);
});

describe("requests", () => {
  for (const { name, scenario } of having("request")) {
    const section = objectIn(scenario, "request");
    const text = JSON.stringify(section["body"]);

    test(`${name} is read as the hub has it`, () => {
      const { source, ...neutral } = client.decodeRequest(text);
      expect(plain(neutral)).toEqual(plain(section["neutral"]));
      expect(source).toEqual({ dialect: "openai-chat", text, body: parseObject(text) });
    });

    test(`${name} is written for its host`, () => {
      const quirks = section["quirks"];
      if (!isQuirks(quirks)) throw new Error("no quirks");
      const dropped: string[] = [];
      const request = client.decodeRequest(text);
      const body = provider.encodeRequest(request, "upstream-model", quirks, (field) =>
        dropped.push(field),
      );
      expect(plain(body)).toEqual(plain(section["encoded"]));
      expect(dropped).toEqual(listIn(section, "dropped").map(String));
    });
  }
});

describe("streams", () => {
  for (const { name, scenario } of having("stream")) {
    const section = objectIn(scenario, "stream");
    const events = (): ReturnType<typeof decodeChunks> => decodeChunks(listIn(section, "chunks"));

    test(`${name} is read as events`, () => {
      expect(plain(events())).toEqual(plain(section["events"]));
    });

    test(`${name} is written for a client`, () => {
      const written = encodeEvents(events()).map((data): unknown =>
        data === "[DONE]" ? data : JSON.parse(data),
      );
      expect(written).toEqual([...listIn(section, "written")]);
    });
  }
});

describe("replies", () => {
  for (const { name, scenario } of having("reply")) {
    const section = objectIn(scenario, "reply");
    const reply = (): ReturnType<typeof fold> =>
      fold(provider.decodeReply(objectIn(section, "body"), {}));

    test(`${name} is read as the hub has it`, () => {
      expect(plain(reply())).toEqual(plain(section["neutral"]));
    });

    test(`${name} is written for a client`, () => {
      expect(plain(client.encodeReply(reply(), CONTEXT))).toEqual(plain(section["written"]));
    });
  }
});

describe("errors", () => {
  for (const { name, scenario } of having("errors")) {
    for (const [index, entry] of listIn(scenario, "errors").entries()) {
      if (!isJsonObject(entry)) throw new Error(`${name}: not an object`);
      const said = entry["body"];
      const body = typeof said === "string" ? said : JSON.stringify(said);

      test(`${name}: ${Number(entry["status"])} #${index} becomes a kind and OpenAI's envelope`, () => {
        const headers = new Headers();
        const given = entry["headers"];
        for (const [field, value] of Object.entries(isJsonObject(given) ? given : {})) {
          if (typeof value === "string") headers.set(field, value);
        }
        const error = provider.decodeError(Number(entry["status"]), body, headers);
        expect({
          kind: error.kind,
          message: error.message,
          code: error.code ?? null,
          param: error.param ?? null,
          retryAfterMs: error.retryAfterMs ?? null,
          ...error.traits,
        }).toMatchObject(objectIn(entry, "error"));
        expect(error.upstreamStatus).toBe(Number(entry["status"]));
        expect(plain(client.encodeError(error, "req-1"))).toEqual(plain(entry["envelope"]));
      });
    }
  }
});
