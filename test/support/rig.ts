/** A gateway with two fake providers behind it, for tests of behaviour rather than of recordings. */
import type OpenAI from "openai";

import { configText, PATIENT, type ProviderText, type RouteText } from "./config-text.ts";
import { startFakeUpstream, type Lane } from "./fake-upstream.ts";
import { startGateway, type Gateway } from "./gateway.ts";
import { PROVIDER_MODEL } from "./samples.ts";
import { createClient } from "./sdk.ts";

export type RigOptions = {
  /** TOML to stand first in the configuration. */
  readonly more?: string;
  /** Further providers and models. */
  readonly providers?: Readonly<Record<string, ProviderText>>;
  readonly models?: Readonly<Record<string, readonly RouteText[]>>;
};

export type Rig = {
  readonly gateway: Gateway;
  /** An unlimited key of tenant `tests`. */
  readonly key: string;
  /** Behind the models `chat` (no retries) and `safe` (two retries, then `second`). */
  readonly first: Lane;
  /** Behind `safe`, when `first` fails. */
  readonly second: Lane;
  /** The official SDK with that key. */
  readonly sdk: OpenAI;
  stop(): Promise<void>;
};

/** Starts it; `first` is of kind openrouter, `second` of kind openai-compatible. */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const upstream = startFakeUpstream();
  const first = upstream.lane("first");
  const second = upstream.lane("second");
  try {
    const gateway = await startGateway({
      config: configText({
        more: `${PATIENT}\n${options.more ?? ""}`,
        providers: {
          first: { kind: "openrouter", url: first.url },
          second: { kind: "openai-compatible", url: second.url },
          ...options.providers,
        },
        models: {
          chat: [{ provider: "first", model: PROVIDER_MODEL }],
          safe: [
            { provider: "first", model: PROVIDER_MODEL, retries: 2 },
            { provider: "second", model: PROVIDER_MODEL },
          ],
          ...options.models,
        },
      }),
    });
    const { key } = await gateway.makeKey();
    return {
      gateway,
      key,
      first,
      second,
      sdk: createClient(`${gateway.url}/v1`, key),
      async stop() {
        await gateway.stop();
        await upstream.stop();
      },
    };
  } catch (error) {
    await upstream.stop();
    throw error;
  }
}

/** A request for one of the rig's models. */
export function chatBody(
  model = "chat",
  stream = false,
): {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly stream?: true;
  readonly stream_options?: { readonly include_usage: true };
} {
  return {
    model,
    messages: [{ role: "user", content: "Say something." }],
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}
