import { describe, expect, test } from "bun:test";

import type { JsonObject } from "../../src/connectors/hub/json.ts";
import { createConnector } from "../../src/connectors/index.ts";
import { anthropicMessagesClient } from "../../src/connectors/wire/anthropic-messages/ingress.ts";
import { chatRequest, converse } from "../contract/calling.ts";
import { CLAUDE_REPLY, offline, type Sent, target } from "./_vertex.ts";
import { text } from "../support/json.ts";

describe("Claude on Vertex AI", () => {
  const BODY =
    '{"model":"logical","max_tokens":9,"messages":[{"role":"user","content":"Hi \\u00e9"}],"x_new":[1.0]}';
  const request = anthropicMessagesClient.decodeRequest(BODY);
  const CLAUDE = "publishers/anthropic/models/claude-sonnet-4-5@20250929";

  test("gets an Anthropic client's own words, with the version in place of the model", async () => {
    const sent: string[] = [];
    const connector = createConnector({
      name: "vertex",
      kind: "vertex",
      apiKeys: [],
      headers: {},
      google: { accessToken: "t", project: "acme" },
      fetch(_, init) {
        sent.push(text(init.body), new Headers(init.headers).get("anthropic-beta") ?? "");
        return Promise.resolve(Response.json(CLAUDE_REPLY));
      },
    });
    const headers = new Headers({ "anthropic-beta": "a-beta", "anthropic-version": "2023-06-01" });
    const { messages } = await converse(connector, request, { ...target(CLAUDE), headers });
    expect(sent[0]).toContain('"content":"Hi \\u00e9"}],"x_new":[1.0]');
    const { model, ...rest }: JsonObject = JSON.parse(sent[0] ?? "{}");
    expect(model).toBeUndefined();
    expect(rest).toMatchObject({ anthropic_version: "vertex-2023-10-16", max_tokens: 9 });
    expect(sent[1]).toBe("a-beta");
    expect(messages[0]?.raw).toEqual({
      dialect: "anthropic-messages",
      data: JSON.stringify(CLAUDE_REPLY),
    });
  });

  test("is asked in the words of the model's generation", async () => {
    const { connector, sent } = offline();
    const newest = anthropicMessagesClient.decodeRequest(
      '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}],"output_config":{"effort":"max"}}',
    );
    const { dropped, ...call } = target(CLAUDE);
    await converse(connector, newest, call);
    expect(sent[0]?.body).not.toContainKey("output_config");
    expect(dropped).toEqual(["output_config.effort"]);
  });

  test("gets an OpenAI client's words translated, also without the model", async () => {
    const { connector, sent } = offline();
    const { reply } = await converse(connector, chatRequest(), target(CLAUDE));
    expect(sent[0]?.body).toMatchObject({
      anthropic_version: "vertex-2023-10-16",
      messages: [{ role: "user" }],
    });
    expect(sent[0]?.body["model"]).toBeUndefined();
    expect(reply.parts).toEqual([{ type: "text", text: "Hello" }]);
  });

  test("streams by another verb, and counts where counting is done, by the model's bare name", async () => {
    const sent: Sent[] = [];
    const { connector } = offline({
      fetch(url, init) {
        sent.push({ url, headers: new Headers(), body: JSON.parse(text(init.body)) });
        return Promise.resolve(
          url.includes("count-tokens")
            ? Response.json({ input_tokens: 12 })
            : Response.json(CLAUDE_REPLY),
        );
      },
    });
    expect(await connector.countTokens?.(request, target(CLAUDE))).toBe(12);
    expect(sent[0]?.url).toEndWith("/publishers/anthropic/models/count-tokens:rawPredict");
    expect(sent[0]?.body).toMatchObject({
      model: "claude-sonnet-4-5@20250929",
      anthropic_version: "vertex-2023-10-16",
    });
    expect(sent[0]?.body["max_tokens"]).toBeUndefined();
    const streamed = { ...request, stream: true };
    await converse(connector, streamed, target(CLAUDE));
    expect(sent[1]?.url).toEndWith(":streamRawPredict");
  });

  test("takes no addresses of media, as its capabilities say", () => {
    const { connector } = offline();
    const { image, file, reasoningFamily } = connector.capabilities({
      provider: "vertex",
      model: CLAUDE,
    });
    expect({ image, file, reasoningFamily }).toEqual({
      image: ["base64"],
      file: ["base64"],
      reasoningFamily: "anthropic",
    });
    expect(connector.capabilities({ provider: "vertex", model: "gemini-3-pro" })).toMatchObject({
      image: ["url", "base64"],
      video: ["url", "base64"],
      reasoning: true,
      reasoningFamily: "gemini",
    });
  });
});
