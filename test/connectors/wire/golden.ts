/** The scenarios of a wire with both halves, in both directions. */
import { describe, expect, test } from "bun:test";

import type { ChatReply } from "../../../src/connectors/hub/collect.ts";
import type { ChatEvent } from "../../../src/connectors/hub/event.ts";
import type { Json, JsonObject } from "../../../src/connectors/hub/json.ts";
import type { ClientHalf, ProviderHalf, ReplyContext } from "../../../src/connectors/hub/wire.ts";
import { chatErrorOf } from "../../support/rejection.ts";
import { fold, plain } from "./machines.ts";
import { failureIn, listIn, objectIn, objectsIn, readScenarios } from "./scenarios.ts";
import { parseObject } from "../../support/json.ts";

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

/** Defines the tests of all scenarios of a wire. */
export function golden<Quirks>(wire: GoldenWire<Quirks>): void {
  const { client, provider, quirks } = wire;
  const having = readScenarios(client.dialect);

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
      for (const [index, entry] of objectsIn(scenario, "errors").entries()) {
        test(`${name}: ${Number(entry["status"])} #${index} becomes a kind and the dialect's envelope`, () => {
          expectError(wire, entry);
        });
      }
    }
  });
}

function refusalOf(write: () => unknown): unknown {
  const error = chatErrorOf(write);
  expect(error.kind).toBe("invalid-request");
  return error.param;
}

function expectError<Quirks>({ client, provider }: GoldenWire<Quirks>, entry: JsonObject): void {
  const { status, body, headers } = failureIn(entry);
  const error = provider.decodeError(status, body, headers);
  expect({
    kind: error.kind,
    message: error.message,
    code: error.code ?? null,
    param: error.param ?? null,
    retryAfterMs: error.retryAfterMs ?? null,
    ...error.traits,
  }).toMatchObject(objectIn(entry, "error"));
  expect(error.upstreamStatus).toBe(status);
  expect(plain(client.encodeError(error, "req-1"))).toEqual(plain(entry["envelope"]));
  const told = entry["told"];
  if (told !== undefined) expect(client.statusOf(error)).toBe(Number(told));
}
