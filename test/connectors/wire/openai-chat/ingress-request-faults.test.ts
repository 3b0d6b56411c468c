import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";

import { ChatError } from "../../../../src/connectors/hub/error.ts";
import type { JsonObject } from "../../../../src/connectors/hub/json.ts";
import type { ChatRequest } from "../../../../src/connectors/hub/request.ts";
import { openaiChatClient as client } from "../../../../src/connectors/wire/openai-chat/ingress.ts";
import { chatErrorOf } from "../../../support/rejection.ts";

const HELLO = { role: "user", content: "Hello there" };

function decode(body: JsonObject): ChatRequest {
  return client.decodeRequest(JSON.stringify({ model: "m", messages: [HELLO], ...body }));
}

describe("faults name the field, what was found and what was expected", () => {
  const cases: readonly (readonly [JsonObject, string, string])[] = [
    [{ model: undefined }, "model", "model: expected the name of a model, found nothing"],
    [{ model: 7 }, "model", "model: expected a string, found the number 7"],
    [
      { messages: undefined },
      "messages",
      "messages: expected an array with at least one message, found nothing",
    ],
    [
      { messages: [] },
      "messages",
      "messages: expected an array with at least one message, found an empty array",
    ],
    [{ messages: { role: "user" } }, "messages", "messages: expected an array, found an object"],
    [{ messages: ["hi"] }, "messages[0]", 'messages[0]: expected an object, found the string "hi"'],
    [
      { messages: [{ content: "x" }] },
      "messages[0].role",
      "messages[0].role: expected a string, found nothing",
    ],
    [
      { messages: [HELLO, { role: "user", content: 5 }] },
      "messages[1].content",
      "messages[1].content: expected a string or an array of parts, found the number 5",
    ],
    [
      {
        messages: [
          HELLO,
          HELLO,
          { role: "user", content: [{ type: "image_url", image_url: { url: 1 } }] },
        ],
      },
      "messages[2].content[0].image_url.url",
      "messages[2].content[0].image_url.url: expected a string, found the number 1",
    ],
    [
      { messages: [{ role: "user", content: [{ type: "text", text: "a" }, { type: "text" }] }] },
      "messages[0].content[1].text",
      "messages[0].content[1].text: expected a string, found nothing",
    ],
    [
      {
        messages: [
          { role: "user", content: [{ type: "image_url", image_url: { url: "data:nonsense" } }] },
        ],
      },
      "messages[0].content[0].image_url.url",
      'messages[0].content[0].image_url.url: expected an http(s) URL or a data: URL with a comma before its data, found the string "data:nonsense"',
    ],
    [
      {
        messages: [
          { role: "user", content: [{ type: "input_audio", input_audio: { data: "AAAA" } }] },
        ],
      },
      "messages[0].content[0].input_audio.format",
      "messages[0].content[0].input_audio.format: expected a string, found nothing",
    ],
    [
      { messages: [{ role: "user", content: [{ type: "file", file: {} }] }] },
      "messages[0].content[0].file",
      "messages[0].content[0].file: expected file_data or file_id inside, found an object",
    ],
    [
      { messages: [{ role: "tool", content: "x" }] },
      "messages[0].tool_call_id",
      "messages[0].tool_call_id: expected a string, found nothing",
    ],
    [
      {
        messages: [
          {
            role: "assistant",
            tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: {} } }],
          },
        ],
      },
      "messages[0].tool_calls[0].function.arguments",
      "messages[0].tool_calls[0].function.arguments: expected a string, found an object",
    ],
    [
      { tools: [{ type: "function", function: { name: "f" } }, { type: "function" }] },
      "tools[1].function",
      "tools[1].function: expected an object, found nothing",
    ],
    [
      { tools: [{ type: "function", function: { name: "f", parameters: [] } }] },
      "tools[0].function.parameters",
      "tools[0].function.parameters: expected an object, found an empty array",
    ],
    [
      { tool_choice: { type: "function", function: {} } },
      "tool_choice.function.name",
      "tool_choice.function.name: expected a string, found nothing",
    ],
    [
      { tool_choice: { type: "allowed_tools", allowed_tools: { mode: "never", tools: [] } } },
      "tool_choice.allowed_tools.mode",
      'tool_choice.allowed_tools.mode: expected "auto" or "required", found the string "never"',
    ],
    [
      { response_format: { type: "json_schema" } },
      "response_format.json_schema",
      "response_format.json_schema: expected an object, found nothing",
    ],
    [
      { temperature: "hot" },
      "temperature",
      'temperature: expected a number, found the string "hot"',
    ],
    [{ max_tokens: 1.5 }, "max_tokens", "max_tokens: expected an integer, found the number 1.5"],
    [{ n: true }, "n", "n: expected an integer, found the boolean true"],
    [{ stream: "yes" }, "stream", 'stream: expected true or false, found the string "yes"'],
    [{ stop: 5 }, "stop", "stop: expected a string or an array of strings, found the number 5"],
    [{ stop: ["a", 2] }, "stop[1]", "stop[1]: expected a string, found the number 2"],
    [
      { logit_bias: { "1": "x" } },
      "logit_bias.1",
      'logit_bias.1: expected a number, found the string "x"',
    ],
    [{ metadata: { a: 1 } }, "metadata.a", "metadata.a: expected a string, found the number 1"],
    [
      { stream_options: { include_usage: 1 } },
      "stream_options.include_usage",
      "stream_options.include_usage: expected true or false, found the number 1",
    ],
    [
      { reasoning: { max_tokens: "2k" } },
      "reasoning.max_tokens",
      'reasoning.max_tokens: expected an integer, found the string "2k"',
    ],
  ];
  for (const [body, param, message] of cases) {
    test(message, () => {
      const error = chatErrorOf(() => decode(body));
      expect(error.kind).toBe("invalid-request");
      expect(error.param).toBe(param);
      expect(error.message).toBe(message);
    });
  }

  test("a long value is not echoed in full", () => {
    const error = chatErrorOf(() => decode({ temperature: "x".repeat(5000) }));
    expect(error.message.length).toBeLessThan(120);
  });

  test("a number that is too large for JSON to say again is no number", () => {
    const text = '{"model":"m","messages":[{"role":"user","content":"a"}],"temperature":1e999}';
    expect(chatErrorOf(() => client.decodeRequest(text)).param).toBe("temperature");
  });
});

describe("a body that is no JSON object", () => {
  for (const [text, words] of [
    ["", "the request body is empty"],
    ["  \n", "the request body is empty"],
    ["{", "the request body is not valid JSON"],
    ["[1]", "the request body must be a JSON object, found an array"],
    ["null", "the request body must be a JSON object, found null"],
    ['"hi"', 'the request body must be a JSON object, found "hi"'],
  ] as const) {
    test(`${JSON.stringify(text)} is refused in words`, () => {
      const error = chatErrorOf(() => client.decodeRequest(text));
      expect(error.kind).toBe("invalid-request");
      expect(error.message).toStartWith(words);
    });
  }

  test("nesting that would exhaust the stack is an error like any other", () => {
    const deep = `{"model":"m","messages":${"[".repeat(200_000)}`;
    expect(chatErrorOf(() => client.decodeRequest(deep)).kind).toBe("invalid-request");
  });
});

describe("hardening", () => {
  test("__proto__ and constructor are fields like any other", () => {
    const text =
      '{"model":"m","__proto__":{"polluted":1},"messages":[{"role":"user","content":"a","__proto__":{"name":"x"}}],' +
      '"metadata":{"__proto__":"p","constructor":"c"},"logit_bias":{"__proto__":1}}';
    const request = client.decodeRequest(text);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(request.metadata)).toBe(Object.prototype);
    expect(Object.keys(request.metadata ?? {}).toSorted()).toEqual(["__proto__", "constructor"]);
    expect(Object.hasOwn(request.messages[0] ?? {}, "name")).toBe(false);
    expect(request.unmapped.map(({ field }) => field)).toContain("__proto__");
  });

  test("whatever the JSON, the result is a request or an error that names a field", () => {
    const field = fc.constantFrom(
      "model",
      "messages",
      "tools",
      "tool_choice",
      "stop",
      "stream",
      "stream_options",
      "response_format",
      "reasoning",
      "functions",
      "function_call",
      "metadata",
      "logit_bias",
      "n",
      "modalities",
      "usage",
      "thinking",
      "user",
    );
    const inner = fc.constantFrom(
      "role",
      "content",
      "type",
      "text",
      "image_url",
      "url",
      "file",
      "input_audio",
      "tool_calls",
      "function",
      "name",
      "arguments",
      "id",
      "reasoning_details",
      "audio",
      "images",
      "cache_control",
      "extra_content",
      "allowed_tools",
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom<unknown>(
          null,
          true,
          0,
          1.5,
          "",
          "user",
          "assistant",
          "tool",
          "function",
          "text",
          "image_url",
          "file",
          "data:,x",
        ),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(inner, tie("value"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(field, value), (body) => {
        try {
          const request = client.decodeRequest(
            JSON.stringify({ model: "m", messages: [HELLO], ...body }),
          );
          expect(request.model).not.toBe("");
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ChatError);
          expect(thrown).toMatchObject({ kind: "invalid-request", param: expect.any(String) });
        }
      }),
      { seed: 5, numRuns: 3000 },
    );
  });
});
