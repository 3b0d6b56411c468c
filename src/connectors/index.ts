/** The only list of connectors. */
import { createAnthropicConnector } from "./anthropic.ts";
import { createClewdrConnector } from "./clewdr.ts";
import type { Connector, ConnectorOptions } from "./connector.ts";
import { createDemoConnector } from "./demo.ts";
import { createGeminiConnector } from "./gemini.ts";
import { createOpenAICompatibleConnector } from "./openai-compatible.ts";
import { createOpenRouterConnector } from "./openrouter.ts";
import { createVertexConnector } from "./vertex.ts";

const factories = new Map<string, (options: ConnectorOptions) => Connector>([
  ["openrouter", createOpenRouterConnector],
  ["anthropic", createAnthropicConnector],
  ["clewdr", createClewdrConnector],
  ["vertex", createVertexConnector],
  ["gemini", createGeminiConnector],
  ["openai-compatible", createOpenAICompatibleConnector],
  ["demo", (options) => createDemoConnector(options)],
]);

/** Makes the connector of `options.kind`. Throws Error when there is none, or when the options cannot be used. */
export function createConnector(options: ConnectorOptions): Connector {
  const create = factories.get(options.kind);
  if (create) return create(options);
  const kinds = [...factories.keys()].join(", ");
  throw new Error(
    `providers.${options.name}.kind: no connector ${options.kind}; there are ${kinds}`,
  );
}
