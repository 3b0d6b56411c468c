/** Requests as the hub has them and this dialect can say them. */
import * as fc from "fast-check";

import type { ChatRequest, Message } from "../../../../src/connectors/hub/request.ts";
import {
  cache,
  contentPart,
  integer,
  jsonObject,
  madeAudio,
  madeImage,
  number,
  reasoningPart,
  refusalPart,
  textPart,
  toolCall,
  word,
} from "./_part-arbitrary.ts";

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

/** Any request that a host with every feature could be sent. */
export const request = fc
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
