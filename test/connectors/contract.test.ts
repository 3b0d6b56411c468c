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
