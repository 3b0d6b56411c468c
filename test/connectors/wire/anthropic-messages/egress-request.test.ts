import { describe, expect, test } from "bun:test";

import type { JsonObject } from "../../../../src/connectors/hub/json.ts";
import type { Message } from "../../../../src/connectors/hub/request.ts";
import {
  assistant,
  bodyOf,
  CALL,
  encode,
  type Fields,
  NEW,
  refusal,
  RESULT,
  SONNET,
  system,
  user,
} from "./_encode.ts";

const text = (words: string): JsonObject => ({ type: "text", text: words });

describe("the plainest request", () => {
  test("has the limit that the dialect wants, and nothing that nobody asked for", () => {
    expect(encode({})).toEqual({
      body: {
        model: SONNET,
        max_tokens: 32_000,
        messages: [{ role: "user", content: [text("Hello there")] }],
        stream: false,
      },
      dropped: [],
    });
  });
});

describe("a conversation", () => {
  test("has one turn a role, results of tools first", () => {
    const messages = [user("a"), user("b"), CALL, system("Be brief."), RESULT, user("c")];
    expect(bodyOf({ messages })["messages"]).toEqual([
      { role: "user", content: [text("a"), text("b")] },
      {
        role: "assistant",
        content: [{ type: "tool_use", id: "call_1", name: "f", input: { a: 1 } }],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "call_1", content: [text("42")] },
          text("<system>\nBe brief.\n</system>"),
          text("c"),
        ],
      },
    ]);
  });

  test("keeps an instruction in its middle where the model takes one there", () => {
    const messages = [user("a"), system("x"), assistant("b"), system("y"), user("c"), system("z")];
    expect(bodyOf({ messages }, NEW)["messages"]).toEqual([
      { role: "user", content: [text("a")] },
      { role: "system", content: [text("x")] },
      { role: "assistant", content: [text("b")] },
      { role: "user", content: [text("<system>\ny\n</system>"), text("c")] },
      { role: "system", content: [text("z")] },
    ]);
  });

  test("of instructions alone is the user's", () => {
    const { messages, system: none } = bodyOf({
      system: [{ type: "text", text: "s" }],
      messages: [],
    });
    expect(messages).toEqual([{ role: "user", content: [text("s")] }]);
    expect(none).toBeUndefined();
  });

  test("leaves out texts with nothing to see in them, and the spaces before what is to be gone on with", () => {
    const messages = [user(" \n"), user("a"), assistant("It is \n")];
    expect(bodyOf({ messages })["messages"]).toEqual([
      { role: "user", content: [text("a")] },
      { role: "assistant", content: [text("It is")] },
    ]);
  });

  test("keeps thoughts that Anthropic signed or hid, in their place, and no others", () => {
    const signed = { type: "reasoning", form: "text", text: "t", signature: "s" } as const;
    const hidden = { type: "reasoning", form: "encrypted", text: "", data: "d" } as const;
    const parts = [
      signed,
      { type: "text", text: "x" },
      { ...hidden, format: "anthropic-claude-v1" },
      { ...signed, format: "openai-responses-v1" },
      { type: "reasoning", form: "text", text: "unsigned" },
    ] as const;
    const { body, dropped } = encode({ messages: [user("a"), { role: "assistant", parts }] });
    expect(body["messages"]).toMatchObject([
      {},
      {
        content: [
          { type: "thinking", thinking: "t", signature: "s" },
          text("x"),
          { type: "redacted_thinking", data: "d" },
        ],
      },
    ]);
    expect(dropped).toEqual(["messages[].reasoning"]);
  });
});

/** A user's turn with one piece of media. */
function media(part: Extract<Message, { role: "user" }>["parts"][number]): Fields {
  return { messages: [{ role: "user", parts: [part] }] };
}

function block(fields: Fields): unknown {
  return bodyOf(fields, SONNET)["messages"];
}

describe("media", () => {
  const image = media({ type: "image", source: { kind: "url", url: "https://x.example/a.png" } });
  const pdf = media({
    type: "file",
    mimeType: "application/pdf",
    filename: "a.pdf",
    source: { kind: "base64", data: "JVBE" },
  });

  test("goes by address, in bytes, or by the host's own id, where the host takes it so", () => {
    expect(block(image)).toMatchObject([
      { content: [{ type: "image", source: { type: "url", url: "https://x.example/a.png" } }] },
    ]);
    expect(refusal(image, SONNET, { mediaUrls: false })).toBe("messages");
    expect(block(pdf)).toMatchObject([
      {
        content: [
          {
            type: "document",
            title: "a.pdf",
            source: { type: "base64", media_type: "application/pdf", data: "JVBE" },
          },
        ],
      },
    ]);
    expect(refusal(pdf, SONNET, { documents: false })).toBe("messages");
    const byId = media({ type: "file", source: { kind: "file-id", id: "file_1" } });
    expect(block(byId)).toMatchObject([
      { content: [{ source: { type: "file", file_id: "file_1" } }] },
    ]);
    expect(refusal(byId, SONNET, { fileIds: false })).toBe("messages");
  });

  test("of text goes as text, and of sound and film not at all", () => {
    const plain = media({
      type: "file",
      mimeType: "text/csv",
      source: { kind: "base64", data: Buffer.from("a;ä").toString("base64") },
    });
    expect(block(plain)).toMatchObject([
      { content: [{ source: { type: "text", media_type: "text/plain", data: "a;ä" } }] },
    ]);
    const source = { kind: "base64", data: "AAAA" } as const;
    expect(refusal(media({ type: "audio", mimeType: "audio/wav", source }))).toBe("messages");
    expect(refusal(media({ type: "file", mimeType: "application/zip", source }))).toBe("messages");
  });
});

describe("tools", () => {
  const tools = [{ name: "f", parameters: { properties: {} } }, { name: "g" }];
  const choice = (fields: Fields): unknown => bodyOf({ tools, ...fields })["tool_choice"];

  test("are called as the caller wishes", () => {
    expect(choice({})).toBeUndefined();
    expect(choice({ toolChoice: { type: "auto" } })).toEqual({ type: "auto" });
    expect(choice({ toolChoice: { type: "none" }, parallelToolCalls: false })).toEqual({
      type: "none",
    });
    expect(choice({ toolChoice: { type: "required" }, parallelToolCalls: true })).toEqual({
      type: "any",
      disable_parallel_tool_use: false,
    });
    expect(choice({ toolChoice: { type: "tool", name: "f" } })).toEqual({
      type: "tool",
      name: "f",
    });
    expect(choice({ parallelToolCalls: false })).toEqual({
      type: "auto",
      disable_parallel_tool_use: true,
    });
  });

  test("are those that may be called", () => {
    const only = bodyOf({
      tools,
      toolChoice: { type: "allowed", mode: "required", names: ["g"] },
    });
    expect(only["tools"]).toEqual([{ name: "g", input_schema: { type: "object" } }]);
    expect(only["tool_choice"]).toEqual({ type: "any" });
  });

  test("cannot be forced on models that refuse it", () => {
    expect(refusal({ tools, toolChoice: { type: "required" } }, "claude-opus-5-5")).toBe(
      "tool_choice",
    );
  });

  test("are strict where the model can be, and said not to be elsewhere", () => {
    const parameters = {
      type: "object",
      properties: { age: { type: "integer", minimum: 0, description: "in years" } },
    };
    const strict = [{ name: "f", parameters, strict: true }];
    expect(bodyOf({ tools: strict })["tools"]).toEqual([
      {
        name: "f",
        strict: true,
        input_schema: {
          type: "object",
          properties: { age: { type: "integer", description: "in years\n\n{minimum: 0}" } },
          additionalProperties: false,
        },
      },
    ]);
    const { body, dropped } = encode({ tools: strict }, "claude-sonnet-4-0");
    expect(body["tools"]).toEqual([{ name: "f", input_schema: parameters }]);
    expect(dropped).toEqual(["tools[].strict"]);
  });

  test("keep the marks of the caller's for the cache", () => {
    const marked = [{ name: "f", cache: { ttl: "1h" } as const }];
    expect(bodyOf({ tools: marked })["tools"]).toMatchObject([
      { cache_control: { type: "ephemeral", ttl: "1h" } },
    ]);
    expect(encode({ tools: marked }, SONNET, { cache: false }).dropped).toEqual(["cache_control"]);
  });
});
