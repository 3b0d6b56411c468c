/** The built binary with Vertex AI behind it: a fake upstream, and tokens for a service account. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type OpenAI from "openai";

import { type FakeUpstream, type Lane, startFakeUpstream } from "./fake-upstream.ts";
import { type Gateway, makeDirectory, startGateway } from "./gateway.ts";
import { serviceAccount, startTokenServer, type TokenServer } from "./google-account.ts";
import { createClient } from "./sdk.ts";

export type VertexRig = {
  readonly gateway: Gateway;
  readonly key: string;
  /** The official SDK with that key. */
  readonly sdk: OpenAI;
  /** What stands in for Google. */
  readonly lane: Lane;
  readonly tokens: TokenServer;
  stop(): Promise<void>;
};

function route(name: string, model: string, more = ""): string {
  const table = `models.${name}.primary`;
  return `[${table}]
provider = "Vertex"
provider_model_id = "${model}"
${more}
[${table}.retry]
max_retries = 1
backoff_ms = 1
`;
}

/** Starts it, with the models `gemini`, `flash` (of another project and region) and `claude`, which are tried twice. */
export async function startVertexRig(): Promise<VertexRig> {
  const tokens = startTokenServer();
  const upstream: FakeUpstream = startFakeUpstream();
  const lane = upstream.lane("vertex");
  const directory = makeDirectory();
  const credentials = join(directory, "account.json");
  writeFileSync(credentials, serviceAccount(tokens.url));
  const stopRest = async (): Promise<void> => {
    await upstream.stop();
    await tokens.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const gateway = await startGateway({
      config: [
        "[breaker]\nfailures = 1000000\nmin_requests = 1000000",
        `[providers.vertex]\nbase_url = "${lane.url}"\ncredentials = "${credentials}"`,
        route("gemini", "publishers/google/models/gemini-3-pro-preview"),
        route("flash", "gemini-2.5-flash", 'region = "europe-west4"\nproject = "other"\n'),
        route("claude", "publishers/anthropic/models/claude-sonnet-4-5@20250929"),
      ].join("\n"),
    });
    const { key } = await gateway.makeKey();
    return {
      gateway,
      key,
      sdk: createClient(`${gateway.url}/v1`, key),
      lane,
      tokens,
      async stop() {
        await gateway.stop();
        await stopRest();
      },
    };
  } catch (error) {
    await stopRest();
    throw error;
  }
}
