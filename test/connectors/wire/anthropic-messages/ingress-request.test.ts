/** What of a client's request is read, noted, and refused by name. */
import { describe, expect, test } from "bun:test";

import type { JsonObject } from "../../../../src/connectors/hub/json.ts";
import type { ChatRequest, ReasoningRequest } from "../../../../src/connectors/hub/request.ts";
import { anthropicMessagesClient as client } from "../../../../src/connectors/wire/anthropic-messages/ingress.ts";
import { chatErrorOf } from "../../../support/rejection.ts";

const PLAIN = { model: "m", max_tokens: 10, messages: [{ role: "user", content: "Hi there" }] };

function read(fields: JsonObject): ChatRequest {
  return client.decodeRequest(JSON.stringify({ ...PLAIN, ...fields }));
}

function readTurn(role: string, content: unknown): ChatRequest {
  return client.decodeRequest(JSON.stringify({ ...PLAIN, messages: [{ role, content }] }));
}

/** The field at fault. */
function fault(fields: JsonObject): string | undefined {
  const error = chatErrorOf(() => read(fields));
  expect(error.traits.status).toBe(400);
  expect(error.traits.tryElsewhere).toBe(false);
  return error.param;
}

/** What was noted, and whether the answer depends on it. */
function noted(request: ChatRequest): Readonly<Record<string, boolean>> {
  return Object.fromEntries(request.unmapped.map(({ field, harmless }) => [field, harmless]));
}

function result(id: string): JsonObject {
  return { type: "tool_result", tool_use_id: id };
}

function wish(thinking: JsonObject): ReasoningRequest | undefined {
  return read({ thinking }).reasoning;
}

describe("a request", () => {
  test("needs a model and a message, and no more", () => {
    expect(
      client.decodeRequest('{"model":"m","messages":[{"role":"user","content":"a"}]}'),
    ).toMatchObject({
      model: "m",
      stream: false,
      messages: [{ role: "user", parts: [{ type: "text", text: "a" }] }],
    });
    expect(chatErrorOf(() => client.decodeRequest('{"messages":[]}')).param).toBe("model");
    expect(fault({ messages: [] })).toBe("messages");
    expect(chatErrorOf(() => client.decodeRequest("{")).code).toBe("invalid_json");
  });

  test("may say null for what it does not say", () => {
    const { unmapped, sampling } = read({
      temperature: null,
      system: null,
      thinking: null,
      new_field: null,
    });
    expect(unmapped).toEqual([]);
    expect(sampling).toEqual({});
  });

  test("is told which field holds something else than it may", () => {
    expect(fault({ max_tokens: "many" })).toBe("max_tokens");
    expect(fault({ temperature: "hot" })).toBe("temperature");
    expect(fault({ stop_sequences: ["a", 5] })).toBe("stop_sequences[1]");
    expect(fault({ system: [{ type: "text" }] })).toBe("system[0].text");
    expect(fault({ tools: [{ name: "f" }] })).toBe("tools[0].input_schema");
    expect(fault({ tool_choice: { type: "tool" } })).toBe("tool_choice.name");
    expect(fault({ messages: [{ role: "robot", content: "a" }] })).toBe("messages[0].role");
    expect(fault({ messages: [{ role: "user", content: 5 }] })).toBe("messages[0].content");
    const image = { type: "image", source: { type: "base64", data: "AAAA" } };
    expect(fault({ messages: [{ role: "user", content: [image] }] })).toBe(
      "messages[0].content[0].source.media_type",
    );
    const wrong = { ...result("t"), content: [{ type: "text", text: 1 }] };
    expect(fault({ messages: [{ role: "user", content: [wrong] }] })).toBe(
      "messages[0].content[0].content[0].text",
    );
  });

  test("may have fields that nobody here knows, of which the harmless are known", () => {
    expect(noted(read({ service_tier: "auto", context_management: {}, new_field: 1 }))).toEqual({
      service_tier: true,
      context_management: true,
      new_field: false,
    });
  });
});

describe("instructions", () => {
  test("lead as a string, as blocks, and as messages of their own", () => {
    const { system, messages } = read({
      messages: [
        { role: "system", content: "b" },
        { role: "user", content: "c" },
        { role: "system", content: [{ type: "text", text: "d" }] },
      ],
      system: "a",
    });
    expect(system.map(({ text }) => text)).toEqual(["a", "b"]);
    expect(messages.map(({ role }) => role)).toEqual(["user", "system"]);
  });
});

describe("a user's turn", () => {
  test("keeps the order of results and words", () => {
    const { messages } = readTurn("user", [
      result("1"),
      result("2"),
      { type: "text", text: "a" },
      result("3"),
    ]);
    expect(messages).toMatchObject([
      { role: "tool", parts: [{ toolCallId: "1", parts: [] }, { toolCallId: "2" }] },
      { role: "user", parts: [{ text: "a" }] },
      { role: "tool", parts: [{ toolCallId: "3" }] },
    ]);
  });

  test("may hold sources and blocks of the future, which are noted", () => {
    const request = readTurn("user", [
      { type: "image", source: { type: "orbit", id: "x" } },
      { type: "document", source: { type: "orbit", id: "x" } },
      { type: "hologram" },
      { type: "text", text: "a" },
      { type: "thinking", thinking: "a user does not think", signature: "s" },
    ]);
    expect(request.messages).toEqual([{ role: "user", parts: [{ type: "text", text: "a" }] }]);
    expect(noted(request)).toEqual({
      "messages[0].content[0]": false,
      "messages[0].content[1]": false,
      "messages[0].content[2]": false,
      "messages[0].content[4]": false,
    });
  });
});

describe("thinking", () => {
  test("is wished for in every form there is", () => {
    expect(wish({ type: "enabled", budget_tokens: 2000 })).toEqual({
      enabled: true,
      budgetTokens: 2000,
    });
    expect(wish({ type: "enabled" })).toEqual({ enabled: true });
    expect(wish({ type: "adaptive", display: "summarized" })).toEqual({
      adaptive: true,
      hidden: false,
    });
    expect(wish({ type: "disabled" })).toEqual({ enabled: false });
    expect(wish({ type: "between_tools" })).toEqual({ enabled: false });
    expect(read({ output_config: { effort: "max" } }).reasoning).toEqual({ effort: "max" });
  });

  test("in a form of the future is noted", () => {
    expect(noted(read({ thinking: { type: "telepathic" } }))).toEqual({ "thinking.type": false });
    expect(noted(read({ output_config: { effort: "cosmic" } }))).toEqual({
      "output_config.effort": true,
    });
  });
});

describe("tools", () => {
  test("of the caller's own are read, those of Anthropic's are noted", () => {
    const { tools, ...rest } = read({
      tools: [
        { type: "web_search_20250305", name: "web_search" },
        { type: "custom", name: "f", input_schema: {}, eager_input_streaming: true },
      ],
    });
    expect(tools).toEqual([{ name: "f", parameters: {} }]);
    expect(noted({ tools, ...rest })).toEqual({
      "tools[0]": false,
      "tools[].eager_input_streaming": true,
    });
  });

  test("are chosen in every way there is, and one of the future is noted", () => {
    const choice = (value: JsonObject): unknown => read({ tool_choice: value }).toolChoice;
    expect(choice({ type: "any" })).toEqual({ type: "required" });
    expect(choice({ type: "tool", name: "f" })).toEqual({ type: "tool", name: "f" });
    expect(choice({ type: "none" })).toEqual({ type: "none" });
    const parallel = read({ tool_choice: { type: "any", disable_parallel_tool_use: false } });
    expect(parallel.parallelToolCalls).toBe(true);
    const future = read({ tool_choice: { type: "vote" } });
    expect(future.toolChoice).toBeUndefined();
    expect(noted(future)).toEqual({ "tool_choice.type": false });
  });
});

describe("an answer's format", () => {
  test("is a schema, in its place or in the one that it had before", () => {
    const format = { type: "json_schema", schema: { type: "object" } };
    const expected = { type: "json-schema", schema: { type: "object" } };
    expect(read({ output_config: { format } }).output).toMatchObject(expected);
    expect(read({ output_format: format }).output).toMatchObject(expected);
    expect(noted(read({ output_config: { format: { type: "poem" } } }))).toEqual({
      "output_config.format": false,
    });
  });
});

describe("thoughts of another maker", () => {
  test("come back as they were packed for the client", () => {
    const signed = {
      type: "reasoning",
      form: "summary",
      text: "I looked.",
      data: "opaque",
      format: "openai-responses-v1",
      id: "rs_1",
    } as const;
    const unsigned = { type: "reasoning", form: "text", text: "Hm." } as const;
    const { content } = client.encodeReply(
      { parts: [signed, unsigned], annotations: [], finish: "stop" },
      { requestId: "r", model: "m", created: 0, streamUsage: true, estimateInput: () => 1 },
    );
    // Some clients throw away what nobody signed.
    expect(JSON.stringify(content)).not.toContain('"signature":""');
    const { messages } = readTurn("assistant", content);
    expect(messages).toEqual([{ role: "assistant", parts: [signed, unsigned] }]);
  });
});
