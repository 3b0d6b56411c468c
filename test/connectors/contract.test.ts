import { createConnector } from "../../src/connectors/index.ts";
import { connectorContract } from "../contract/connector.ts";

const ASKS_FOR_USAGE = { stream_options: { include_usage: true } } as const;

connectorContract("the OpenRouter connector", {
  kind: "openrouter",
  create: createConnector,
  addsToStreams: {},
});

connectorContract("the connector to OpenAI", {
  kind: "openai-compatible",
  options: { profile: "openai" },
  create: createConnector,
  addsToStreams: ASKS_FOR_USAGE,
});

connectorContract("the connector to a host that nobody here knows", {
  kind: "openai-compatible",
  create: createConnector,
  addsToStreams: ASKS_FOR_USAGE,
});

connectorContract("the connector to Clewdr's chat completions", {
  kind: "clewdr",
  options: { backend: "openai" },
  isTranslated: true,
  // Its paths have the version in them.
  create: ({ baseUrl = "", ...options }) =>
    createConnector({ ...options, baseUrl: baseUrl.replace(/\/v1$/, "") }),
  addsToStreams: {},
});
