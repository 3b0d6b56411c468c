/** Vertex AI without a network. */
import type { ConnectorOptions, GoogleOptions, Target } from "../../src/connectors/connector.ts";
import type { JsonObject } from "../../src/connectors/hub/json.ts";
import { createConnector } from "../../src/connectors/index.ts";
import { chatCall } from "../contract/calling.ts";
import { TEXT_REPLY } from "../contract/gemini-answers.ts";

export const CLAUDE_REPLY: JsonObject = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-5-20250929",
  content: [{ type: "text", text: "Hello" }],
  stop_reason: "end_turn",
  usage: { input_tokens: 3, output_tokens: 1 },
};

export type Sent = { readonly url: string; readonly headers: Headers; readonly body: JsonObject };

/** A connector whose requests go nowhere; what it would have sent is kept. */
export function offline(
  more: Partial<ConnectorOptions> & { readonly google?: GoogleOptions } = {},
) {
  const sent: Sent[] = [];
  const connector = createConnector({
    name: "vertex",
    kind: "vertex",
    apiKeys: [],
    headers: {},
    fetch(url, init) {
      const body: JsonObject = typeof init.body === "string" ? JSON.parse(init.body) : {};
      sent.push({ url, headers: new Headers(init.headers), body });
      return Promise.resolve(Response.json(url.includes("anthropic") ? CLAUDE_REPLY : TEXT_REPLY));
    },
    ...more,
    google: { accessToken: "ya29.token", project: "acme", ...more.google },
  });
  return { connector, sent };
}

export function target(model: string, more: Partial<Target> = {}) {
  return chatCall({ target: { provider: "vertex", model, ...more } });
}
