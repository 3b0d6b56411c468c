import type { Capabilities } from "./capabilities.ts";
import type { Connector, ConnectorOptions } from "./connector.ts";
import { createHttpConnector } from "./http-connector.ts";
import { bearer, openaiChatCapabilities, openaiChatLine } from "./openai-chat-line.ts";
import { profiles } from "./profiles.ts";

/**
 * A host that speaks OpenAI's Chat Completions: one of `profiles.ts`, or any other at `baseUrl`, which is then taken to do what
 * OpenAI documents. Throws Error when it is neither.
 */
export function createOpenAICompatibleConnector(options: ConnectorOptions): Connector {
  const { name } = options;
  const profile =
    options.profile !== undefined && Object.hasOwn(profiles, options.profile)
      ? profiles[options.profile]
      : undefined;
  if (options.profile !== undefined && profile === undefined) {
    throw new Error(`providers.${name}.profile: no profile named ${options.profile}`);
  }
  const baseUrl = options.baseUrl ?? profile?.baseUrl;
  if (baseUrl === undefined) {
    throw new Error(`providers.${name}: set base_url or profile, so that there is a host to ask`);
  }
  const quirks = profile?.quirks ?? {};
  const line = openaiChatLine(quirks, { refuses: profile?.refuses ?? [] });
  // A host that nobody here knows may be another gateway to makers of such reasoning.
  const isIndifferent = profile !== undefined && quirks.reasoningField !== "reasoning_details";
  const capabilities: Capabilities = {
    ...openaiChatCapabilities(quirks),
    ...(isIndifferent ? { reasoningFamily: "none" } : {}),
  };
  return createHttpConnector(options, {
    baseUrl,
    lineFor: () => line,
    capabilities: () => capabilities,
    authorize: bearer,
    models: { path: profile?.models ?? "/models", line },
  });
}
