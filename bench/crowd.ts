/** Many at once: a thousand streams, and four hundred clients that ask again and again. */
import type { Figure } from "./figure.ts";
import type { Field, Load } from "./field.ts";
import { memoryMegabytes, timeWaitSockets } from "./proc.ts";
import { PLAIN, streamModel } from "./workload.ts";

const STREAMS = 1_000;
const CLIENTS = 400;
const CLIENTS_MS = 4_000;

/** Ten events a second for three seconds. */
export const CROWD_PACE = { chunks: 30, everyMs: 100 };

/** A thousand paced streams through the gateway, all begun at once. */
export async function benchStreams({ gateway }: Field): Promise<readonly Figure[]> {
  const load = await gateway.load(streamModel(CROWD_PACE), ["streams", STREAMS]);
  tellFaults(load);
  return [
    { what: `${STREAMS} streams at once: failed`, value: load.failed, unit: "", most: 0 },
    {
      what: `${STREAMS} streams at once: slowest first event`,
      value: load.firstEventWorstMs,
      unit: "ms",
      most: 1_000,
      against: { what: "median", value: load.firstEventMedianMs },
    },
    {
      what: `${STREAMS} streams at once: gateway's memory, most`,
      value: memoryMegabytes(gateway.pid).most,
      unit: "MB",
    },
    {
      what: `${STREAMS} streams at once: events delivered`,
      value: load.events / load.seconds,
      unit: "/s",
    },
  ];
}

/** Plain requests without pause; counts the sockets that are left over. */
export async function benchSockets({ gateway, upstream }: Field): Promise<readonly Figure[]> {
  const before = {
    all: timeWaitSockets([gateway.port, upstream.port]),
    provider: timeWaitSockets([upstream.port]),
  };
  const load = await gateway.load(PLAIN, ["plain-for", CLIENTS, CLIENTS_MS]);
  tellFaults(load);
  return [
    { what: `${CLIENTS} clients: failed`, value: load.failed, unit: "", most: 0 },
    { what: `${CLIENTS} clients: requests`, value: load.answered / load.seconds, unit: "/s" },
    {
      what: `${CLIENTS} clients: sockets in TIME_WAIT afterwards`,
      value: timeWaitSockets([gateway.port, upstream.port]) - before.all,
      unit: "",
      most: 1_000,
      against: {
        what: "toward the provider",
        value: timeWaitSockets([upstream.port]) - before.provider,
      },
    },
    {
      what: `${CLIENTS} clients: gateway's memory, most`,
      value: memoryMegabytes(gateway.pid).most,
      unit: "MB",
    },
  ];
}

function tellFaults(load: Load): void {
  if (load.failed > 0) process.stderr.write(`failed: ${load.faults}\n`);
}
