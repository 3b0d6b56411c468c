/** The good answers that a connector must give. */
import { describe, expect, test } from "bun:test";

import { waitFor } from "../support/wait-for.ts";
import { chatCall, chatRequest, converse, translated } from "./calling.ts";
import {
  chunk,
  eventStream,
  TEXT_CHUNKS,
  TEXT_REPLY,
  TOOL_CHUNKS,
  USAGE_CHUNK,
} from "./openai-answers.ts";
import { jsonResponse, LAST_CHUNK, STREAM_HEAD, streamOf } from "./raw-upstream.ts";
import { type Rig, testVerbatim } from "./connector-rig.ts";

const WHOLE = chatRequest();
const STREAMED = chatRequest({ stream: true });

/** Declares these tests for the connector of a rig. */
export function goodAnswers(rig: Rig): void {
  describe("gives a good answer", () => {
    testVerbatim(
      rig,
      "whole: one message, in the provider's own words, with its events",
      async () => {
        rig.upstream.script((line) => line.write(jsonResponse(TEXT_REPLY)));
        const { messages, reply } = await converse(rig.connector, WHOLE);
        expect(messages.length).toBe(1);
        expect(messages[0]?.raw).toEqual({
          dialect: "openai-chat",
          data: JSON.stringify(TEXT_REPLY),
        });
        expect(reply).toMatchObject({
          id: "gen-1",
          model: "native-2026",
          parts: [{ type: "text", text: "Hello there" }],
          usage: { inputTokens: 7, outputTokens: 5 },
          finish: "stop",
        });
      },
    );

    testVerbatim(
      rig,
      "streamed: a message for each of the provider's, adding up to the same",
      async () => {
        rig.upstream.script(streamOf(eventStream(TEXT_CHUNKS)));
        const { messages, reply } = await converse(rig.connector, STREAMED);
        expect(messages.map(({ raw }) => raw?.data)).toEqual([
          ...TEXT_CHUNKS.map((each) => JSON.stringify(each)),
          "[DONE]",
        ]);
        expect(messages.every(({ raw }) => raw?.dialect === "openai-chat")).toBe(true);
        rig.upstream.script((line) => line.write(jsonResponse(TEXT_REPLY)));
        expect(reply).toEqual((await converse(rig.connector, WHOLE)).reply);
      },
    );

    test("with each message as soon as it has come", async () => {
      const arrived: PromiseWithResolvers<void>[] = [0, 1].map(() => Promise.withResolvers());
      rig.upstream.script(async (line) => {
        line.write(STREAM_HEAD);
        line.chunk(`data: ${JSON.stringify(chunk({ content: "Hello" }))}\n\n`);
        await arrived[0]?.promise;
        line.chunk(eventStream([chunk({}, "stop")]));
        line.write(LAST_CHUNK);
      });
      let text = "";
      for await (const { events } of rig.connector.chat(STREAMED, chatCall())) {
        for (const event of events) {
          if (event.type !== "text-delta") continue;
          text += event.text;
          arrived[0]?.resolve();
        }
      }
      expect(text).toBe("Hello");
    });

    test("that calls tools", async () => {
      rig.upstream.script(streamOf(eventStream(TOOL_CHUNKS)));
      const { reply } = await converse(rig.connector, STREAMED);
      expect(reply.finish).toBe("tool-calls");
      expect(reply.parts).toEqual([
        { type: "tool-call", id: "call_1", name: "weather", arguments: '{"city":"Ulm"}' },
        { type: "tool-call", id: "call_2", name: "time", arguments: "{}" },
      ]);
    });

    test("without raw messages to a caller of another dialect, whose request is translated", async () => {
      rig.upstream.script(streamOf(eventStream(TEXT_CHUNKS)));
      const { messages, reply } = await converse(rig.connector, translated(STREAMED));
      expect(messages.every(({ raw }) => raw === undefined)).toBe(true);
      expect(messages.every(({ events }) => events.length > 0)).toBe(true);
      expect(reply.parts).toEqual([{ type: "text", text: "Hello there" }]);
      expect(JSON.parse(rig.upstream.seen[0]?.text ?? "")).toEqual({
        model: "native",
        messages: [{ role: "user", content: "Hello?" }],
        stream: true,
        ...rig.traits.addsToStreams,
      });
    });

    test("between comments and empty messages", async () => {
      rig.upstream.script(
        streamOf(`: PROCESSING\n\ndata:\n\n${eventStream(TEXT_CHUNKS)}`.replaceAll("\n", "\r\n")),
      );
      const call = chatCall();
      const { reply } = await converse(rig.connector, STREAMED, call);
      expect(reply.parts).toEqual([{ type: "text", text: "Hello there" }]);
      expect(call.malformed()).toBe(0);
    });

    testVerbatim(rig, "that ends without [DONE], and says so as if it had come", async () => {
      const text = eventStream(TEXT_CHUNKS).replace("data: [DONE]\n\n", "");
      rig.upstream.script(streamOf(text));
      const { messages, reply } = await converse(rig.connector, STREAMED);
      expect(messages.at(-1)?.raw?.data).toBe("[DONE]");
      expect(reply.finish).toBe("stop");
      expect(reply.usage?.outputTokens).toBe(5);
    });

    test("in one piece where a stream was asked for", async () => {
      rig.upstream.script((line) => line.write(jsonResponse(TEXT_REPLY)));
      const { messages, reply } = await converse(rig.connector, STREAMED);
      // A whole reply is no message of a stream, so that it cannot be passed on as one.
      expect(messages.map(({ raw }) => raw)).toEqual([undefined]);
      expect(reply.parts).toEqual([{ type: "text", text: "Hello there" }]);
      expect(reply.usage?.inputTokens).toBe(7);
    });

    test("streamed where it was to come in one piece", async () => {
      rig.upstream.script(streamOf(eventStream(TEXT_CHUNKS)));
      const { messages, reply } = await converse(rig.connector, WHOLE);
      expect(messages.length).toBe(1);
      expect(messages[0]?.raw).toBeUndefined();
      expect(reply.parts).toEqual([{ type: "text", text: "Hello there" }]);
    });

    test("though one of its messages is no JSON: that one is left out and counted", async () => {
      const [first = "", ...rest] = eventStream(TEXT_CHUNKS).split("\n\n");
      rig.upstream.script(streamOf([first, "data: {oops", ...rest].join("\n\n")));
      const call = chatCall();
      const { messages, reply } = await converse(rig.connector, STREAMED, call);
      expect(messages.map(({ raw }) => raw?.data)).not.toContain("{oops");
      expect(reply.parts).toEqual([{ type: "text", text: "Hello there" }]);
      expect(call.malformed()).toBe(1);
    });

    test("over one connection for one answer after another, though its end comes behind [DONE]", async () => {
      rig.upstream.script((line) => {
        line.write(STREAM_HEAD);
        line.chunk(eventStream(TEXT_CHUNKS));
        setTimeout(() => line.write(LAST_CHUNK), 5);
      });
      await converse(rig.connector, STREAMED);
      await waitFor("a request by the first connection", async () => {
        await converse(rig.connector, STREAMED);
        return rig.upstream.seen.at(-1)?.connection === 1;
      });
    });

    test("gives an answer's usage though it comes in a chunk of its own behind the finish", async () => {
      rig.upstream.script(streamOf(eventStream([chunk({ content: "x" }, "stop"), USAGE_CHUNK])));
      const { messages, reply } = await converse(rig.connector, STREAMED);
      expect(reply.usage).toMatchObject({
        inputTokens: 7,
        outputTokens: 5,
        source: rig.traits.isTranslated ? "estimated" : "reported",
      });
      const types = messages.flatMap(({ events }) => events.map(({ type }) => type));
      expect(types.filter((type) => type === "finish").length).toBe(1);
      expect(types.at(-1)).toBe("finish");
    });
  });
}
