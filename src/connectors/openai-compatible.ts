import type { Connector, ConnectorOptions } from "./connector.ts";
import { createHttpConnector } from "./http-connector.ts";
import { openaiChatParts } from "./openai-chat-parts.ts";
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
  return createHttpConnector(options, {
    ...openaiChatParts(profile?.quirks ?? {}, profile?.refuses),
    baseUrl,
    modelsPath: profile?.models ?? "/models",
  });
}
