/**
 * What limits add to a request's processor time: a key without any beside one with every limit of a key, its tenant and its model,
 * on the same gateway, in turns. Once counted in memory, once in Redis where there is a server.
 */
import { configText } from "../test/support/config-text.ts";
import { startGateway } from "../test/support/gateway.ts";
import { isWithoutRedis, startRedis } from "../test/support/redis.ts";
import { startServer } from "./child.ts";
import { costOf } from "./cost.ts";
import { createSubject, portOf } from "./field.ts";
import type { Figure } from "./figure.ts";
import { median } from "./statistics.ts";
import { PLAIN } from "./workload.ts";

const CLIENTS = 32;
const REQUESTS = 4_000;
const WARM_UP = 2;
/** The logical model that has limits; its provider answers as for the other. */
const LIMITED = "limited";

/** Far above what a bench reaches, and all on. */
const LIMITS = `rpm = 100000000
rpd = 1000000000
tpm = 1000000000
tokens_per_day = 100000000000
budget_usd_per_day = 1000000
budget_usd_per_month = 1000000
concurrency = 10000
`;
const FLAGS =
  "--rpm 100000000 --rpd 1000000000 --tpm 1000000000 --tokens-per-day 100000000000 --budget 1000000 --budget-per-day 1000000 --concurrency 10000";

export async function benchLimits(rounds: number): Promise<readonly Figure[]> {
  const figures = [await compare("in memory", rounds, {})];
  if (isWithoutRedis()) return figures;
  const redis = await startRedis();
  try {
    figures.push(await compare("in Redis", rounds, { REDIS_URL: redis.url }));
  } finally {
    await redis.remove();
  }
  return figures;
}

async function compare(
  where: string,
  rounds: number,
  env: Readonly<Record<string, string>>,
): Promise<Figure> {
  const upstream = await startServer("upstream.ts");
  const gateway = await startGateway({
    env,
    config: configText({
      more: `[prices.${LIMITED}]\ninput = 1\noutput = 5\n[tenants.limited]\n${LIMITS}[models.${LIMITED}.limits]\n${LIMITS}`,
      providers: { bench: { kind: "openrouter", url: `http://127.0.0.1:${upstream.port}/v1` } },
      models: {
        [PLAIN]: [{ provider: "bench", model: PLAIN }],
        [LIMITED]: [{ provider: "bench", model: PLAIN }],
      },
    }),
  });
  try {
    const free = await gateway.makeKey("free");
    const limited = await gateway.makeKey("limited", FLAGS.split(" "));
    const without = createSubject(gateway.pid, portOf(gateway), free.key);
    const within = createSubject(gateway.pid, portOf(gateway), limited.key);
    const costs = { without: [] as number[], added: [] as number[] };
    for (let round = -WARM_UP; round < rounds; round += 1) {
      const plain = await costOf(without, (subject) => ask(subject, PLAIN), answered);
      const full = await costOf(within, (subject) => ask(subject, LIMITED), answered);
      if (round < 0) continue;
      costs.without.push(plain);
      costs.added.push(full - plain);
    }
    return {
      what: `processor time that 21 limits add to a request, counted ${where}`,
      value: median(costs.added),
      unit: "µs",
      against: { what: "a request without", value: median(costs.without) },
    };
  } finally {
    await gateway.stop();
    await upstream.stop();
  }
}

function ask(subject: ReturnType<typeof createSubject>, model: string) {
  return subject.load(model, ["plain", CLIENTS, REQUESTS]);
}

function answered(load: { readonly answered: number }): number {
  return load.answered;
}
