import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";

import type { ChatReply } from "../../../../src/connectors/hub/collect.ts";
import type { ChatEvent } from "../../../../src/connectors/hub/event.ts";
import type { ChatRequest, Message } from "../../../../src/connectors/hub/request.ts";
import type { Usage } from "../../../../src/connectors/hub/usage.ts";
import {
  type OpenAIChatQuirks,
  openaiChatProvider as provider,
} from "../../../../src/connectors/wire/openai-chat/egress.ts";
import { openaiChatClient as client } from "../../../../src/connectors/wire/openai-chat/ingress.ts";
import { CONTEXT, decodePayloads, encodeEvents, fold } from "./_machines.ts";

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

const word = fc.string({ minLength: 1, maxLength: 12 });
const integer = fc.integer({ min: 0, max: 1_000_000 });
// JSON has no minus zero.
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const cache = fc.record({ ttl: fc.constantFrom<"5m" | "1h">("5m", "1h") }, { requiredKeys: [] });
const jsonObject = fc.dictionary(word, fc.jsonValue());

const base64 = fc.base64String({ minLength: 4, maxLength: 12 });
const url = fc.webUrl().map((text) => ({ kind: "url" as const, url: text }));
const bytes = base64.map((data) => ({ kind: "base64" as const, data }));
const fileId = word.map((id) => ({ kind: "file-id" as const, id }));

const textPart = fc.record(
  { type: fc.constant("text" as const), text: word, cache },
  { requiredKeys: ["type", "text"] },
);
const detail = fc.constantFrom<"low" | "high" | "auto" | "original">(
  "low",
  "high",
  "auto",
  "original",
);
const image = fc.constant("image" as const);
const imagePart = fc.oneof(
  fc.record({ type: image, source: url, detail, cache }, { requiredKeys: ["type", "source"] }),
  fc.record(
    { type: image, source: bytes, mimeType: fc.constant("image/png"), detail, cache },
    { requiredKeys: ["type", "source", "mimeType"] },
  ),
);
const audioPart = fc.record({
  type: fc.constant("audio" as const),
  source: bytes,
  mimeType: fc.constantFrom("audio/wav", "audio/mpeg", "audio/mp4", "audio/ogg"),
});
const video = fc.constant("video" as const);
const videoPart = fc.oneof(
  fc.record({ type: video, source: url }),
  fc.record({ type: video, source: bytes, mimeType: fc.constant("video/mp4") }),
);
const file = fc.constant("file" as const);
const filePart = fc.oneof(
  fc.record({ type: file, source: url, filename: word }, { requiredKeys: ["type", "source"] }),
  fc.record({ type: file, source: fileId, filename: word }, { requiredKeys: ["type", "source"] }),
  fc.record(
    { type: file, source: bytes, mimeType: fc.constant("application/pdf"), filename: word },
    { requiredKeys: ["type", "source", "mimeType"] },
  ),
);
const contentPart = fc.oneof(textPart, imagePart, audioPart, videoPart, filePart);

const reasoningMarks = { id: word, format: word };
const reasoning = fc.constant("reasoning" as const);
const reasoningPart = fc.oneof(
  fc.record(
    {
      type: reasoning,
      form: fc.constant("text" as const),
      text: word,
      signature: word,
      ...reasoningMarks,
    },
    { requiredKeys: ["type", "form", "text"] },
  ),
  fc.record(
    { type: reasoning, form: fc.constant("summary" as const), text: word, ...reasoningMarks },
    { requiredKeys: ["type", "form", "text"] },
  ),
  fc.record(
    {
      type: reasoning,
      form: fc.constant("encrypted" as const),
      text: fc.constant(""),
      data: word,
      ...reasoningMarks,
    },
    { requiredKeys: ["type", "form", "text", "data"] },
  ),
);
const toolCall = fc.record(
  {
    type: fc.constant("tool-call" as const),
    id: word,
    name: word,
    arguments: fc.oneof(
      jsonObject.map((value) => JSON.stringify(value)),
      word,
    ),
    signature: word,
    cache,
  },
  { requiredKeys: ["type", "id", "name", "arguments"] },
);
const refusalPart = fc.record({ type: fc.constant("refusal" as const), text: word });
const madeImage = fc.record({ type: image, source: url });
const madeAudio = fc.record({ type: fc.constant("audio" as const), source: fileId });

const assistantDraft = fc.record(
  {
    reasoning: fc.array(reasoningPart, { maxLength: 3 }),
    text: fc.array(textPart, { maxLength: 2 }),
    refusal: fc.array(refusalPart, { maxLength: 1 }),
    images: fc.array(madeImage, { maxLength: 1 }),
    audio: fc.array(madeAudio, { maxLength: 1 }),
    calls: fc.array(toolCall, { maxLength: 3 }),
    name: word,
  },
  { requiredKeys: ["reasoning", "text", "refusal", "images", "audio", "calls"] },
);
const assistant = assistantDraft.map((draft) => {
  const { reasoning: thoughts, text, refusal, images, audio, calls, name } = draft;
  const parts = [...thoughts, ...text, ...refusal, ...images, ...audio, ...calls];
  const role = "assistant" as const;
  return name === undefined ? { role, parts } : { role, parts, name };
});
const user = fc.record(
  {
    role: fc.constant("user" as const),
    parts: fc.array(contentPart, { maxLength: 3 }),
    name: word,
  },
  { requiredKeys: ["role", "parts"] },
);
const midSystem = fc.record(
  {
    role: fc.constant("system" as const),
    parts: fc.array(textPart, { maxLength: 2 }),
    authority: fc.constant("developer" as const),
    name: word,
  },
  { requiredKeys: ["role", "parts"] },
);
const toolResult = fc.record(
  {
    type: fc.constant("tool-result" as const),
    toolCallId: word,
    parts: fc.array(contentPart, { maxLength: 2 }),
    cache,
  },
  { requiredKeys: ["type", "toolCallId", "parts"] },
);
const toolMessage = fc.record({
  role: fc.constant("tool" as const),
  parts: fc.array(toolResult, { minLength: 1, maxLength: 3 }),
});
/** No two messages of results in a row, which are one message in the hub. */
const conversation = fc
  .tuple(user, fc.array(fc.oneof(user, assistant, midSystem, toolMessage), { maxLength: 5 }))
  .map(([first, rest]) => {
    const messages: Message[] = [first];
    for (const message of rest) {
      if (message.role !== "tool" || messages.at(-1)?.role !== "tool") messages.push(message);
    }
    return messages;
  });

const tool = fc.record(
  { name: word, description: fc.string(), parameters: jsonObject, strict: fc.boolean(), cache },
  { requiredKeys: ["name"] },
);
const toolChoice = fc.oneof(
  fc.record({ type: fc.constantFrom<"auto" | "none" | "required">("auto", "none", "required") }),
  fc.record({ type: fc.constant("tool" as const), name: word }),
  fc.record({
    type: fc.constant("allowed" as const),
    mode: fc.constantFrom<"auto" | "required">("auto", "required"),
    names: fc.array(word),
  }),
);
const toolSet = fc.oneof(
  fc.constant({ tools: [] }),
  fc.record(
    {
      tools: fc.array(tool, { minLength: 1, maxLength: 3 }),
      toolChoice,
      parallelToolCalls: fc.boolean(),
    },
    { requiredKeys: ["tools"] },
  ),
);
const sampling = fc.record(
  {
    temperature: number,
    topP: number,
    topK: integer,
    minP: number,
    frequencyPenalty: number,
    presencePenalty: number,
    repetitionPenalty: number,
    seed: fc.maxSafeInteger().map((value) => value + 0),
    logitBias: fc.dictionary(fc.nat().map(String), number),
    logprobs: fc.boolean(),
    topLogprobs: integer,
  },
  { requiredKeys: [] },
);
const output = fc.oneof(
  fc.constant({ type: "json" as const }),
  fc.record(
    {
      type: fc.constant("json-schema" as const),
      name: word,
      schema: jsonObject,
      description: word,
      strict: fc.boolean(),
    },
    { requiredKeys: ["type", "name", "schema"] },
  ),
);
const shown = {
  enabled: fc.boolean(),
  hidden: fc.boolean(),
  summary: fc.constantFrom<"auto" | "concise" | "detailed">("auto", "concise", "detailed"),
};
const effort = fc.constantFrom<"none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max">(
  "none",
  "minimal",
  "low",
  "medium",
  "high",
  "xhigh",
  "max",
);
const reasoningWish = fc.oneof(
  fc.record({ effort, ...shown }, { requiredKeys: ["effort"] }),
  fc.record({ budgetTokens: integer, ...shown }, { requiredKeys: ["budgetTokens"] }),
);
const systemPart = fc.record(
  {
    type: fc.constant("text" as const),
    text: word,
    cache,
    authority: fc.constant("developer" as const),
    name: word,
  },
  { requiredKeys: ["type", "text"] },
);

const request = fc
  .record(
    {
      model: word,
      system: fc.array(systemPart, { maxLength: 3 }),
      messages: conversation,
      toolSet,
      sampling,
      maxOutputTokens: integer,
      stop: fc.array(word, { maxLength: 4 }),
      output,
      reasoning: reasoningWish,
      verbosity: fc.constantFrom<"low" | "medium" | "high">("low", "medium", "high"),
      cacheKey: word,
      user: word,
      metadata: fc.dictionary(word, fc.string()),
      stream: fc.boolean(),
    },
    { requiredKeys: ["model", "system", "messages", "toolSet", "sampling", "stop", "stream"] },
  )
  .map(({ toolSet: set, ...rest }): ChatRequest =>
    Object.assign(rest, set, {
      streamUsage: rest.stream,
      unmapped: [],
      source: { dialect: "openai-chat" as const, text: "{}", body: {} },
    }),
  );

/** Deep equality as JSON sees it, blind to prototypes of generated records. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

test("a request written for a provider reads back as the same request", () => {
  fc.assert(
    fc.property(request, (original) => {
      const dropped: string[] = [];
      const body = provider.encodeRequest(original, original.model, EVERYTHING, (field) =>
        dropped.push(field),
      );
      const { source: _, ...again } = client.decodeRequest(JSON.stringify(body));
      const { source: __, ...expected } = original;
      expect(dropped).toEqual([]);
      expect(plain(again)).toEqual(plain(expected));
    }),
    { seed: 1, numRuns: 600 },
  );
});

const usage = fc
  .record({
    uncached: integer,
    visible: integer,
    cacheReadTokens: fc.option(integer, { nil: undefined }),
    cacheWriteTokens: fc.option(integer, { nil: undefined }),
    reasoningTokens: fc.option(integer, { nil: undefined }),
    audioInputTokens: fc.option(integer, { nil: undefined }),
    audioOutputTokens: fc.option(integer, { nil: undefined }),
    costNanoUsd: fc.option(fc.nat(), { nil: undefined }),
  })
  .map(({ uncached, visible, ...rest }): Usage => {
    const inputTokens = uncached + (rest.cacheReadTokens ?? 0) + (rest.cacheWriteTokens ?? 0);
    const outputTokens = visible + (rest.reasoningTokens ?? 0);
    const given = Object.entries(rest).filter(([, count]) => count !== undefined);
    const counted = Object.fromEntries(given);
    return Object.assign(counted, { inputTokens, outputTokens, source: "reported" as const });
  });

const pieces = fc.array(word, { minLength: 1, maxLength: 3 });
type BlockDraft = (index: number) => readonly (readonly ChatEvent[])[];

/** Blocks as drafts that are given their numbers later; tool calls come as a group that grows side by side. */
const textBlock = fc.tuple(pieces, fc.boolean()).map(([texts, refusal]): BlockDraft => (index) => [
  [
    { type: "text-start", index, ...(refusal ? { refusal: true } : {}) },
    ...texts.map((text): ChatEvent => ({ type: "text-delta", index, text })),
    { type: "text-end", index },
  ],
]);
const reasoningBlock = fc
  .tuple(reasoningPart, pieces)
  .map(([part, texts]): BlockDraft => (index) => {
    const {
      type: _,
      form,
      text: __,
      signature,
      data,
      ...marks
    } = { signature: undefined, data: undefined, ...part };
    return [
      [
        { type: "reasoning-start", index, form, ...marks },
        ...(form === "encrypted" ? [] : texts).map((text): ChatEvent => ({
          type: "reasoning-delta",
          index,
          text,
        })),
        ...(signature === undefined
          ? []
          : [{ type: "reasoning-signature", index, signature } satisfies ChatEvent]),
        ...(data === undefined
          ? []
          : [{ type: "reasoning-signature", index, data } satisfies ChatEvent]),
        { type: "reasoning-end", index },
      ],
    ];
  });
const toolBlock = fc.tuple(toolCall, pieces).map(([call, texts]): BlockDraft => (index) => [
  [
    {
      type: "tool-start",
      index,
      id: call.id,
      name: call.name,
      ...(call.signature === undefined ? {} : { signature: call.signature }),
    },
  ],
  ...texts.map((text): ChatEvent[] => [{ type: "tool-delta", index, arguments: text }]),
]);

const ending = fc
  .record(
    {
      reason: fc.constantFrom<"stop" | "length" | "refusal">("stop", "length", "refusal"),
      native: word,
      stopSequence: word,
    },
    { requiredKeys: ["reason"] },
  )
  .map((draft): Extract<ChatEvent, { type: "finish" }> => {
    const reason = draft.stopSequence === undefined ? draft.reason : "stop-sequence";
    return Object.assign({}, draft, { type: "finish" as const, reason });
  });

const answer = fc
  .record({
    id: word,
    created: fc.integer({ min: 1, max: 2_000_000_000 }),
    blocks: fc.array(fc.oneof(textBlock, reasoningBlock), { maxLength: 4 }),
    tools: fc.array(toolBlock, { maxLength: 3 }),
    /** Which of the growing calls gets its next piece. */
    turns: fc.array(fc.nat({ max: 2 }), { maxLength: 9 }),
    annotations: fc.array(jsonObject, { maxLength: 2 }),
    logprobs: fc.option(fc.array(jsonObject, { maxLength: 2 }), { nil: undefined }),
    usage: fc.option(usage, { nil: undefined }),
    ending,
  })
  .map((draft): readonly ChatEvent[] => {
    const events: ChatEvent[] = [
      { type: "start", id: draft.id, model: CONTEXT.model, created: draft.created },
    ];
    let index = 0;
    for (const block of draft.blocks) events.push(...block(index++).flat());
    const growing = draft.tools.map((block) => [...block(index++)]);
    // Calls begin in order; after that any may get its next piece.
    for (const call of growing) events.push(...(call.shift() ?? []));
    for (const turn of draft.turns) events.push(...(growing[turn]?.shift() ?? []));
    for (const call of growing) events.push(...call.flat());
    const first = index - growing.length;
    growing.forEach((_, at) => events.push({ type: "tool-end", index: first + at }));
    for (const annotation of draft.annotations) events.push({ type: "annotation", annotation });
    if (draft.logprobs) events.push({ type: "logprobs", content: draft.logprobs });
    if (draft.usage) events.push({ type: "usage", usage: draft.usage });
    const reason = draft.tools.length > 0 ? "tool-calls" : draft.ending.reason;
    const { stopSequence, ...rest } = draft.ending;
    events.push({
      ...rest,
      reason,
      ...(stopSequence === undefined || draft.tools.length > 0 ? {} : { stopSequence }),
    });
    return events;
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
