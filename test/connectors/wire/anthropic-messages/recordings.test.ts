/**
 * Every recorded Messages exchange through the wire, compared with a reading of the recording that shares no code with it. The
 * repository's own exchanges are always there; recordings of real providers may not be.
 */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";

import type { ChatReply } from "../../../../src/connectors/hub/collect.ts";
import type { ChatEvent } from "../../../../src/connectors/hub/event.ts";
import { type Json, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import { anthropicMessagesProvider as provider } from "../../../../src/connectors/wire/anthropic-messages/egress.ts";
import { anthropicMessagesClient as client } from "../../../../src/connectors/wire/anthropic-messages/ingress.ts";
import {
  type Exchange,
  FIXTURES,
  payloads,
  readRecordings,
  RECORDINGS,
} from "../../../support/recordings.ts";
import { lower } from "../../../../src/connectors/wire/anthropic-messages/lower.ts";
import { chatErrorOf } from "../../../support/rejection.ts";
import { CONTEXT, fold } from "../machines.ts";
import { decode, encode, expectGrammar } from "./_machines.ts";
import { list, number, object, text, parseObject } from "../../../support/json.ts";

/** What an answer says, in the plainest reading: its blocks, but for those that only Anthropic's own servers make. */
type Reading = {
  readonly text: string;
  readonly thinking: string;
  readonly opaque: readonly string[];
  readonly calls: readonly {
    readonly id: string;
    readonly name: string;
    readonly input: unknown;
  }[];
  readonly stop: string;
  readonly input: number;
  readonly output: number;
};

/** A copy that may be changed. */
function copy(value: Json | undefined): Record<string, Json> {
  return Object.fromEntries(Object.entries(object(value)).map(([name, of]) => [name, of ?? null]));
}

/** Puts the events of a stream together into the message they stand for. */
function assemble(events: readonly JsonObject[]): JsonObject {
  let message: Record<string, Json> = {};
  const blocks = new Map<Json, Record<string, Json>>();
  for (const event of events) {
    const delta = object(event["delta"]);
    const block = blocks.get(event["index"] ?? null);
    switch (text(event["type"])) {
      case "message_start":
        message = copy(event["message"]);
        break;
      case "content_block_start":
        blocks.set(
          event["index"] ?? null,
          Object.assign(copy(event["content_block"]), { json: "" }),
        );
        break;
      case "content_block_delta":
        if (!block) break;
        block["text"] = text(block["text"]) + text(delta["text"]);
        block["thinking"] = text(block["thinking"]) + text(delta["thinking"]);
        block["signature"] = text(block["signature"]) + text(delta["signature"]);
        block["json"] = text(block["json"]) + text(delta["partial_json"]);
        break;
      case "message_delta": {
        const usage = copy(message["usage"]);
        for (const [field, value] of Object.entries(object(event["usage"]))) {
          if (value !== 0 && value !== null && value !== undefined) usage[field] = value;
        }
        message = Object.assign(copy(message), copy(delta), { usage });
        break;
      }
      default:
    }
  }
  const content: JsonObject[] = [];
  for (const { json, ...block } of blocks.values()) {
    if (text(json) !== "") {
      const input: Json = JSON.parse(text(json));
      block["input"] = input;
    }
    content.push(block);
  }
  return { ...message, content };
}

function read(message: JsonObject): Reading {
  const blocks = list(message["content"]).map(object);
  const of = (type: string): JsonObject[] => blocks.filter((block) => block["type"] === type);
  const usage = object(message["usage"]);
  return {
    text: of("text")
      .map((block) => text(block["text"]))
      .join(""),
    thinking: of("thinking")
      .map((block) => text(block["thinking"]))
      .join(""),
    opaque: blocks
      .flatMap((block) => [
        block["type"] === "thinking" ? text(block["signature"]) : "",
        block["type"] === "redacted_thinking" ? text(block["data"]) : "",
      ])
      .filter((value) => value !== ""),
    calls: of("tool_use").map(({ id, name, input }) => ({ id: text(id), name: text(name), input })),
    stop: text(message["stop_reason"]),
    input:
      (number(usage["input_tokens"]) ?? 0) +
      (number(usage["cache_read_input_tokens"]) ?? 0) +
      (number(usage["cache_creation_input_tokens"]) ?? 0),
    output: number(usage["output_tokens"]) ?? 0,
  };
}

function readReply(reply: ChatReply): Reading {
  const texts = (type: "text" | "reasoning"): string =>
    reply.parts.map((part) => (part.type === type ? part.text : "")).join("");
  const stops: Readonly<Record<string, string>> = {
    stop: "end_turn",
    length: "max_tokens",
    "tool-calls": "tool_use",
    "stop-sequence": "stop_sequence",
    pause: "pause_turn",
    refusal: "refusal",
  };
  return {
    text: texts("text"),
    thinking: texts("reasoning"),
    opaque: reply.parts.flatMap((part) =>
      part.type === "reasoning"
        ? [part.signature, part.data].filter((value) => value !== undefined)
        : [],
    ),
    calls: reply.parts.flatMap((part) =>
      part.type === "tool-call"
        ? [{ id: part.id, name: part.name, input: parseObject(part.arguments || "{}") }]
        : [],
    ),
    stop: reply.nativeFinish ?? stops[reply.finish] ?? "",
    input: reply.usage?.inputTokens ?? 0,
    output: reply.usage?.outputTokens ?? 0,
  };
}

/** For what is dropped, where the result tells it too. */
function unheard(): void {}

const own = readRecordings(FIXTURES, "anthropic-messages").exchanges;
const recorded = readRecordings(RECORDINGS, "anthropic-messages").exchanges;
const exchanges = [...own, ...recorded];

function recordedMessage(exchange: Exchange): JsonObject {
  if (!exchange.stream) return parseObject(exchange.text);
  return assemble(payloads(exchange.text).map((payload) => parseObject(payload)));
}

function eventsOf(exchange: Exchange): readonly ChatEvent[] {
  return exchange.stream
    ? decode(payloads(exchange.text).map((data) => ({ data })))
    : provider.decodeReply(parseObject(exchange.text), {});
}

test("there are exchanges to replay", () => {
  expect(own.some((exchange) => exchange.stream)).toBe(true);
  expect(own.some((exchange) => !exchange.stream)).toBe(true);
  expect(recorded.length > 120 || !existsSync(RECORDINGS)).toBe(true);
});

describe("answers", () => {
  for (const exchange of exchanges.filter(({ status }) => status === 200)) {
    const reading = read(recordedMessage(exchange));

    test(`${exchange.id} is read completely`, () => {
      expect(readReply(fold(eventsOf(exchange)))).toEqual(reading);
    });

    test(`${exchange.id} reaches a client of ours completely, whole and streamed`, () => {
      const events = eventsOf(exchange);
      expect(read(client.encodeReply(fold(events), CONTEXT))).toEqual(reading);
      const written = encode(events);
      expectGrammar(written);
      expect(read(assemble(written.map(({ data }) => parseObject(data))))).toEqual(reading);
    });

    if (!exchange.stream) continue;
    test(`${exchange.id} passes under the caller's name for the model, and otherwise as it is`, () => {
      const encoder = client.encodeStream(CONTEXT);
      const sent = payloads(exchange.text).map((data) => ({
        dialect: client.dialect,
        event: text(parseObject(data)["type"]),
        data,
      }));
      const passed = sent.map((message) => encoder.pass(message)).join("") + encoder.end();
      const model = /"model":\s*"([^"]+)"/.exec(exchange.text)?.[1] ?? "";
      const expected = sent.map(({ event, data }) => `event: ${event}\ndata: ${data}\n\n`).join("");
      expect(passed).toBe(expected.replace(`"${model}"`, `"${CONTEXT.model}"`));
    });
  }
});

describe("requests", () => {
  for (const exchange of exchanges) {
    test(`${exchange.id} is passed on as it is to the model that it was recorded with`, () => {
      const request = client.decodeRequest(JSON.stringify(exchange.body));
      if (exchange.status === 200) expect(lower(request, request.model, unheard)).toEqual({});
    });

    test(`${exchange.id} is read, and stays the same when written and read again, or is refused by the field at fault`, () => {
      const sent = JSON.stringify(exchange.body);
      const request = client.decodeRequest(sent);
      expect(request.model).toBe(exchange.body.model);
      expect(request.stream).toBe(exchange.stream);
      expect(request.source.text).toBe(sent);
      const write = (): JsonObject => provider.encodeRequest(request, request.model, {}, unheard);
      const lost = request.unmapped.find((field) => !field.harmless);
      if (lost) {
        const error = chatErrorOf(write);
        expect(error.param).toBe(lost.field);
        expect(error.traits.tryElsewhere).toBe(true);
        return;
      }
      const again = client.decodeRequest(JSON.stringify(write()));
      expect(again.messages).toEqual(request.messages.filter(({ parts }) => parts.length > 0));
      expect(again.system).toEqual(request.system);
      expect(again.tools).toEqual(request.tools);
      expect(again.toolChoice).toEqual(request.toolChoice);
      expect(again.stop).toEqual(request.stop);
      expect(again.output?.type).toBe(request.output?.type);
    });
  }
});
