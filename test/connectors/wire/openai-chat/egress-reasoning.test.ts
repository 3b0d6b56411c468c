import { describe, expect, test } from "bun:test";

import type { ChatRequest, ReasoningRequest } from "../../../../src/connectors/hub/request.ts";
import {
  type OpenAIChatQuirks,
  openaiChatProvider as provider,
} from "../../../../src/connectors/wire/openai-chat/egress.ts";
import { type Encoded, encodeFor, requestOf } from "../machines.ts";

function encode(fields: Partial<ChatRequest>, quirks: OpenAIChatQuirks): Encoded {
  return encodeFor(provider, requestOf("anthropic-messages", fields), "up", quirks);
}

function wish(reasoning: ReasoningRequest, quirks: OpenAIChatQuirks): Encoded {
  const { body, dropped } = encode({ reasoning }, quirks);
  const { model: _, messages: __, stream: ___, ...rest } = body;
  return { body: rest, dropped };
}

const effort = (reasoning: ReasoningRequest, efforts?: OpenAIChatQuirks["efforts"]): unknown =>
  wish(reasoning, efforts ? { efforts } : {}).body["reasoning_effort"];

const said = (reasoning: ReasoningRequest): unknown =>
  wish(reasoning, { reasoningRequest: "openrouter" }).body;

describe("earlier thoughts", () => {
  const history: Partial<ChatRequest> = {
    messages: [
      {
        role: "assistant",
        parts: [
          { type: "reasoning", form: "text", text: "a", signature: "s", format: "f" },
          { type: "reasoning", form: "encrypted", text: "", data: "d", id: "r" },
          { type: "text", text: "b" },
        ],
      },
    ],
  };
  const details = [
    { type: "reasoning.text", text: "a", signature: "s", format: "f", index: 0 },
    { type: "reasoning.encrypted", data: "d", id: "r", index: 1 },
  ];

  const back = (reasoningField: NonNullable<OpenAIChatQuirks["reasoningField"]>): Encoded =>
    encode(history, { reasoningField });

  test("go back in the one field that the host reads, and are named where there is none", () => {
    const message = { role: "assistant", content: "b" };
    expect(back("reasoning_details").body["messages"]).toEqual([
      { ...message, reasoning_details: details },
    ]);
    expect(back("reasoning_content").body["messages"]).toEqual([
      { ...message, reasoning_content: "a" },
    ]);
    expect(back("reasoning").body["messages"]).toEqual([{ ...message, reasoning: "a" }]);
    expect(back("none")).toMatchObject({
      body: { messages: [message] },
      dropped: ["messages[].reasoning"],
    });
  });
});

describe("a wish about reasoning", () => {
  test("becomes the nearest effort that the host knows", () => {
    expect(effort({ effort: "high" })).toBe("high");
    expect(effort({ effort: "max" })).toBe("xhigh");
    expect(effort({ effort: "minimal" }, ["none", "low", "high"])).toBe("low");
    expect(effort({ effort: "none" }, ["low", "high"])).toBe("low");
    expect(effort({ enabled: false })).toBe("none");
    expect(effort({ budgetTokens: 0 })).toBe("none");
    expect(effort({ budgetTokens: 1000 })).toBe("low");
    expect(effort({ budgetTokens: 5000 })).toBe("medium");
    expect(effort({ budgetTokens: 50_000 })).toBe("high");
    expect(effort({ adaptive: true })).toBeUndefined();
    expect(effort({ enabled: true })).toBeUndefined();
  });

  test("is said in OpenRouter's words, with an amount in tokens before an effort", () => {
    expect(said({ effort: "max", hidden: true })).toEqual({
      reasoning: { effort: "max", exclude: true },
    });
    expect(said({ effort: "low", budgetTokens: 900 })).toEqual({ reasoning: { max_tokens: 900 } });
    expect(said({ adaptive: true, summary: "auto" })).toEqual({
      reasoning: { enabled: true, summary: "auto" },
    });
  });

  test("switches thinking on or off for hosts that know only that", () => {
    expect(wish({ effort: "high" }, { reasoningRequest: "thinking" }).body).toEqual({
      thinking: { type: "enabled" },
    });
    expect(wish({ effort: "none" }, { reasoningRequest: "thinking" }).body).toEqual({
      thinking: { type: "disabled" },
    });
    expect(wish({ budgetTokens: 700 }, { reasoningRequest: "enable_thinking" }).body).toEqual({
      enable_thinking: true,
      thinking_budget: 700,
    });
    expect(wish({ enabled: false }, { reasoningRequest: "enable_thinking" }).body).toEqual({
      enable_thinking: false,
    });
  });

  test("that a host has no words for is named", () => {
    expect(wish({ effort: "low" }, { reasoningRequest: "none" })).toEqual({
      body: {},
      dropped: ["reasoning"],
    });
    expect(wish({ effort: "low", hidden: true, summary: "auto" }, {}).dropped).toEqual([
      "reasoning.exclude",
      "reasoning.summary",
    ]);
  });
});
