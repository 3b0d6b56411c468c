/**
 * Every recorded exchange with Gemini through the wire, compared with a reading of the recording that shares no code with it.
 * The repository's own exchanges are always there; recordings of real providers may not be.
 */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";

import type { ChatReply } from "../../../../src/connectors/hub/collect.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import { geminiProvider as provider } from "../../../../src/connectors/wire/gemini/egress.ts";
import {
  type GeminiExchange,
  objectsOf,
  readGeminiExchanges,
} from "../../../support/gemini-recordings.ts";
import { RECORDINGS } from "../../../support/recordings.ts";
import { chatErrorOf } from "../../../support/rejection.ts";
import { fold } from "../machines.ts";
import { decodeObjects, encode } from "./_machines.ts";
import { camel, readRequest } from "./_request-reader.ts";
import { object, objects, text } from "../../../support/json.ts";

/** What an answer says, in the plainest reading. */
function read(chunks: readonly JsonObject[]) {
  const said = { text: "", thoughts: "", finish: "" };
  const signatures: string[] = [];
  const calls: { name: string; args: Json }[] = [];
  let usage: JsonObject = {};
  let logprobs = 0;
  let sources = 0;
  for (const chunk of chunks) {
    if (object(chunk["usageMetadata"])["promptTokenCount"] !== undefined) {
      usage = object(chunk["usageMetadata"]);
    }
    const candidate = object(objects(chunk["candidates"])[0]);
    said.finish = text(candidate["finishReason"]) || said.finish;
    logprobs += objects(object(candidate["logprobsResult"])["chosenCandidates"]).length;
    const grounding = object(candidate["groundingMetadata"]);
    const known = objects(grounding["groundingChunks"]).map(
      (each) => text(object(each["web"])["uri"]) !== "",
    );
    const supports = objects(grounding["groundingSupports"]);
    sources += supports
      .flatMap(({ groundingChunkIndices: indices }) => (Array.isArray(indices) ? indices : []))
      .filter((index) => known[Number(index)]).length;
    for (const part of objects(object(candidate["content"])["parts"])) {
      if (part["thought"] === true) said.thoughts += text(part["text"]);
      else said.text += text(part["text"]);
      const call = part["functionCall"];
      const isServer = part["toolCall"] !== undefined || part["toolResponse"] !== undefined;
      if (part["thoughtSignature"] !== undefined && !isServer) {
        signatures.push(text(part["thoughtSignature"]));
      }
      if (isJsonObject(call) && call["name"] !== undefined) {
        calls.push({ name: text(call["name"]), args: call["args"] ?? {} });
      }
    }
  }
  return { ...said, signatures, calls, usage, logprobs, sources };
}

function joined(reply: ChatReply, type: "text" | "reasoning"): string {
  return reply.parts.map((part) => (part.type === type ? part.text : "")).join("");
}

function compare(reply: ChatReply, reading: ReturnType<typeof read>, exchange: GeminiExchange) {
  expect(joined(reply, "text")).toBe(reading.text);
  expect(joined(reply, "reasoning")).toBe(reading.thoughts);
  const opaque = reply.parts.flatMap((part) => {
    if (part.type === "tool-call") return [part.signature];
    return part.type === "reasoning" ? [part.signature, part.data] : [];
  });
  expect(opaque.filter((each) => each !== undefined)).toEqual(reading.signatures);
  const calls = reply.parts.filter((part) => part.type === "tool-call");
  expect(calls.map(({ name }) => name)).toEqual(reading.calls.map(({ name }) => name));
  expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
  if (!exchange.text.includes("partialArgs")) {
    const args: Json[] = calls.map((call): Json => JSON.parse(call.arguments));
    expect(args).toEqual(reading.calls.map((call) => call.args));
  }
  const { usage } = reading;
  const count = (name: string): number => Number(usage[name] ?? 0);
  expect(reply.usage).toMatchObject({
    inputTokens: count("promptTokenCount") + count("toolUsePromptTokenCount"),
    outputTokens: count("candidatesTokenCount") + count("thoughtsTokenCount"),
    source: "reported",
  });
  expect((reply.usage?.inputTokens ?? 0) + (reply.usage?.outputTokens ?? 0)).toBe(
    count("totalTokenCount"),
  );
  expect(reply.usage?.reasoningTokens ?? 0).toBe(count("thoughtsTokenCount"));
  expect(reply.usage?.cacheReadTokens ?? 0).toBe(count("cachedContentTokenCount"));
  expect(reply.logprobs?.content.length ?? 0).toBe(reading.logprobs);
  expect(reply.annotations.length).toBe(reading.sources);
  expect(reply.nativeFinish).toBe(reading.finish);
  if (reading.finish === "STOP")
    expect(reply.finish).toBe(calls.length > 0 ? "tool-calls" : "stop");
  if (reading.finish === "MAX_TOKENS") expect(reply.finish).toBe("length");
}

const exchanges = readGeminiExchanges();
const answers = exchanges.filter(({ verb }) => verb !== "countTokens");

test("there are exchanges to replay", () => {
  expect(exchanges.length).toBeGreaterThan(0);
  expect(answers.length >= 100 || !existsSync(RECORDINGS)).toBe(true);
});

describe("answers", () => {
  for (const exchange of answers) {
    const chunks = objectsOf(exchange);
    const reading = read(chunks);
    const decode = (): ChatReply =>
      exchange.verb === "streamGenerateContent"
        ? fold(decodeObjects(chunks))
        : fold(provider.decodeReply(object(chunks[0]), {}));

    if (exchange.status !== 200) {
      test(`${exchange.id} is told as the provider told it`, () => {
        const error = provider.decodeError(exchange.status, exchange.text, new Headers());
        expect(error.kind).toBe("invalid-request");
        expect(error.message).toBe(text(object(chunks[0]?.["error"])["message"]));
        expect(error.traits.status).toBe(exchange.status);
      });
    } else if (reading.finish === "UNEXPECTED_TOOL_CALL") {
      test(`${exchange.id} is no answer, since its call is none`, () => {
        const error = chatErrorOf(decode);
        expect(error).toMatchObject({ kind: "bad-upstream", code: "unexpected_tool_call" });
        expect(error.message).toContain("undeclared function: list_files");
      });
    } else {
      test(`${exchange.id} is read completely`, () => compare(decode(), reading, exchange));
    }
  }
});

/** Requests as they mean the same: what Google does anyway, and what the recording's author calls otherwise, is taken out. */
function plain(body: JsonObject): unknown {
  const known = object(camel(body));
  const config = { ...object(known["generationConfig"]) };
  if (JSON.stringify(config["responseModalities"]) === '["TEXT"]')
    delete config["responseModalities"];
  const schema = object(config["responseJsonSchema"]);
  // A reference at the root means what it names.
  const root = text(schema["$ref"]).replace("#/$defs/", "");
  const { $ref: _ref, ...beside } = schema;
  if (root !== "") {
    config["responseJsonSchema"] = { ...object(object(schema["$defs"])[root]), ...beside };
  }
  const contents = objects(known["contents"]).map((content) => ({
    role: content["role"],
    parts: objects(content["parts"])
      .map((part) => (part["functionResponse"] === undefined ? part : withoutWording(part)))
      .map((part) =>
        typeof part["thoughtSignature"] === "string" ? withCommonBase64(part) : part,
      ),
  }));
  const { role: _, ...systemInstruction } = object(known["systemInstruction"]);
  return JSON.parse(
    JSON.stringify({
      ...known,
      contents,
      ...(known["systemInstruction"] === undefined ? {} : { systemInstruction }),
      generationConfig: config,
    }),
  );
}

function withoutWording(part: JsonObject): JsonObject {
  const { id: _, response, ...rest } = object(part["functionResponse"]);
  const said = object(response);
  const words = said["error"] ?? said["output"] ?? said;
  return {
    functionResponse: {
      ...rest,
      words: typeof words === "string" ? words : JSON.stringify(words),
      isError: said["error"] !== undefined,
    },
  };
}

/** Base64 in either alphabet is the same bytes. */
function withCommonBase64(part: JsonObject): JsonObject {
  const signature = text(part["thoughtSignature"]).replaceAll("-", "+").replaceAll("_", "/");
  return { ...part, thoughtSignature: signature };
}

/** What the hub has no place for, and why a recorded request that holds it cannot be written again. */
const FOREIGN: Readonly<Record<string, string>> = {
  googleSearch: "a tool of Google's own",
  urlContext: "a tool of Google's own",
  fileSearch: "a tool of Google's own",
  toolCall: "a call of a tool of Google's own",
  videoMetadata: "a cut of a video",
  parameters: "a schema that was rewritten by its author",
  responseSchema: "a schema that was rewritten by its author",
};

describe("requests", () => {
  for (const { id, body, model, verb } of exchanges) {
    if (body === undefined) continue;
    const { request, foreign } = readRequest(body);
    const reasons = foreign.map((field) => FOREIGN[field] ?? `unknown: ${field}`);
    test(`${id} ${reasons.length > 0 ? `holds ${reasons[0]}` : "is written as it was recorded"}`, () => {
      expect(reasons.filter((reason) => reason.startsWith("unknown"))).toEqual([]);
      const { body: written, dropped } = encode(request, model, { callIds: true, buckets: ["*"] });
      if (reasons.length > 0) return;
      expect(dropped).toEqual([]);
      const {
        generationConfig: _,
        toolConfig: __,
        ...counted
      } = object(JSON.parse(JSON.stringify(plain(written))));
      const { generationConfig: ___, ...recorded } = object(
        JSON.parse(JSON.stringify(plain(body))),
      );
      if (verb === "countTokens") expect(counted).toEqual(recorded);
      else expect(plain(written)).toEqual(plain(body));
    });
  }
});
