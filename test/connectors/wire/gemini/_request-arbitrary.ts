/** Requests as the hub has them and Gemini 3 can be told them without loss. */
import * as fc from "fast-check";

import type { ChatRequest, Message } from "../../../../src/connectors/hub/request.ts";

/** Letters of one to four bytes, and what JSON must escape. */
const letter = fc.constantFrom("a", "Z", " ", "ä", "漢", "🚆", '"', "\\", "\n", "\u0000");
export const text = fc.string({ minLength: 1, maxLength: 12, unit: letter });
const base64 = fc
  .uint8Array({ minLength: 1, maxLength: 9 })
  .map((bytes) => Buffer.from(bytes).toString("base64"));
const name = fc.stringMatching(/^[a-z_]{1,8}$/);
const args = fc.dictionary(name, fc.oneof(fc.integer(), text, fc.boolean(), fc.constant(null)), {
  maxKeys: 3,
});

const TYPES = {
  "image/png": "image",
  "audio/wav": "audio",
  "video/mp4": "video",
  "application/pdf": "file",
} as const;

const textPart = text.map((words) => ({ type: "text" as const, text: words }));
const media = fc.oneof(
  fc.constantFrom("image/png", "audio/wav", "video/mp4", "application/pdf").chain((mimeType) =>
    fc.oneof(
      base64.map((data) => ({ mimeType, source: { kind: "base64" as const, data } })),
      fc.webUrl().map((url) => ({ mimeType, source: { kind: "url" as const, url } })),
    ),
  ),
);
const mediaPart = media.map(({ mimeType, source }) => {
  const type = TYPES[mimeType];
  return { type, mimeType, source };
});

const FORMAT = "google-gemini-v1";
const thought = fc.tuple(text, fc.option(base64, { nil: undefined })).map(([words, signature]) => {
  const own = { type: "reasoning" as const, form: "text" as const, text: words, format: FORMAT };
  return signature === undefined ? own : Object.assign(own, { signature });
});

/** A text, and behind some of them the signature over it. */
const signedText = fc.tuple(textPart, fc.option(base64, { nil: undefined })).map(([part, data]) =>
  data === undefined
    ? [part]
    : [
        part,
        {
          type: "reasoning" as const,
          form: "encrypted" as const,
          text: "",
          format: FORMAT,
          data,
        },
      ],
);

/** A turn of the model with its calls, and the results of these in order. */
const turn = fc
  .record({
    thoughts: fc.array(thought, { maxLength: 1 }),
    texts: fc.array(signedText, { maxLength: 2 }),
    calls: fc.array(fc.tuple(name, args, fc.boolean(), text), { maxLength: 3 }),
    signature: base64,
  })
  .map(({ thoughts, texts, calls, signature }) => ({
    thoughts,
    texts: texts.flat(),
    calls,
    signature,
  }));

export const request: fc.Arbitrary<ChatRequest> = fc
  .record({
    system: fc.array(textPart, { maxLength: 2 }),
    turns: fc.array(
      fc.tuple(fc.array(fc.oneof(textPart, mediaPart), { minLength: 1, maxLength: 3 }), turn),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    sampling: fc.record(
      {
        temperature: fc.integer({ min: 0, max: 2 }),
        topP: fc.integer({ min: 0, max: 1 }),
        topK: fc.integer({ min: 1, max: 40 }),
        seed: fc.integer(),
        frequencyPenalty: fc.integer({ min: -2, max: 2 }),
        presencePenalty: fc.integer({ min: -2, max: 2 }),
      },
      { requiredKeys: [] },
    ),
    stop: fc.array(text, { maxLength: 5 }),
    maxOutputTokens: fc.option(fc.integer({ min: 1, max: 9999 }), { nil: undefined }),
  })
  .map(({ system, turns, sampling, stop, maxOutputTokens }) => {
    let made = 0;
    const messages = turns.flatMap(([user, { thoughts, texts, calls, signature }]): Message[] => {
      const pairs = calls.map(([tool, given, isError, words], index) => {
        made += 1;
        const id = `id_${made}`;
        const own = index === 0 ? { signature } : {};
        return {
          call: {
            type: "tool-call" as const,
            id,
            name: tool,
            arguments: JSON.stringify(given),
            ...own,
          },
          result: {
            type: "tool-result" as const,
            toolCallId: id,
            parts: [{ type: "text" as const, text: words }],
            ...(isError ? { isError } : {}),
          },
        };
      });
      const parts = [...thoughts, ...texts, ...pairs.map(({ call }) => call)];
      return [
        { role: "user", parts: user },
        ...(parts.length === 0 ? [] : [{ role: "assistant" as const, parts }]),
        ...(pairs.length === 0
          ? []
          : [{ role: "tool" as const, parts: pairs.map(({ result }) => result) }]),
      ];
    });
    const rest = maxOutputTokens === undefined ? {} : { maxOutputTokens };
    return Object.assign(rest, {
      model: "logical",
      system,
      messages,
      tools: [],
      sampling,
      stop,
      stream: false,
      streamUsage: false,
      unmapped: [],
      source: { dialect: "anthropic-messages" as const, text: "{}", body: {} },
    });
  });
