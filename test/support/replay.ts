/** A fake provider and a gateway in front of it, set up so that every recorded exchange has a model that leads to it. */
import type { JsonObject } from "../../src/connectors/hub/json.ts";
import { configText, PATIENT, type ProviderText, type RouteText } from "./config-text.ts";
import { startFakeUpstream, type Lane } from "./fake-upstream.ts";
import { startGateway, type Gateway } from "./gateway.ts";
import type { Exchange } from "./recordings.ts";

/** Where one exchange is replayed. */
export type Stage = {
  readonly lane: Lane;
  /** The model's name at the gateway. */
  readonly model: string;
};

export type Replay = {
  readonly gateway: Gateway;
  /** A key of the gateway. */
  readonly key: string;
  /** The stage of this number for an exchange; stages of different numbers do not disturb each other. */
  stage(exchange: Exchange, number?: number): Stage;
  stop(): Promise<void>;
};

/** Starts both, with `stages` lanes for each folder. */
export async function startReplay(exchanges: readonly Exchange[], stages = 1): Promise<Replay> {
  const upstream = startFakeUpstream();
  const providers: Record<string, ProviderText> = {};
  const models: Record<string, readonly RouteText[]> = {};
  for (const exchange of exchanges) {
    for (let number = 0; number < stages; number += 1) {
      const provider = `${exchange.folder}-${number}`;
      providers[provider] = {
        kind: exchange.folder === "openrouter" ? "openrouter" : "openai-compatible",
        url: upstream.lane(provider).url,
      };
      models[logicalName(exchange, number)] = [{ provider, model: exchange.body.model }];
    }
  }
  try {
    const gateway = await startGateway({
      config: configText({ more: PATIENT, providers, models }),
    });
    const { key } = await gateway.makeKey("replay");
    return {
      gateway,
      key,
      stage: (exchange, number = 0) => ({
        lane: upstream.lane(`${exchange.folder}-${number}`),
        model: logicalName(exchange, number),
      }),
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

/** The chunks as the provider sent them: the gateway's name for the model taken back wherever `logical` stands. */
export function withoutLogicalModel(
  chunks: readonly JsonObject[],
  logical: string,
  original: readonly JsonObject[],
): readonly JsonObject[] {
  return chunks.map((chunk, index) =>
    chunk["model"] === logical ? { ...chunk, model: original[index]?.["model"] } : chunk,
  );
}

function logicalName(exchange: Exchange, number: number): string {
  return `${exchange.folder}-${number}/${exchange.body.model}`;
}
