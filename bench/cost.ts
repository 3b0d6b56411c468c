/**
 * Processor time of the gateway's own process, beside that of the bare proxy. The two take turns, since other work on the
 * machine comes and goes; the ratio is the median over the turns.
 */
import type { Figure } from "./figure.ts";
import type { Field, Load, Subject } from "./field.ts";
import { cpuMicroseconds } from "./proc.ts";
import { median } from "./statistics.ts";
import { PLAIN, streamModel } from "./workload.ts";

const CLIENTS = 32;
const REQUESTS = 3_000;
const STREAMS = 200;
/** The first turns warm the compilers up and do not count. */
const WARM_UP = 20;

/** Fifty events a second for two seconds: slow enough that each event travels alone. */
export const COST_PACE = { chunks: 100, everyMs: 20 };

/** Microseconds per plain request. */
export async function benchRequests(field: Field, rounds: number): Promise<readonly Figure[]> {
  return compare(
    "processor time a plain request",
    field,
    rounds,
    (subject) => subject.load(PLAIN, ["plain", CLIENTS, REQUESTS]),
    (load) => load.answered,
    2,
  );
}

/** Microseconds per event of a stream; the proxy passes bytes on without reading them. */
export async function benchEvents(field: Field, rounds: number): Promise<readonly Figure[]> {
  return compare(
    "processor time a streamed event",
    field,
    rounds,
    (subject) => subject.load(streamModel(COST_PACE), ["streams", STREAMS]),
    (load) => load.events,
  );
}

async function compare(
  what: string,
  { gateway, proxy }: Field,
  rounds: number,
  run: (subject: Subject) => Promise<Load>,
  countOf: (load: Load) => number,
  most?: number,
): Promise<readonly Figure[]> {
  const costs = { gateway: [] as number[], proxy: [] as number[], ratio: [] as number[] };
  for (let round = -WARM_UP; round < rounds; round += 1) {
    // Each goes first as often as the other: whoever comes second finds the machine busy with what the first one has left.
    const order = round % 2 === 0 ? [gateway, proxy] : [proxy, gateway];
    const found = new Map<Subject, number>();
    for (const subject of order) found.set(subject, await costOf(subject, run, countOf));
    const mine = found.get(gateway) ?? Number.NaN;
    const bare = found.get(proxy) ?? Number.NaN;
    if (round < 0) continue;
    costs.gateway.push(mine);
    costs.proxy.push(bare);
    costs.ratio.push(mine / bare);
  }
  return [
    {
      what,
      value: median(costs.gateway),
      unit: "µs",
      against: { what: "bare proxy", value: median(costs.proxy) },
    },
    {
      what: `${what}: times the bare proxy's`,
      value: median(costs.ratio),
      unit: "×",
      ...(most === undefined ? {} : { most }),
    },
  ];
}

/** Microseconds of the process for each of what was counted. Throws if a request failed. */
export async function costOf(
  subject: Subject,
  run: (subject: Subject) => Promise<Load>,
  countOf: (load: Load) => number,
): Promise<number> {
  const before = cpuMicroseconds(subject.pid);
  const load = await run(subject);
  const after = cpuMicroseconds(subject.pid);
  if (load.failed > 0) throw new Error(`${load.failed} requests failed: ${load.faults}`);
  return (after - before) / countOf(load);
}
