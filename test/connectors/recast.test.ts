/** Requests that a host refuses in one form and takes in another. */
import { describe, expect, test } from "bun:test";

import type { Connector } from "../../src/connectors/connector.ts";
import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { createConnector } from "../../src/connectors/index.ts";
import { anthropicMessagesClient } from "../../src/connectors/wire/anthropic-messages/ingress.ts";
import { chatCall, chatRequest, converse, failure } from "../contract/calling.ts";
import { reply } from "../support/samples.ts";

/** OpenAI, which refuses tools with an effort in these words and takes anything else. */
function openai(words: string): { readonly connector: Connector; readonly sent: JsonObject[] } {
  const sent: JsonObject[] = [];
  const connector = createConnector({
    name: "openai",
    kind: "openai-compatible",
    profile: "openai",
    apiKeys: ["sk-under-test"],
    headers: {},
    fetch(_, init) {
      const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : {};
      if (isJsonObject(body)) sent.push(body);
      return Promise.resolve(
        sent.length === 1
          ? Response.json({ error: { message: words, param: "reasoning_effort" } }, { status: 400 })
          : new Response(reply("Hello."), { headers: { "content-type": "application/json" } }),
      );
    },
  });
  return { connector, sent };
}

const LATER =
  "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please use /v1/responses instead.";
const NONE =
  "Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.";

const asked = anthropicMessagesClient.decodeRequest(
  JSON.stringify({
    model: "m",
    max_tokens: 100,
    messages: [{ role: "user", content: "Hello?" }],
    tools: [{ name: "f", input_schema: { type: "object" } }],
    output_config: { effort: "high" },
  }),
);

describe("an effort beside tools that OpenAI's chat refuses", () => {
  test("is left out of a request of another dialect, which is sent once more", async () => {
    const { connector, sent } = openai(LATER);
    const call = chatCall();
    await converse(connector, asked, call);
    expect(sent.map((body) => body["reasoning_effort"])).toEqual(["high", undefined]);
    expect(sent[1]?.["tools"]).toHaveLength(1);
    expect(call.dropped).toContain("reasoning");
  });

  test("is said to be none where that is what it must be", async () => {
    const { connector, sent } = openai(NONE);
    await converse(connector, asked);
    expect(sent.map((body) => body["reasoning_effort"])).toEqual(["high", "none"]);
  });

  test("is told to who speaks OpenAI's own dialect", async () => {
    const { connector, sent } = openai(NONE);
    const own = chatRequest({
      reasoning_effort: "high",
      tools: [{ type: "function", function: { name: "f" } }],
    });
    expect((await failure(connector, own)).message).toBe(NONE);
    expect(sent.length).toBe(1);
  });
});
