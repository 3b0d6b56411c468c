/** Several gateways of the built binary that share a database, and Redis if it is given, before one fake provider. */
import { join } from "node:path";
import { rmSync } from "node:fs";

import { configText, PATIENT } from "./config-text.ts";
import { type Lane, startFakeUpstream } from "./fake-upstream.ts";
import { type Gateway, makeDirectory, startGateway } from "./gateway.ts";
import { jsonReply } from "./reply.ts";
import { chatBody } from "./rig.ts";
import { PROVIDER_MODEL, reply } from "./samples.ts";

export type Fleet = {
  readonly gateways: readonly Gateway[];
  /** The first of them. */
  readonly first: Gateway;
  readonly upstream: Lane;
  /** Sends so many requests at once, spread over all gateways, and gives their statuses. */
  crowd(
    key: string,
    count: number,
    headers?: Readonly<Record<string, string>>,
  ): Promise<readonly number[]>;
  /** Stops one of them and starts another with the same storage. */
  restart(index: number): Promise<void>;
  stop(): Promise<void>;
};

export type FleetOptions = {
  readonly size: number;
  /** Without it an SQLite file that all of them use. */
  readonly database?: string;
  readonly redis?: string;
  /** More TOML for all of them. */
  readonly more?: string;
};

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const folder = makeDirectory();
  const provider = startFakeUpstream();
  const upstream = provider.lane("only");
  upstream.answer(() => jsonReply(reply("Hello.", { input: 3, output: 2 })));
  const gateways: Gateway[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await provider.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const start = (index: number): Promise<Gateway> =>
    startGateway({
      env: {
        DATABASE_URL: options.database ?? `sqlite:${join(folder, "xjp.db")}`,
        ...(options.redis === undefined ? {} : { REDIS_URL: options.redis }),
      },
      config: configText({
        more: `${PATIENT}\n[usage]\njournal_dir = ${JSON.stringify(join(folder, `usage-${index}`))}\n${options.more ?? ""}`,
        providers: { only: { kind: "openai-compatible", url: upstream.url } },
        models: { chat: [{ provider: "only", model: PROVIDER_MODEL }] },
      }),
    });
  try {
    for (let index = 0; index < options.size; index += 1) gateways.push(await start(index));
  } catch (error) {
    await stop();
    throw error;
  }
  const firstOf = (): Gateway => {
    const [first] = gateways;
    if (!first) throw new Error("a fleet has at least one gateway");
    return first;
  };
  return {
    gateways,
    get first() {
      return firstOf();
    },
    upstream,
    async restart(index) {
      await gateways[index]?.stop();
      gateways[index] = await start(index);
    },
    async crowd(key, count, headers = {}) {
      const asked = Array.from({ length: count }, async (_, index) => {
        const gateway = gateways[index % gateways.length] ?? firstOf();
        const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
          method: "POST",
          headers: {
            authorization: `Bearer ${key}`,
            "content-type": "application/json",
            ...headers,
          },
          body: JSON.stringify(chatBody()),
        });
        await answer.arrayBuffer();
        return answer.status;
      });
      return await Promise.all(asked);
    },
    stop,
  };
}

/** How many of the statuses are this one. */
export function countOf(statuses: readonly number[], status: number): number {
  return statuses.filter((each) => each === status).length;
}
