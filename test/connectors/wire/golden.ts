/**
 * One scenario a file, both directions, for any wire: `test/fixtures/<dialect>/*.json`. A file holds one of `request` (a body, what
 * the hub has of it, and what is written for a host), `stream`, `reply` and `errors`.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { type ChatReply, createCollector } from "../../../src/connectors/hub/collect.ts";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import type { ChatEvent } from "../../../src/connectors/hub/event.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../src/connectors/hub/json.ts";
import type { ClientHalf, ProviderHalf, ReplyContext } from "../../../src/connectors/hub/wire.ts";

export type GoldenWire<Quirks> = {
  readonly client: ClientHalf;
  readonly provider: ProviderHalf<Quirks>;
  /** Those of streams and replies. */
  readonly quirks: Quirks;
  /** Scenarios of requests have their own, written by hand. */
  readonly isQuirks: (value: Json | undefined) => value is JsonObject & Quirks;
  readonly context: ReplyContext;
  /** The upstream's name for the model, where a scenario has none. */
  readonly model: string;
  /** Events of a stream that came as these messages, and of its end. */
  readonly decode: (messages: readonly Json[]) => readonly ChatEvent[];
  /** What a client reads when these events are written for it. */
  readonly encode: (events: readonly ChatEvent[]) => readonly Json[];
};

const SECTIONS = ["request", "stream", "reply", "errors"] as const;

function parseObject(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new Error("not an object");
  return value;
}

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

/** As JSON says it: without fields that are undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function fold(events: readonly ChatEvent[]): ChatReply {
  const collector = createCollector();
  for (const event of events) collector.push(event);
  return collector.reply();
}

/** Defines the tests of all scenarios of a wire. */
export function golden<Quirks>(wire: GoldenWire<Quirks>): void {
  const { client, provider, quirks } = wire;
  const folder = join(import.meta.dir, "../../fixtures", client.dialect);
  const scenarios = readdirSync(folder).map((file) => ({
    name: file.replace(".json", ""),
    scenario: parseObject(readFileSync(join(folder, file), "utf8")),
  }));
  const having = (section: (typeof SECTIONS)[number]): typeof scenarios =>
    scenarios.filter(({ scenario }) => scenario[section] !== undefined);

  test("there is a scenario of every kind, and none of another kind", () => {
    for (const section of SECTIONS) expect(having(section).length).toBeGreaterThan(0);
    expect(SECTIONS.flatMap((section) => having(section)).length).toBe(scenarios.length);
  });

  describe("requests", () => {
    for (const { name, scenario } of having("request")) {
      const section = objectIn(scenario, "request");
      const text = JSON.stringify(section["body"]);

      test(`${name} is read as the hub has it`, () => {
        const { source, ...neutral } = client.decodeRequest(text);
        expect(plain(neutral)).toEqual(plain(section["neutral"]));
        expect(source).toEqual({ dialect: client.dialect, text, body: parseObject(text) });
      });

      test(`${name} is written for its host, or refused`, () => {
        const own = section["quirks"];
        if (!wire.isQuirks(own)) throw new Error("no quirks");
        const model = section["model"];
        const dropped: string[] = [];
        const write = (): JsonObject =>
          provider.encodeRequest(
            client.decodeRequest(text),
            typeof model === "string" ? model : wire.model,
            own,
            (field) => dropped.push(field),
          );
        if (section["refused"] === undefined) {
          expect(plain(write())).toEqual(plain(section["encoded"]));
        } else {
          expect(refusalOf(write)).toBe(section["refused"]);
        }
        expect(dropped).toEqual(listIn(section, "dropped").map(String));
      });
    }
  });

  describe("streams", () => {
    for (const { name, scenario } of having("stream")) {
      const section = objectIn(scenario, "stream");
      const events = (): readonly ChatEvent[] => wire.decode(listIn(section, "chunks"));

      test(`${name} is read as events`, () => {
        expect(plain(events())).toEqual(plain(section["events"]));
      });

      test(`${name} is written for a client`, () => {
        expect([...wire.encode(events())]).toEqual([...listIn(section, "written")]);
      });
    }
  });

  describe("replies", () => {
    for (const { name, scenario } of having("reply")) {
      const section = objectIn(scenario, "reply");
      const reply = (): ChatReply => fold(provider.decodeReply(objectIn(section, "body"), quirks));

      test(`${name} is read as the hub has it`, () => {
        expect(plain(reply())).toEqual(plain(section["neutral"]));
      });

      test(`${name} is written for a client`, () => {
        expect(plain(client.encodeReply(reply(), wire.context))).toEqual(plain(section["written"]));
      });
    }
  });

  describe("errors", () => {
    for (const { name, scenario } of having("errors")) {
      for (const [index, entry] of listIn(scenario, "errors").entries()) {
        if (!isJsonObject(entry)) throw new Error(`${name}: not an object`);
        test(`${name}: ${Number(entry["status"])} #${index} becomes a kind and the dialect's envelope`, () => {
          expectError(wire, entry);
        });
      }
    }
  });
}

function refusalOf(write: () => unknown): unknown {
  try {
    write();
  } catch (error) {
    if (error instanceof ChatError && error.kind === "invalid-request") return error.param;
    throw error;
  }
  throw new Error("it was written");
}

function expectError<Quirks>({ client, provider }: GoldenWire<Quirks>, entry: JsonObject): void {
  const said = entry["body"];
  const body = typeof said === "string" ? said : JSON.stringify(said);
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
  const told = entry["told"];
  if (told !== undefined) expect(client.statusOf(error)).toBe(Number(told));
}
