/**
 * Every recorded Chat Completions exchange through the wire, compared with a reading of the recording that shares no code
 * with it. The repository's own exchanges are always there; recordings of real providers may not be.
 */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";

import type { Message } from "../../../../src/connectors/hub/request.ts";
import type { ChatReply } from "../../../../src/connectors/hub/collect.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import {
  type OpenAIChatQuirks,
  openaiChatProvider as provider,
} from "../../../../src/connectors/wire/openai-chat/egress.ts";
import { shortCallId } from "../../../../src/connectors/wire/openai-chat/short.ts";
import { openaiChatClient as client } from "../../../../src/connectors/wire/openai-chat/ingress.ts";
import {
  type Exchange,
  FIXTURES,
  payloads,
  readRecordings,
  RECORDINGS,
} from "../../../support/recordings.ts";
import { chatErrorOf } from "../../../support/rejection.ts";
import { CONTEXT, fold } from "../machines.ts";
import { decodePayloads, encodeEvents } from "./_machines.ts";
import { list, object, text, parseObject } from "../../../support/json.ts";

type Call = { readonly id: string; readonly name: string; readonly arguments: string };

/** What an answer says, in the plainest reading. */
type Reading = {
  readonly text: string;
  readonly refusal: string;
  readonly reasoning: string;
  /** Signatures and encrypted data, in order. */
  readonly opaque: readonly string[];
  readonly calls: readonly Call[];
  readonly annotations: readonly Json[];
  readonly finish: string;
  readonly usage: JsonObject | undefined;
  readonly error: string | undefined;
};

/** Reads the chunks of a stream, or one whole reply, naively. */
function read(chunks: readonly JsonObject[]): Reading {
  const said = { text: "", refusal: "", reasoning: "", finish: "" };
  const opaque: string[] = [];
  const annotations: Json[] = [];
  const calls = new Map<Json, { id: string; name: string; arguments: string }>();
  let usage: JsonObject | undefined;
  let error: string | undefined;
  for (const chunk of chunks) {
    if (isJsonObject(chunk["usage"])) usage = chunk["usage"];
    if (isJsonObject(chunk["error"])) error = text(chunk["error"]["message"]);
    const choice = object(list(chunk["choices"])[0]);
    const message = object(choice["delta"] ?? choice["message"]);
    said.text += text(message["content"]);
    said.refusal += text(message["refusal"]);
    // Both fields hold the same words where both are sent.
    said.reasoning += text(message["reasoning_content"]) || text(message["reasoning"]);
    said.finish = text(choice["finish_reason"]) || said.finish;
    annotations.push(...list(message["annotations"]));
    for (const detail of list(message["reasoning_details"]).map(object)) {
      for (const field of ["signature", "data"]) {
        if (text(detail[field]) !== "") opaque.push(text(detail[field]));
      }
    }
    // Gemini's compatible endpoint signs a text this way; on a message with calls the signature is the first call's.
    const google = object(object(message["extra_content"])["google"]);
    const signature = text(google["thought_signature"]);
    if (signature !== "" && list(message["tool_calls"]).length === 0) opaque.push(signature);
    list(message["tool_calls"])
      .map(object)
      .forEach((piece, position) => {
        const key = piece["index"] ?? position;
        const call = calls.get(key) ?? { id: "", name: "", arguments: "" };
        const body = object(piece["function"]);
        call.id ||= text(piece["id"]);
        call.name += text(body["name"]);
        call.arguments += text(body["arguments"]);
        calls.set(key, call);
      });
  }
  return { ...said, opaque, annotations, calls: [...calls.values()], usage, error };
}

const FINISH: Readonly<Record<string, string>> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool-calls",
  content_filter: "refusal",
};

function joinedText(reply: ChatReply, type: "text" | "refusal" | "reasoning"): string {
  return reply.parts.map((part) => (part.type === type ? part.text : "")).join("");
}

/** The hub's answer must say what the recording says. */
function compare(reply: ChatReply, reading: Reading): void {
  expect(joinedText(reply, "text")).toBe(reading.text);
  expect(joinedText(reply, "refusal")).toBe(reading.refusal);
  expect(joinedText(reply, "reasoning")).toBe(reading.reasoning);
  const thoughts = reply.parts.filter((part) => part.type === "reasoning");
  const opaque = thoughts.flatMap((part) => [part.signature, part.data]);
  expect(opaque.filter((value) => value !== undefined)).toEqual([...reading.opaque]);
  const calls = reply.parts.filter((part) => part.type === "tool-call");
  expect(calls.map(({ name, arguments: given }) => ({ name, arguments: given }))).toEqual(
    reading.calls.map(({ name, arguments: given }) => ({ name, arguments: given })),
  );
  for (const [index, call] of calls.entries()) {
    expect(call.id).not.toBe("");
    const recorded = reading.calls[index]?.id ?? "";
    if (recorded !== "") expect(call.id).toBe(recorded);
  }
  const told: unknown = reply.annotations;
  expect(told).toEqual(reading.annotations);
  expect<string>(reply.finish).toBe(FINISH[reading.finish] ?? "unknown");
  compareUsage(reply, reading.usage);
}

/** Input and output add up to the total, whatever a provider counts as what. */
function compareUsage({ usage }: ChatReply, recorded: JsonObject | undefined): void {
  if (recorded === undefined) {
    expect(usage).toBeUndefined();
    return;
  }
  const prompt = Number(recorded["prompt_tokens"]);
  expect(usage?.source).toBe("reported");
  expect(usage?.inputTokens).toBe(prompt);
  expect(usage?.outputTokens).toBe(Number(recorded["total_tokens"]) - prompt);
  const input = object(recorded["prompt_tokens_details"]);
  expect(usage?.cacheReadTokens ?? 0).toBe(Number(input["cached_tokens"] ?? 0));
  const cost = recorded["cost"];
  const ticks = recorded["cost_in_usd_ticks"];
  if (typeof cost === "number") {
    // With the caller's own key OpenRouter charges a fee and the upstream provider the rest.
    const upstream = object(recorded["cost_details"])["upstream_inference_cost"];
    const total = recorded["is_byok"] === true ? cost + Number(upstream) : cost;
    expect(Math.abs((usage?.costNanoUsd ?? -1) - total * 1e9)).toBeLessThan(1);
  } else if (typeof ticks === "number") {
    expect(usage?.costNanoUsd).toBe(ticks / 10);
  }
  const reasoning = object(recorded["completion_tokens_details"])["reasoning_tokens"];
  if (typeof reasoning === "number") expect(usage?.reasoningTokens).toBe(reasoning);
}

/** Empty arguments reach clients as an empty object, since those parse them. */
function forClient(reading: Reading): Reading {
  const calls = reading.calls.map(({ id, name, arguments: given }) => ({
    id,
    name,
    arguments: given || "{}",
  }));
  return { ...reading, calls, usage: undefined };
}

const own = readRecordings(FIXTURES).exchanges;
const recorded = readRecordings(RECORDINGS).exchanges;
const exchanges = [...own, ...recorded];

function objectsOf(exchange: Exchange): readonly JsonObject[] {
  return exchange.stream
    ? payloads(exchange.text).map((payload) => parseObject(payload))
    : [parseObject(exchange.text)];
}

function replyOf(exchange: Exchange): ChatReply {
  return exchange.stream
    ? fold(
        decodePayloads([
          ...payloads(exchange.text),
          ...(exchange.text.includes("[DONE]") ? ["[DONE]"] : []),
        ]),
      )
    : fold(provider.decodeReply(parseObject(exchange.text), {}));
}

test("there are exchanges to replay", () => {
  expect(own.length).toBeGreaterThan(0);
  expect(own.some((exchange) => exchange.stream)).toBe(true);
  expect(recorded.length > 80 || !existsSync(RECORDINGS)).toBe(true);
});

describe("answers", () => {
  for (const exchange of exchanges) {
    const objects = objectsOf(exchange);
    const reading = read(objects);

    if (exchange.status !== 200) {
      test(`${exchange.id} is told as the provider told it`, () => {
        const error = provider.decodeError(exchange.status, exchange.text, new Headers());
        expect(error.kind).toBe("invalid-request");
        expect(error.message).toBe(reading.error ?? "");
        expect(error.traits.status).toBe(exchange.status);
        const body = object(objects[0]?.["error"]);
        expect(error.param).toBe(text(body["param"]));
        const code: unknown = body["code"];
        expect(code ?? undefined).toBe(error.code);
      });
      continue;
    }

    if (reading.error !== undefined) {
      test(`${exchange.id} ends with the provider's error`, () => {
        const error = chatErrorOf(() => replyOf(exchange));
        expect(error.message).toContain(reading.error ?? "nothing");
        expect(error.upstreamStatus ?? 0).toBeGreaterThanOrEqual(400);
      });
      continue;
    }

    test(`${exchange.id} is read completely`, () => {
      compare(replyOf(exchange), reading);
    });

    test(`${exchange.id} reaches a client of ours completely, whole and streamed`, () => {
      const reply = replyOf(exchange);
      const whole = read([client.encodeReply(reply, CONTEXT)]);
      expect(whole.usage === undefined).toBe(reading.usage === undefined);
      compare(fold(provider.decodeReply(client.encodeReply(reply, CONTEXT), {})), {
        ...forClient(reading),
        usage: whole.usage,
      });
      if (!exchange.stream) return;
      const events = decodePayloads([...payloads(exchange.text), "[DONE]"]);
      const written = encodeEvents(events);
      expect(written.at(-1)).toBe("[DONE]");
      const streamed = read(written.slice(0, -1).map((payload) => parseObject(payload)));
      const told: unknown = { ...streamed, usage: undefined };
      expect(told).toEqual(forClient(reading));
    });
  }
});

function twin(id: string): string {
  return id.replace(/\.(?:chunks\.txt|json|sse)#/, "#");
}

/** What must not depend on how an answer was sent. */
function shape(exchange: Exchange): unknown {
  const reply = replyOf(exchange);
  return {
    finish: reply.finish,
    parts: reply.parts.map((part) =>
      part.type === "tool-call"
        ? { type: part.type, name: part.name, arguments: part.arguments }
        : { type: part.type },
    ),
    usage: Object.keys(reply.usage ?? {}),
  };
}

describe("streamed and unstreamed twins", () => {
  for (const streamed of exchanges.filter((exchange) => exchange.stream)) {
    const whole = exchanges.find(
      (exchange) => !exchange.stream && twin(exchange.id) === twin(streamed.id),
    );
    if (!whole) continue;
    test(`${twin(streamed.id)} has the same parts both ways`, () => {
      expect(shape(streamed)).toEqual(shape(whole));
    });
  }
});

/** A host that takes whatever the recordings ask for. */
const EVERYTHING: OpenAIChatQuirks = {
  systemRole: "as-given",
  maxTokensField: "max_completion_tokens",
  reasoningRequest: "openrouter",
  reasoningField: "reasoning_details",
  toolResultMedia: "parts",
  supports: { video: true, fileUrls: true, fileIds: true },
};

/** The message with ids of calls as OpenAI takes them: Google's are longer. */
function withShortIds(message: Message): Message {
  if (message.role === "tool") {
    const parts = message.parts.map((part) =>
      Object.assign(structuredClone(part), { toolCallId: shortCallId(part.toolCallId) }),
    );
    return { role: "tool", parts };
  }
  if (message.role !== "assistant") return message;
  const parts = message.parts.map((part) =>
    part.type === "tool-call"
      ? Object.assign(structuredClone(part), { id: shortCallId(part.id) })
      : part,
  );
  return Object.assign(structuredClone(message), { parts });
}

describe("requests", () => {
  for (const exchange of exchanges) {
    test(`${exchange.id} is read, and stays the same when written and read again`, () => {
      const sent = JSON.stringify(exchange.body);
      const request = client.decodeRequest(sent);
      expect(request.model).toBe(exchange.body.model);
      expect(request.stream).toBe(exchange.stream);
      expect(request.source.text).toBe(sent);
      const count = request.messages.length + request.system.length;
      expect(count).toBeGreaterThan(0);

      const encode = (): JsonObject =>
        provider.encodeRequest(request, request.model, EVERYTHING, () => {});
      const lost = request.unmapped.find((field) => !field.harmless);
      if (lost) {
        const error = chatErrorOf(encode);
        expect(error.param).toBe(lost.field);
        expect(error.traits.tryElsewhere).toBe(true);
        return;
      }
      const { source: _, unmapped: __, ...first } = request;
      const again = client.decodeRequest(JSON.stringify(encode()));
      const { source: ___, unmapped: ____, ...second } = again;
      const messages = first.messages.map(withShortIds);
      expect(second).toEqual({ ...first, messages, streamUsage: request.stream });
    });
  }
});
