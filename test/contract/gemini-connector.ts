/**
 * What the gateway expects of every connector that speaks Gemini's dialect, which is nobody's but the provider's: the same as of
 * those in `connector.ts`, on real sockets, without words that could be passed on as they are.
 */
import { describe, expect, test } from "bun:test";

import { chatCall, chatRequest, converse, failure } from "./calling.ts";
import { breakdowns } from "./connector-breakdowns.ts";
import { leaving } from "./connector-leaving.ts";
import { type ConnectorTraits, type Rig, useRig } from "./connector-rig.ts";
import { errorBody, eventStream, TEXT_CHUNKS, TEXT_REPLY, TOOL_CHUNKS } from "./gemini-answers.ts";
import { jsonResponse, LAST_CHUNK, STREAM_HEAD, streamOf, textResponse } from "./raw-upstream.ts";

const WHOLE = chatRequest();
const STREAMED = chatRequest({ stream: true });
const BEGUN = eventStream(TEXT_CHUNKS.slice(0, 1));

/** Declares the suite for one connector; `paths` are those of its verbs for the model `native`. */
export function geminiContract(
  name: string,
  traits: Omit<ConnectorTraits, "addsToStreams">,
  paths: { readonly whole: string; readonly streamed: string; readonly counted: string },
): void {
  describe(name, () => {
    const rig = useRig({ ...traits, addsToStreams: {} });
    goodAnswers(rig, paths);
    failures(rig);
    breakdowns(rig, BEGUN);
    leaving(rig, BEGUN);

    test("counts the tokens of a request", async () => {
      rig.upstream.script((line) => line.write(jsonResponse({ totalTokens: 31 })));
      expect(await rig.connector.countTokens?.(WHOLE, chatCall())).toBe(31);
      expect(rig.upstream.seen[0]?.path).toBe(paths.counted);
      expect(rig.upstream.seen[0]?.text).toContain('"text":"Hello?"');
      expect(rig.upstream.seen[0]?.text).not.toContain("generationConfig");
    });
  });
}

function goodAnswers(rig: Rig, paths: { readonly whole: string; readonly streamed: string }): void {
  describe("gives a good answer", () => {
    test("whole, to a request in the provider's words", async () => {
      rig.upstream.script((line) => line.write(jsonResponse(TEXT_REPLY)));
      const { messages, reply } = await converse(rig.connector, WHOLE);
      expect(messages.map(({ raw }) => raw)).toEqual([undefined]);
      expect(reply).toMatchObject({
        id: "gen-1",
        model: "native-2026",
        parts: [{ type: "text", text: "Hello there" }],
        usage: { inputTokens: 7, outputTokens: 5, reasoningTokens: 2 },
        finish: "stop",
      });
      const [seen] = rig.upstream.seen;
      expect(seen?.path).toBe(paths.whole);
      expect(JSON.parse(seen?.text ?? "")).toEqual({
        contents: [{ role: "user", parts: [{ text: "Hello?" }] }],
      });
      expect(seen?.headers.get("accept-encoding")).toBe("identity");
    });

    test("streamed, adding up to the same", async () => {
      rig.upstream.script(streamOf(eventStream(TEXT_CHUNKS)));
      const { reply } = await converse(rig.connector, STREAMED);
      expect(rig.upstream.seen[0]?.path).toBe(paths.streamed);
      rig.upstream.script((line) => line.write(jsonResponse(TEXT_REPLY)));
      expect(reply).toEqual((await converse(rig.connector, WHOLE)).reply);
    });

    test("with each message as soon as it has come", async () => {
      const arrived = Promise.withResolvers<void>();
      rig.upstream.script(async (line) => {
        line.write(STREAM_HEAD);
        line.chunk(eventStream(TEXT_CHUNKS.slice(0, 1)));
        await arrived.promise;
        line.chunk(eventStream(TEXT_CHUNKS.slice(1)));
        line.write(LAST_CHUNK);
      });
      let text = "";
      for await (const { events } of rig.connector.chat(STREAMED, chatCall())) {
        for (const event of events) {
          if (event.type !== "text-delta") continue;
          text += event.text;
          arrived.resolve();
        }
      }
      expect(text).toBe("Hello there");
    });

    test("that calls tools, with ids and the signature", async () => {
      rig.upstream.script(streamOf(eventStream(TOOL_CHUNKS)));
      const { reply } = await converse(rig.connector, STREAMED);
      expect(reply.finish).toBe("tool-calls");
      expect(reply.parts).toEqual([
        {
          type: "tool-call",
          id: "call_gen-1_0",
          name: "weather",
          arguments: '{"city":"Ulm"}',
          signature: "c2ln",
        },
        { type: "tool-call", id: "call_gen-1_1", name: "time", arguments: "{}" },
      ]);
    });

    test("between comments, empty messages and one that is no JSON, which is counted", async () => {
      const text = `: hold on\r\n\r\ndata:\r\n\r\ndata: {oops\r\n\r\n${eventStream(TEXT_CHUNKS)}`;
      rig.upstream.script(streamOf(text));
      const call = chatCall();
      const { reply } = await converse(rig.connector, STREAMED, call);
      expect(reply.parts).toEqual([{ type: "text", text: "Hello there" }]);
      expect(call.malformed()).toBe(1);
    });

    test("in one piece where a stream was asked for, be it a reply or a list of chunks", async () => {
      for (const body of [TEXT_REPLY, TEXT_CHUNKS]) {
        rig.upstream.script((line) => line.write(jsonResponse(body)));
        const { reply } = await converse(rig.connector, STREAMED);
        expect(reply.parts).toEqual([{ type: "text", text: "Hello there" }]);
        expect(reply.usage?.inputTokens).toBe(7);
      }
    });

    test("streamed where it was to come in one piece", async () => {
      rig.upstream.script(streamOf(eventStream(TEXT_CHUNKS)));
      const { reply } = await converse(rig.connector, WHOLE);
      expect(reply.parts).toEqual([{ type: "text", text: "Hello there" }]);
    });
  });

  test("sends no header of the client's, and configured ones instead of its own", async () => {
    rig.upstream.script((line) => line.write(jsonResponse(TEXT_REPLY)));
    const names = [
      "authorization",
      "x-api-key",
      "x-goog-api-key",
      "x-goog-user-project",
      "cookie",
      "user-agent",
    ];
    const client = new Headers(names.map((each): [string, string] => [each, "client's"]));
    const own = rig.create({ headers: { "X-Team": "blue", "User-Agent": "mine" } });
    await converse(own, WHOLE, chatCall({ headers: client }));
    const { headers } = rig.upstream.seen[0] ?? {};
    expect([...(headers?.values() ?? [])].filter((value) => value.includes("client's"))).toEqual(
      [],
    );
    expect(headers?.get("x-team")).toBe("blue");
    expect(headers?.get("user-agent")).toBe("mine");
    own.close();
  });
}

function failures(rig: Rig): void {
  describe("throws", () => {
    test("rate-limited with the wait that the provider names", async () => {
      const info = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.4s" };
      const body = errorBody(429, "RESOURCE_EXHAUSTED", "slow down", [info]);
      rig.upstream.script((line) => line.write(jsonResponse([body], 429)));
      expect(await failure(rig.connector, STREAMED)).toMatchObject({
        kind: "rate-limited",
        upstreamStatus: 429,
        retryAfterMs: 34_400,
        message: "slow down",
      });
    });

    test("for refused credentials what is no fault of the caller's, without them", async () => {
      const key = "my-very-own-key-1234";
      for (const status of [401, 403, 400]) {
        const body = errorBody(status, "UNAUTHENTICATED", `API key not valid: ${key}`);
        rig.upstream.script((line) => line.write(jsonResponse(body, status)));
        const own = rig.create({ apiKeys: [key] });
        const error = await failure(own, WHOLE);
        expect(error.message).not.toContain(key);
        expect(error).toMatchObject({
          kind: "unavailable",
          code: "provider_authentication_failed",
        });
        expect(error.traits.status).toBe(502);
        own.close();
      }
    });

    test("the provider's words for a 400 that the caller can mend", async () => {
      const body = errorBody(400, "INVALID_ARGUMENT", "temperature must be at most 2");
      rig.upstream.script((line) => line.write(jsonResponse(body, 400)));
      expect(await failure(rig.connector, STREAMED)).toMatchObject({
        kind: "invalid-request",
        message: "temperature must be at most 2",
      });
    });

    test("what a 200 says that holds an error: whole, as a message, and bare among the messages", async () => {
      const fault = errorBody(503, "UNAVAILABLE", "overloaded");
      rig.upstream.script((line) => line.write(jsonResponse(fault)));
      for (const request of [WHOLE, STREAMED]) {
        expect(await failure(rig.connector, request)).toMatchObject({
          kind: "unavailable",
          upstreamStatus: 503,
        });
      }
      const start = eventStream(TEXT_CHUNKS.slice(0, 1));
      for (const told of [eventStream([fault]), JSON.stringify(fault, null, 2)]) {
        rig.upstream.script(streamOf(start + told));
        expect(await failure(rig.connector, STREAMED)).toMatchObject({
          kind: "unavailable",
          upstreamStatus: 503,
        });
      }
    });

    test("bad-upstream when a stream breaks off, however it does", async () => {
      const endings = ["end", "reset", "last"] as const;
      for (const ending of endings) {
        rig.upstream.script(async (line) => {
          line.write(STREAM_HEAD);
          line.chunk(`${eventStream(TEXT_CHUNKS.slice(0, 2))}data: {"candi`);
          await new Promise(setImmediate);
          if (ending === "last") line.write(LAST_CHUNK);
          else line[ending]();
        });
        expect((await failure(rig.connector, STREAMED)).kind).toBe("bad-upstream");
      }
    });

    test("bad-upstream for nothing, for a page, for half a reply and for JSON that is no answer", async () => {
      const page = textResponse("<html>It works!</html>", 200, { "content-type": "text/html" });
      const half = textResponse('{"candidates":', 200, { "content-type": "application/json" });
      for (const answer of [
        page,
        half,
        jsonResponse([]),
        jsonResponse({ hello: 1 }),
        jsonResponse(7),
      ]) {
        for (const request of [WHOLE, STREAMED]) {
          rig.upstream.script((line) => line.write(answer));
          expect((await failure(rig.connector, request)).kind).toBe("bad-upstream");
        }
      }
      rig.upstream.script(streamOf(""));
      expect((await failure(rig.connector, STREAMED)).kind).toBe("bad-upstream");
    });
  });
}
