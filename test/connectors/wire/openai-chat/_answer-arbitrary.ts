/** Answers as streams of events that this dialect can say. */
import * as fc from "fast-check";

import type { ChatEvent } from "../../../../src/connectors/hub/event.ts";
import type { Usage } from "../../../../src/connectors/hub/usage.ts";
import { CONTEXT } from "../machines.ts";
import { integer, jsonObject, reasoningPart, toolCall, word } from "./_part-arbitrary.ts";

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

/** The events of any whole answer, with tool calls that grow side by side. */
export const answer = fc
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
