/** Thoughts put into, and taken out of, a caller's own body. */
import { describe, expect, test } from "bun:test";

import type { JsonObject } from "../../../src/connectors/hub/json.ts";
import type { ChatRequest, Message } from "../../../src/connectors/hub/request.ts";
import { anthropicMessagesProvider } from "../../../src/connectors/wire/anthropic-messages/egress.ts";
import { anthropicMessagesClient } from "../../../src/connectors/wire/anthropic-messages/ingress.ts";
import { openaiChatProvider } from "../../../src/connectors/wire/openai-chat/egress.ts";
import { openaiChatClient } from "../../../src/connectors/wire/openai-chat/ingress.ts";

const CLAUDE = "anthropic-claude-v1";
const THOUGHT = {
  type: "reasoning",
  form: "text",
  text: "Hm.",
  signature: "sig",
  format: CLAUDE,
} as const;

function tool(id: string): JsonObject {
  return { type: "tool_use", id, name: "tide", input: {} };
}

/** The request with other parts in its assistant's message. */
function regraft(
  request: ChatRequest,
  change: (
    parts: Extract<Message, { role: "assistant" }>["parts"],
  ) => Extract<Message, { role: "assistant" }>["parts"],
): ChatRequest {
  const messages = request.messages.map((message) =>
    message.role === "assistant" ? { ...message, parts: change(message.parts) } : message,
  );
  return { ...request, messages, regrafted: new Set([0]) };
}

const parsed = (text: string | undefined): JsonObject => JSON.parse(text ?? "null");

describe("OpenAI's chat", () => {
  const body = {
    model: "m",
    "x-own": { kept: [1] },
    messages: [
      { role: "user", content: "Tide?" },
      {
        role: "assistant",
        content: null,
        "x-own": true,
        tool_calls: [{ id: "a", type: "function", function: { name: "tide", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "a", content: "04:12" },
    ],
  };

  test("gets details and signatures of calls, and keeps everything else", () => {
    const request = regraft(openaiChatClient.decodeRequest(JSON.stringify(body)), (parts) => [
      THOUGHT,
      ...parts.map((part) => (part.type === "tool-call" ? { ...part, signature: "t" } : part)),
    ]);
    const [user, assistant, result] = body.messages;
    const expected: unknown = {
      ...body,
      messages: [
        user,
        {
          ...assistant,
          reasoning_details: [
            { type: "reasoning.text", text: "Hm.", signature: "sig", format: CLAUDE, index: 0 },
          ],
          tool_calls: [
            {
              ...assistant?.tool_calls?.[0],
              extra_content: { google: { thought_signature: "t" } },
            },
          ],
        },
        result,
      ],
    };
    const grafted: unknown = parsed(openaiChatProvider.graft?.(request));
    expect(grafted).toEqual(expected);
  });

  test("loses details that were taken out", () => {
    const request = openaiChatClient.decodeRequest(
      JSON.stringify({
        model: "m",
        messages: [
          {
            role: "assistant",
            content: "Yes.",
            reasoning_details: [{ type: "reasoning.encrypted", data: "x", format: "xai-v1" }],
          },
        ],
      }),
    );
    const text = openaiChatProvider.graft?.(regraft(request, (parts) => parts.slice(1)));
    expect(parsed(text)["messages"]).toEqual([{ role: "assistant", content: "Yes." }]);
  });
});

describe("Anthropic's messages", () => {
  const own = { type: "server_tool_use", id: "s", name: "web_search", input: {} };

  test("get thoughts before the calls they led to, around blocks that nobody here knows", () => {
    const request = anthropicMessagesClient.decodeRequest(
      JSON.stringify({
        model: "m",
        max_tokens: 5,
        messages: [
          { role: "user", content: "Tide?" },
          {
            role: "assistant",
            content: [
              { type: "thinking", thinking: "Foreign.", signature: "xjp1.e30" },
              own,
              { type: "text", text: "I look." },
              tool("a"),
              tool("b"),
            ],
          },
        ],
      }),
    );
    const second = { ...THOUGHT, text: "Again.", signature: "sig-2" };
    const grafted = regraft(request, (parts) => {
      const [, said, first, last] = parts;
      return [THOUGHT, said, first, second, last].filter((part) => part !== undefined);
    });
    const blocks: unknown = parsed(anthropicMessagesProvider.graft?.(grafted))["messages"];
    expect(blocks).toEqual([
      { role: "user", content: "Tide?" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "Hm.", signature: "sig" },
          own,
          { type: "text", text: "I look." },
          tool("a"),
          { type: "thinking", thinking: "Again.", signature: "sig-2" },
          tool("b"),
        ],
      },
    ]);
  });
});

describe("a body whose messages JavaScript would write otherwise", () => {
  const exact = '{"n":1.0,"id":12345678901234567890}';

  test("keeps every byte that is not the thoughts', in OpenAI's chat", () => {
    const detail = '{"type":"reasoning.odd","weight":1.0}';
    const first = `{"role": "assistant","content":"a","reasoning_details":[${detail}]}`;
    const call = `{"id":"a","type":"function","function":{"name":"tide","arguments":"{}"},"x":${exact}}`;
    const text = `{"model":"m", "x": ${exact}, "messages": [ ${first}, {"role":"assistant","content":null,"tool_calls":[ ${call} ],"x":${exact}}]}`;
    const request = openaiChatClient.decodeRequest(text);
    const [before, after] = request.messages;
    if (before?.role !== "assistant" || after?.role !== "assistant") throw new Error("lost");
    const grafted = openaiChatProvider.graft?.({
      ...request,
      messages: [before, { ...after, parts: [THOUGHT, ...after.parts] }],
      regrafted: new Set([1]),
    });
    const details = `[{"type":"reasoning.text","text":"Hm.","signature":"sig","format":"${CLAUDE}","index":0}]`;
    expect(grafted).toBe(`${text.slice(0, -3)},"reasoning_details":${details}}]}`);
  });

  test("keeps every byte that is not the thoughts', in Anthropic's messages", () => {
    const call = `{"type":"tool_use","id":"a","name":"tide","input":${exact}}`;
    const text = `{"model":"m","max_tokens":5, "messages":[{"role":"assistant", "content":[ ${call} ]}]}`;
    const request = regraft(anthropicMessagesClient.decodeRequest(text), (parts) => [
      THOUGHT,
      ...parts,
    ]);
    const thought = '{"type":"thinking","thinking":"Hm.","signature":"sig"}';
    expect(anthropicMessagesProvider.graft?.(request)).toBe(
      text.replace(call, `${thought},${call}`),
    );
  });
});
