/** One model of one provider, whose answers are a word, while something else goes away. */
import { configText } from "../support/config-text.ts";
import { type FakeUpstream, startFakeUpstream } from "../support/fake-upstream.ts";
import type { Gateway } from "../support/gateway.ts";
import { post } from "../support/raw-client.ts";
import { jsonReply } from "../support/reply.ts";
import { chatBody } from "../support/rig.ts";
import { PROVIDER_MODEL, reply } from "../support/samples.ts";

/** Starts the provider. */
export function startWordUpstream(): FakeUpstream {
  const upstream = startFakeUpstream();
  upstream.lane("first").answer(() => jsonReply(reply("word", { input: 7, output: 1 })));
  return upstream;
}

/** The configuration of a gateway in front of it, behind more TOML. */
export function configOf(upstream: FakeUpstream, more = ""): string {
  return configText({
    more,
    providers: { first: { kind: "openai-compatible", url: upstream.lane("first").url } },
    models: { chat: [{ provider: "first", model: PROVIDER_MODEL }] },
  });
}

/** Asks once; the status of the answer. */
export async function ask(gateway: Gateway, key: string, id?: string): Promise<number> {
  const headers = id === undefined ? {} : { "x-request-id": id };
  return (await post(gateway.url, key, chatBody(), headers)).status;
}
