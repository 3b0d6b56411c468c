import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";

import type { ChatReply } from "../../../../src/connectors/hub/collect.ts";
import {
  type OpenAIChatQuirks,
  openaiChatProvider as provider,
} from "../../../../src/connectors/wire/openai-chat/egress.ts";
import { openaiChatClient as client } from "../../../../src/connectors/wire/openai-chat/ingress.ts";
import { CONTEXT, encodeFor, fold, plain } from "../machines.ts";
import { answer } from "./_answer-arbitrary.ts";
import { decodePayloads, encodeEvents } from "./_machines.ts";
import { request } from "./_request-arbitrary.ts";

/** A host that takes everything the dialect can say. */
const EVERYTHING: OpenAIChatQuirks = {
  systemRole: "as-given",
  reasoningRequest: "openrouter",
  reasoningField: "reasoning_details",
  toolResultMedia: "parts",
  supports: {
    video: true,
    fileUrls: true,
    fileIds: true,
    assistantImages: true,
    allowedTools: true,
    topK: true,
    minP: true,
    repetitionPenalty: true,
    verbosity: true,
    promptCacheKey: true,
    cacheControl: true,
    metadata: true,
  },
};

test("a request written for a provider reads back as the same request", () => {
  fc.assert(
    fc.property(request, (original) => {
      const { body, dropped } = encodeFor(provider, original, original.model, EVERYTHING);
      const { source: _, ...again } = client.decodeRequest(JSON.stringify(body));
      const { source: __, ...expected } = original;
      expect(dropped).toEqual([]);
      expect(plain(again)).toEqual(plain(expected));
    }),
    { seed: 1, numRuns: 600 },
  );
});

/** Texts in a row are one text to OpenAI's dialect, which does not mark where blocks begin. */
function joined({ parts, ...rest }: ChatReply): unknown {
  const merged: ChatReply["parts"][number][] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (part.type === "text" && last?.type === "text") {
      merged[merged.length - 1] = { ...last, text: last.text + part.text };
    } else if (part.type === "refusal" && last?.type === "refusal") {
      merged[merged.length - 1] = { ...last, text: last.text + part.text };
    } else {
      merged.push(part);
    }
  }
  return plain({ ...rest, parts: merged });
}

/** A whole reply has one place for each kind of part. */
function ordered(reply: ChatReply): ChatReply {
  const of = (type: string): ChatReply["parts"] => reply.parts.filter((part) => part.type === type);
  return {
    ...reply,
    parts: ["reasoning", "text", "refusal", "tool-call"].flatMap((type) => of(type)),
  };
}

describe("answers", () => {
  test("a stream written for a client reads back as the same answer", () => {
    fc.assert(
      fc.property(answer, (events) => {
        const again = fold(decodePayloads(encodeEvents(events)));
        expect(joined(again)).toEqual(joined(fold(events)));
      }),
      { seed: 2, numRuns: 600 },
    );
  });

  test("a whole reply written for a client reads back as the same answer", () => {
    fc.assert(
      fc.property(answer, (events) => {
        const reply = ordered(fold(events));
        const body = client.encodeReply(reply, CONTEXT);
        expect(joined(fold(provider.decodeReply(body, {})))).toEqual(joined(reply));
      }),
      { seed: 3, numRuns: 600 },
    );
  });

  test("exactly one finish ends a stream, and it is the last event", () => {
    fc.assert(
      fc.property(answer, (events) => {
        const types = decodePayloads(encodeEvents(events)).map((event) => event.type);
        expect(types.indexOf("finish")).toBe(types.length - 1);
      }),
      { seed: 4, numRuns: 100 },
    );
  });
});
