import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { ChatEvent } from "../../../../src/connectors/hub/event.ts";
import { isJsonObject, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import { createSseReader } from "../../../../src/connectors/net/sse.ts";
import { geminiProvider as provider } from "../../../../src/connectors/wire/gemini/egress.ts";
import { byteLength, splitAt, splitEachByte } from "../../../support/split.ts";
import { chatErrorOf } from "../../../support/rejection.ts";
import { fold } from "../machines.ts";
import { decodeObjects, decodePayloads } from "./_machines.ts";
import { parseObject } from "../../../support/json.ts";

const FOLDER = join(import.meta.dir, "../../../fixtures/gemini");
const streams = readdirSync(FOLDER)
  .filter((file) => file.startsWith("stream-"))
  .map((file) => {
    const { stream } = parseObject(readFileSync(join(FOLDER, file), "utf8"));
    const chunks = isJsonObject(stream) && Array.isArray(stream["chunks"]) ? stream["chunks"] : [];
    return { file, chunks: chunks.filter(isJsonObject) };
  });

function decodeBytes(pieces: readonly Uint8Array[]): readonly ChatEvent[] {
  const reader = createSseReader();
  const decoder = provider.decodeStream({});
  const messages = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
  return [...messages.flatMap((message) => decoder.push(message)), ...decoder.end()];
}

function answer(...parts: readonly JsonObject[]): JsonObject {
  return { candidates: [{ content: { role: "model", parts } }], responseId: "r" };
}

function last(finishReason: string, more: JsonObject = {}): JsonObject {
  return { candidates: [{ finishReason, ...more }], responseId: "r" };
}

const ids = (chunk: JsonObject): readonly string[] =>
  fold(decodeObjects([chunk, last("STOP")])).parts.flatMap((part) =>
    part.type === "tool-call" ? [part.id] : [],
  );

describe("bytes", () => {
  for (const { file, chunks } of streams) {
    const text = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`).join("");
    const whole = decodeObjects(chunks);

    test(`of ${file} mean the same wherever they are cut`, () => {
      for (let position = 1; position < byteLength(text); position += 1) {
        expect(decodeBytes(splitAt(text, position))).toEqual(whole);
      }
      expect(decodeBytes(splitEachByte(text))).toEqual(whole);
    }, 60_000);

    test(`of ${file} mean the same with each kind of line end`, () => {
      for (const end of ["\n", "\r"]) {
        expect(decodeBytes(splitEachByte(text.replaceAll("\r\n", end)))).toEqual(whole);
      }
    });

    test(`of ${file} that break off before the finish are no answer`, () => {
      const error = chatErrorOf(() => decodeObjects(chunks.slice(0, -1)));
      expect(error.kind).toBe("bad-upstream");
    });
  }
});

describe("an error in mid-stream", () => {
  const events = { error: { code: 503, message: "overloaded", status: "UNAVAILABLE" } };

  test("is thrown, bare, in an array and as an event that says so", () => {
    for (const body of [events, [events]]) {
      const decoder = provider.decodeStream({});
      decoder.push({ data: JSON.stringify(answer({ text: "Hel" })) });
      const error = chatErrorOf(() => decoder.push({ data: JSON.stringify(body) }));
      expect(error).toMatchObject({ kind: "unavailable", upstreamStatus: 503 });
    }
  });

  test("that is no message of the stream at all is found among its bytes", () => {
    const text = `data: ${JSON.stringify(answer({ text: "Hel" }))}\r\n\r\n${JSON.stringify(events, null, 2)}`;
    const error = chatErrorOf(() => decodeBytes(splitEachByte(text)));
    expect(error).toMatchObject({ kind: "unavailable", upstreamStatus: 503 });
    expect(error.message).toContain("overloaded");
  });

  test("known by a word alone has the status of that word", () => {
    const error = chatErrorOf(() =>
      decodePayloads(['{"error":{"status":"RESOURCE_EXHAUSTED","message":"slow down"}}']),
    );
    expect(error).toMatchObject({ kind: "rate-limited", upstreamStatus: 429 });
  });
});

describe("the end", () => {
  const BROKEN = [
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "NO_IMAGE",
    "OTHER",
    "IMAGE_OTHER",
  ];
  const REFUSED = [
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "LANGUAGE",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
  ];

  for (const word of REFUSED) {
    test(`by ${word} is a refusal`, () => {
      const reply = fold(decodeObjects([answer({ text: "We" }), last(word)]));
      expect(reply).toMatchObject({ finish: "refusal", nativeFinish: word });
    });
  }

  for (const word of BROKEN) {
    test(`by ${word} is a failure, with the provider's words`, () => {
      const error = chatErrorOf(() =>
        decodeObjects([last(word, { finishMessage: "no such tool" })]),
      );
      expect(error).toMatchObject({ kind: "bad-upstream", code: word.toLowerCase() });
      expect(error.message).toContain("no such tool");
    });
  }

  test("by a word that nobody here knows is a good one", () => {
    expect(fold(decodeObjects([last("NEW_REASON")]))).toMatchObject({
      finish: "stop",
      nativeFinish: "NEW_REASON",
    });
  });

  test("is an end also where nothing was said, but not where nothing came", () => {
    expect(fold(decodeObjects([last("STOP")])).parts).toEqual([]);
    expect(chatErrorOf(() => decodePayloads([])).message).toContain("ended without an answer");
    expect(chatErrorOf(() => provider.decodeReply({ usageMetadata: {} }, {})).kind).toBe(
      "bad-upstream",
    );
  });

  test("keeps the latest usage that counts something, though later chunks count nothing", () => {
    const usage = { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 };
    const reply = fold(
      decodeObjects([
        { ...answer({ text: "a" }), usageMetadata: { trafficType: "ON_DEMAND" } },
        { ...last("STOP"), usageMetadata: usage },
        { usageMetadata: { trafficType: "ON_DEMAND" } },
      ]),
    );
    expect(reply.usage).toEqual({ inputTokens: 3, outputTokens: 2, source: "reported" });
  });
});

describe("calls", () => {
  test("keep the ids that they have, and get ones that no other answer has", () => {
    const call = { functionCall: { name: "a" } };
    expect(ids(answer({ functionCall: { id: "vcyiitct", name: "a" } }, call))).toEqual([
      "vcyiitct",
      "call_r_1",
    ]);
    const unnamed = { candidates: [{ content: { parts: [call] } }] };
    expect(ids(unnamed)).not.toEqual(ids(unnamed));
  });

  test("whose pieces lead nowhere are no answer", () => {
    for (const jsonPath of ["$.a[99999999]", "$.a[b", "$a"]) {
      const pieces = {
        partialArgs: [
          { jsonPath: "$.a[0]", numberValue: 1 },
          { jsonPath, numberValue: 1 },
        ],
      };
      const error = chatErrorOf(() =>
        decodeObjects([
          answer({ functionCall: { name: "a", ...pieces, willContinue: true } }),
          last("STOP"),
        ]),
      );
      expect(error.kind).toBe("bad-upstream");
    }
  });
});
