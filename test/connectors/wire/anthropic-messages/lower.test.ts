import { describe, expect, test } from "bun:test";

import type { JsonObject } from "../../../../src/connectors/hub/json.ts";
import { anthropicMessagesClient as client } from "../../../../src/connectors/wire/anthropic-messages/ingress.ts";
import type { Message } from "../../../../src/connectors/hub/request.ts";
import { pack } from "../../../../src/connectors/wire/anthropic-messages/foreign.ts";
import { type Edits, lower } from "../../../../src/connectors/wire/anthropic-messages/lower.ts";

const EARLY = "claude-sonnet-4-5";
const USER = { role: "user", content: "Hi there" };

function lowered(
  fields: JsonObject,
  model: string,
): { readonly edits: Edits; readonly dropped: readonly string[] } {
  const body = { model: "m", max_tokens: 10_000, messages: [USER], ...fields };
  const dropped: string[] = [];
  const request = client.decodeRequest(JSON.stringify(body));
  return { edits: lower(request, model, (field) => dropped.push(field)), dropped };
}

/** As Claude Code asks when it takes a model for one of the newest. */
const NEWEST = {
  thinking: { type: "adaptive", display: "omitted" },
  output_config: { effort: "xhigh" },
  messages: [
    USER,
    { role: "system", content: "# Environment" },
    { role: "assistant", content: "Hello." },
    { role: "user", content: [{ type: "text", text: "Go on." }] },
    {
      role: "system",
      content: [
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ],
    },
  ],
};

function words(text: string): JsonObject {
  return { type: "text", text: `<system>\n${text}\n</system>` };
}

function thinking(wish: JsonObject, model: string): unknown {
  const { edits } = lowered({ thinking: wish }, model);
  return "thinking" in edits ? (edits["thinking"] ?? "left out") : "as it was";
}

test("a request for one of the newest models is as it was for each of them", () => {
  for (const model of ["claude-opus-4-8", "claude-opus-5-5", "claude-sonnet-5-5"]) {
    expect(lowered(NEWEST, model)).toEqual({ edits: {}, dropped: [] });
  }
});

test("nothing is known better of a model without a version, or of another maker's", () => {
  for (const model of ["claude-next", "kimi-k3", "anthropic/claude-latest"]) {
    expect(lowered({ ...NEWEST, temperature: 0.3, top_p: 0.4 }, model).edits).toEqual({});
  }
});

test("a request for one of the newest models is put in an earlier one's words", () => {
  const { edits, dropped } = lowered(NEWEST, EARLY);
  expect(edits).toEqual({
    thinking: { type: "enabled", budget_tokens: 8000 },
    output_config: undefined,
    messages: [
      { role: "user", content: [{ type: "text", text: "Hi there" }, words("# Environment")] },
      { role: "assistant", content: "Hello." },
      { role: "user", content: [{ type: "text", text: "Go on." }, words("a\n\nb")] },
    ],
  });
  expect(dropped).toEqual(["thinking.display", "output_config.effort"]);
});

describe("thinking", () => {
  test("with a budget becomes adaptive where budgets are refused, and stays where they are taken", () => {
    const wish = { type: "enabled", budget_tokens: 2000 };
    expect(thinking(wish, "claude-opus-4-6")).toBe("as it was");
    expect(thinking(wish, "claude-opus-4-7")).toEqual({ type: "adaptive", display: "summarized" });
    expect(thinking(wish, "claude-3-5-sonnet-20241022")).toBe("left out");
  });

  test("is turned off in the model's own word", () => {
    expect(thinking({ type: "disabled" }, EARLY)).toBe("as it was");
    expect(thinking({ type: "disabled" }, "claude-opus-5")).toBe("as it was");
    expect(thinking({ type: "disabled" }, "claude-sonnet-5-5")).toEqual({ type: "between_tools" });
    expect(thinking({ type: "between_tools" }, "claude-opus-5")).toEqual({ type: "disabled" });
    expect(thinking({ type: "between_tools" }, EARLY)).toBe("left out");
    expect(lowered({ thinking: { type: "disabled" } }, "claude-opus-5-5")).toEqual({
      edits: { thinking: undefined },
      dropped: ["thinking"],
    });
  });

  test("of a turn that was begun without it is left out, since a budget wants it from the start", () => {
    const { edits, dropped } = lowered(
      {
        thinking: { type: "adaptive" },
        messages: [
          USER,
          { role: "assistant", content: [{ type: "tool_use", id: "t", name: "f", input: {} }] },
          { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "1" }] },
        ],
      },
      EARLY,
    );
    expect(edits).toEqual({ thinking: undefined });
    expect(dropped).toEqual(["thinking"]);
  });
});

test("an effort is the nearest that the model knows, and the rest of its field stays", () => {
  const format = { type: "json_schema", schema: { type: "object" } };
  const config = { effort: "xhigh", format };
  expect(lowered({ output_config: config }, "claude-opus-4-6").edits).toEqual({
    output_config: { effort: "high", format },
  });
  expect(lowered({ output_config: config }, EARLY).edits).toEqual({ output_config: { format } });
});

test("sampling is left out where it is refused, and told", () => {
  const sampling = { temperature: 0.3, top_p: 0.9, top_k: 5 };
  expect(lowered(sampling, "claude-3-7-sonnet-20250219")).toEqual({ edits: {}, dropped: [] });
  expect(lowered(sampling, EARLY)).toEqual({ edits: { top_p: undefined }, dropped: ["top_p"] });
  expect(lowered(sampling, "claude-opus-5").dropped).toEqual(["temperature", "top_p", "top_k"]);
  expect(lowered({ temperature: 1 }, "claude-opus-5")).toEqual({ edits: {}, dropped: [] });
});

describe("thoughts", () => {
  const call = { type: "tool_use", id: "t", name: "f", input: {} };
  const result = {
    role: "user",
    content: [{ type: "tool_result", tool_use_id: "t", content: "1" }],
  };
  const own = { type: "thinking", thinking: "hm", signature: "c2ln" };
  const hidden = { type: "redacted_thinking", data: "aGlkZGVu" };
  const unsigned = { type: "thinking", thinking: "hm", signature: "" };
  const packed = {
    type: "thinking",
    thinking: "hm",
    signature: pack({ form: "text", signature: "s", format: "google-gemini-v1" }),
  };

  test("of Anthropic's own go back to it as they are, also to a model of which nothing is known", () => {
    const messages = [USER, { role: "assistant", content: [own, hidden, call] }, result];
    for (const model of [EARLY, "claude-opus-5", "claude-next"]) {
      expect(lowered({ messages }, model)).toEqual({ edits: {}, dropped: [] });
    }
  });

  test("of other makers, with which a conversation went on for a while, do not go to Anthropic", () => {
    const messages = [
      USER,
      { role: "assistant", content: [packed, own, call] },
      result,
      { role: "assistant", content: [unsigned] },
      USER,
    ];
    const expected = [USER, { role: "assistant", content: [own, call] }, result, USER];
    for (const model of [EARLY, "claude-opus-5", "claude-next"]) {
      expect(lowered({ messages }, model)).toEqual({
        edits: { messages: expected },
        dropped: ["messages[].content[].thinking", "messages[].content[].thinking"],
      });
    }
    expect(lowered({ messages }, "kimi-k3")).toEqual({ edits: {}, dropped: [] });
  });

  test("that are wanted from a turn's start are not asked for in one that another maker began", () => {
    const messages = [USER, { role: "assistant", content: [unsigned, call] }, result];
    const { edits } = lowered(
      { messages, thinking: { type: "enabled", budget_tokens: 2000 } },
      EARLY,
    );
    expect(edits).toEqual({
      thinking: undefined,
      messages: [USER, { role: "assistant", content: [call] }, result],
    });
  });

  test("that were given back stay where instructions become words", () => {
    const body = {
      model: "m",
      messages: [
        USER,
        { role: "system", content: "x" },
        { role: "assistant", content: [call] },
        result,
      ],
    };
    const request = client.decodeRequest(JSON.stringify(body));
    const messages = request.messages.map((message): Message =>
      message.role === "assistant"
        ? {
            role: "assistant",
            parts: [
              {
                type: "reasoning",
                form: "text",
                text: "hm",
                signature: "c2ln",
                format: "anthropic-claude-v1",
              },
              ...message.parts,
            ],
          }
        : message,
    );
    const regrafted = new Set([0]);
    const { messages: sent } = lower({ ...request, messages, regrafted }, EARLY, () => {});
    expect(sent).toEqual([
      { role: "user", content: [{ type: "text", text: "Hi there" }, words("x")] },
      { role: "assistant", content: [own, call] },
      result,
    ]);
  });
});
