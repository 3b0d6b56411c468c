/** The field that the benches run on: a fake provider, the built gateway and a bare proxy before it, and load on either. */
import { isJsonObject } from "../src/connectors/hub/json.ts";
import { configText } from "../test/support/config-text.ts";
import { startGateway, type Gateway } from "../test/support/gateway.ts";
import { runProgram, startServer, type Server } from "./child.ts";
import { PLAIN, streamModel, type Pace } from "./workload.ts";

export type Load = {
  readonly answered: number;
  readonly failed: number;
  readonly events: number;
  readonly seconds: number;
  readonly firstEventMedianMs: number;
  readonly firstEventP99Ms: number;
  readonly firstEventWorstMs: number;
  /** What went wrong how often, as JSON. */
  readonly faults: string;
};

/** What stands under test: the gateway, or the proxy that it is measured against. */
export type Subject = {
  readonly pid: number;
  readonly port: number;
  /** Runs the load generator against it; words as in load.ts. */
  load(model: string, words: readonly (string | number)[]): Promise<Load>;
};

export type Field = {
  readonly gateway: Subject;
  readonly proxy: Subject;
  readonly upstream: Server;
  stop(): Promise<void>;
};

/** Starts all of it; `paces` are the streams that will be asked for. */
export async function startField(paces: readonly Pace[]): Promise<Field> {
  const upstream = await startServer("upstream.ts");
  const url = `http://127.0.0.1:${upstream.port}/v1`;
  const proxy = await startServer("bare-proxy.ts", [`${url}/chat/completions`]);
  const models = [PLAIN, ...paces.map(streamModel)];
  const gateway = await startGateway({
    config: configText({
      providers: { bench: { kind: "openrouter", url } },
      models: Object.fromEntries(models.map((model) => [model, [{ provider: "bench", model }]])),
    }),
  });
  const { key } = await gateway.makeKey("bench");
  return {
    gateway: createSubject(gateway.pid, portOf(gateway), key),
    proxy: createSubject(proxy.pid, proxy.port, key),
    upstream,
    async stop() {
      await gateway.stop();
      await proxy.stop();
      await upstream.stop();
    },
  };
}

/** The server of that process, asked with that key. */
export function createSubject(pid: number, port: number, key: string): Subject {
  return {
    pid,
    port,
    async load(model, words) {
      const line = [String(port), key, model, ...words.map(String)];
      return toLoad(await runProgram("load.ts", line));
    },
  };
}

export function portOf(gateway: Gateway): number {
  return Number(new URL(gateway.url).port);
}

function toLoad(printed: unknown): Load {
  if (!isJsonObject(printed)) throw new Error(`the load generator printed ${String(printed)}`);
  const read = (field: string): number => Number(printed[field]);
  return {
    answered: read("answered"),
    failed: read("failed"),
    events: read("events"),
    seconds: read("seconds"),
    firstEventMedianMs: read("firstEventMedianMs"),
    firstEventP99Ms: read("firstEventP99Ms"),
    firstEventWorstMs: read("firstEventWorstMs"),
    faults: JSON.stringify(printed["faults"]),
  };
}
