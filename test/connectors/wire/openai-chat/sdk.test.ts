/** The official SDK reads what the client half writes. */
import { describe, expect, test } from "bun:test";
import OpenAI, { APIError } from "openai";

import { ChatError } from "../../../../src/connectors/hub/error.ts";
import type { ChatEvent } from "../../../../src/connectors/hub/event.ts";
import { openaiChatClient as client } from "../../../../src/connectors/wire/openai-chat/ingress.ts";
import { CONTEXT, fold } from "../machines.ts";

const EVENTS: readonly ChatEvent[] = [
  { type: "start", id: "gen-1", model: "up/m", created: 7 },
  { type: "reasoning-start", index: 0, form: "text" },
  { type: "reasoning-delta", index: 0, text: "hm" },
  { type: "reasoning-end", index: 0 },
  { type: "text-start", index: 1 },
  { type: "text-delta", index: 1, text: "Let me " },
  { type: "text-delta", index: 1, text: "see." },
  { type: "text-end", index: 1 },
  { type: "tool-start", index: 2, id: "a", name: "weather" },
  { type: "tool-start", index: 3, id: "b", name: "now" },
  { type: "tool-delta", index: 2, arguments: '{"city":' },
  { type: "tool-delta", index: 2, arguments: '"Paris"}' },
  { type: "tool-end", index: 2 },
  { type: "tool-end", index: 3 },
  { type: "usage", usage: { inputTokens: 3, outputTokens: 4, source: "reported" } },
  { type: "finish", reason: "tool-calls" },
];

function sdk(text: string, type: string, status = 200): OpenAI {
  return new OpenAI({
    apiKey: "none",
    baseURL: "http://localhost/v1",
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(text, { status, headers: { "content-type": type } })),
  });
}

const ASK: OpenAI.ChatCompletionCreateParams = {
  model: "logical",
  messages: [{ role: "user", content: "Hello there" }],
};

const EXPECTED = {
  id: "gen-1",
  model: "logical",
  created: 7,
  choices: [
    {
      finish_reason: "tool_calls",
      message: {
        role: "assistant",
        content: "Let me see.",
        tool_calls: [
          {
            id: "a",
            type: "function",
            function: { name: "weather", arguments: '{"city":"Paris"}' },
          },
          { id: "b", type: "function", function: { name: "now", arguments: "{}" } },
        ],
      },
    },
  ],
};

describe("the official SDK", () => {
  test("adds a stream of ours up to the answer", async () => {
    const encoder = client.encodeStream(CONTEXT);
    const text = EVENTS.map((event) => encoder.push(event)).join("") + encoder.end();
    const stream = sdk(text, "text/event-stream").chat.completions.stream({ ...ASK, stream: true });
    expect(await stream.finalChatCompletion()).toMatchObject(EXPECTED);
    expect(await stream.totalUsage()).toMatchObject({
      prompt_tokens: 3,
      completion_tokens: 4,
      total_tokens: 7,
    });
  });

  test("reads a whole reply of ours as the same answer", async () => {
    const text = JSON.stringify(client.encodeReply(fold(EVENTS), CONTEXT));
    const reply = await sdk(text, "application/json").chat.completions.create({
      ...ASK,
      stream: false,
    });
    expect(reply).toMatchObject(EXPECTED);
  });

  test("throws our error in mid-stream, with its words", async () => {
    const encoder = client.encodeStream(CONTEXT);
    const text =
      EVENTS.slice(0, 6)
        .map((event) => encoder.push(event))
        .join("") + encoder.fail(new ChatError("unavailable", "the provider went away"));
    const stream = await sdk(text, "text/event-stream").chat.completions.create({
      ...ASK,
      stream: true,
    });
    let said = "";
    const read = async (): Promise<void> => {
      for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? "";
    };
    const thrown: unknown = await read().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(said).toBe("Let me ");
    expect(thrown).toBeInstanceOf(APIError);
    expect(thrown).toMatchObject({ type: "server_error", code: "provider_unavailable" });
  });

  test("throws our error by status, with its words, field and code", async () => {
    const error = new ChatError("invalid-request", "n: expected an integer", {
      param: "n",
      code: "invalid_type",
    });
    const text = JSON.stringify(client.encodeError(error, "req-1"));
    const asked = sdk(text, "application/json", 400).chat.completions.create({
      ...ASK,
      stream: false,
    });
    const thrown: unknown = await asked.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(thrown).toMatchObject({
      status: 400,
      param: "n",
      code: "invalid_type",
      type: "invalid_request_error",
    });
  });
});
