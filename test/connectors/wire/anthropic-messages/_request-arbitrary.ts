/** Requests as the hub has them and this dialect can say them to its newest models. */
import * as fc from "fast-check";

import type { ChatRequest, Message } from "../../../../src/connectors/hub/request.ts";
import { cache, fileId, integer, jsonObject, url } from "../openai-chat/_part-arbitrary.ts";

/** Words that are more than white space, which the dialect refuses alone, and end in none, which it cuts at the end. */
const word = fc
  .string({ minLength: 1, maxLength: 12 })
  .map((text) => `${text.replace(/\s+$/u, "")}.`);
const id = fc.stringMatching(/^[\w-]{1,12}$/);
const own = { format: fc.constant("anthropic-claude-v1" as const) };

const text = fc.record(
  { type: fc.constant("text" as const), text: word, cache },
  { requiredKeys: ["type", "text"] },
);
const bytes = fc
  .base64String({ minLength: 4, maxLength: 12 })
  .map((data) => ({ kind: "base64" as const, data }));
const image = fc.constant("image" as const);
const images = fc.oneof(
  fc.record(
    { type: image, source: fc.oneof(url, fileId), cache },
    { requiredKeys: ["type", "source"] },
  ),
  fc.record(
    { type: image, source: bytes, mimeType: fc.constant("image/png"), cache },
    { requiredKeys: ["type", "source", "mimeType"] },
  ),
);
const file = fc.constant("file" as const);
const pdf = fc.constant("application/pdf");
const files = fc.oneof(
  fc.record(
    { type: file, source: fc.oneof(url, bytes), mimeType: pdf, filename: word, cache },
    { requiredKeys: ["type", "source", "mimeType"] },
  ),
  fc.record(
    { type: file, source: fileId, filename: word, cache },
    { requiredKeys: ["type", "source"] },
  ),
  fc.record(
    {
      type: file,
      source: word.map((said) => ({
        kind: "base64" as const,
        data: Buffer.from(said).toString("base64"),
      })),
      mimeType: fc.constant("text/plain"),
      filename: word,
      cache,
    },
    { requiredKeys: ["type", "source", "mimeType"] },
  ),
);
const content = fc.oneof(text, images, files);

const reasoning = fc.constant("reasoning" as const);
const thought = fc.oneof(
  fc.record({
    type: reasoning,
    form: fc.constant("text" as const),
    text: fc.string(),
    signature: id,
    ...own,
  }),
  fc.record({
    type: reasoning,
    form: fc.constant("encrypted" as const),
    text: fc.constant(""),
    data: id,
    ...own,
  }),
);
const call = fc.record(
  {
    type: fc.constant("tool-call" as const),
    id,
    name: id,
    arguments: jsonObject.map((value) => JSON.stringify(value)),
    cache,
  },
  { requiredKeys: ["type", "id", "name", "arguments"] },
);
const result = fc.record(
  {
    type: fc.constant("tool-result" as const),
    toolCallId: id,
    parts: fc.array(content, { maxLength: 2 }),
    isError: fc.constant(true as const),
    cache,
  },
  { requiredKeys: ["type", "toolCallId", "parts"] },
);

const parts = { minLength: 1, maxLength: 4 };
const user = fc.record({
  role: fc.constant("user" as const),
  parts: fc.array(content, parts),
});
const assistant = fc.record({
  role: fc.constant("assistant" as const),
  parts: fc.array(fc.oneof(text, thought, call), parts),
});
const tool = fc.record({
  role: fc.constant("tool" as const),
  parts: fc.array(result, { minLength: 1, maxLength: 3 }),
});
const system = fc.record({
  role: fc.constant("system" as const),
  parts: fc.array(text, { minLength: 1, maxLength: 2 }),
});

/** What one turn of the user's holds: results, then words, then an instruction before the model speaks. */
const turn = fc
  .tuple(
    fc.option(tool, { nil: undefined }),
    fc.option(user, { nil: undefined }),
    fc.option(system, { nil: undefined }),
    assistant,
  )
  .map(([results, said, instruction, answer]): Message[] => {
    const messages: Message[] = [results, said].filter((message) => message !== undefined);
    if (messages.length === 0) return messages;
    if (instruction) messages.push(instruction);
    messages.push(answer);
    return messages;
  });
const conversation = fc
  .tuple(user, assistant, fc.array(turn, { maxLength: 3 }), fc.boolean())
  .map(([first, answer, turns, goesOn]): Message[] => {
    const messages = [[first, answer], ...turns].flat();
    return goesOn ? messages : messages.slice(0, -1);
  });

const tools = fc.array(
  fc.record(
    {
      name: id,
      description: fc.string(),
      parameters: jsonObject.map((schema) => Object.assign(schema, { type: "object" })),
      cache,
    },
    { requiredKeys: ["name", "parameters"] },
  ),
  { minLength: 1, maxLength: 3 },
);
const unforced = fc.record({ type: fc.constant("auto" as const) });
const forced = fc.oneof(
  fc.record({ type: fc.constant("required" as const) }),
  fc.record({ type: fc.constant("tool" as const), name: id }),
);
const effort = fc.constantFrom<"low" | "medium" | "high" | "xhigh" | "max">(
  "low",
  "medium",
  "high",
  "xhigh",
  "max",
);
const reasoningWish = fc.record(
  { adaptive: fc.constant(true as const), hidden: fc.boolean(), effort },
  { requiredKeys: ["adaptive", "hidden"] },
);
/** A forced call and thinking exclude each other, and a wish about parallel calls is part of a choice. */
const acts = fc.oneof(
  fc.record({ tools: fc.constant([]), reasoning: reasoningWish }, { requiredKeys: ["tools"] }),
  fc.record(
    { tools, toolChoice: unforced, parallelToolCalls: fc.boolean(), reasoning: reasoningWish },
    { requiredKeys: ["tools", "toolChoice"] },
  ),
  fc.record(
    { tools, toolChoice: forced, parallelToolCalls: fc.boolean() },
    { requiredKeys: ["tools", "toolChoice"] },
  ),
  fc.record({ tools, toolChoice: fc.record({ type: fc.constant("none" as const) }) }),
);
const output = fc.record({
  type: fc.constant("json-schema" as const),
  name: fc.constant("response"),
  schema: fc.constant({
    type: "object",
    properties: { river: { type: "string" } },
    additionalProperties: false,
  }),
  strict: fc.constant(true as const),
});

/** Any request that a newest model could be sent. */
export const request = fc
  .record(
    {
      model: fc.constant("claude-opus-4-8"),
      system: fc.array(text, { maxLength: 3 }),
      messages: conversation,
      acts,
      maxOutputTokens: integer,
      stop: fc.array(word, { maxLength: 4 }),
      output,
      user: id,
      stream: fc.boolean(),
    },
    { requiredKeys: ["model", "system", "messages", "acts", "maxOutputTokens", "stop", "stream"] },
  )
  .map(({ acts: chosen, ...rest }): ChatRequest =>
    Object.assign(rest, chosen, {
      sampling: {},
      streamUsage: true,
      unmapped: [],
      source: { dialect: "anthropic-messages" as const, text: "{}", body: {} },
    }),
  );
