import {
  anthropicCapabilities,
  anthropicCounter,
  anthropicLine,
  apiKeyHeader,
  VERSION,
} from "./anthropic-line.ts";
import type { Connector, ConnectorOptions } from "./connector.ts";
import { createHttpConnector } from "./http-connector.ts";
import type { AnthropicQuirks } from "./wire/anthropic-messages/egress.ts";

const BASE_URL = "https://api.anthropic.com";
const QUIRKS: AnthropicQuirks = {};

/**
 * Anthropic, or a host that speaks its Messages API as it does. The base URL may end in `/v1` or not: Anthropic's own SDK leaves
 * it out, other tools have it in.
 */
export function createAnthropicConnector(options: ConnectorOptions): Connector {
  const prefix = (options.baseUrl ?? BASE_URL).endsWith("/v1") ? "" : "/v1";
  const messages = `${prefix}/messages`;
  const line = anthropicLine(QUIRKS, messages, {
    counter: anthropicCounter(QUIRKS, `${messages}/count_tokens`),
  });
  return createHttpConnector(options, {
    baseUrl: BASE_URL,
    lineFor: () => line,
    capabilities: (target) => anthropicCapabilities(QUIRKS, target.model),
    authorize: apiKeyHeader,
    headers: () => ({ "anthropic-version": VERSION }),
    models: { path: `${prefix}/models?limit=1000`, line },
  });
}
