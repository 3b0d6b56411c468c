/** How long the program takes to begin, and what it holds when it has nothing to do. */
import { existsSync, rmSync } from "node:fs";

import { BINARY, cleanEnvironment } from "../test/support/binary.ts";
import { makeDirectory, startGateway } from "../test/support/gateway.ts";
import type { Figure } from "./figure.ts";
import { memoryMegabytes } from "./proc.ts";
import { median } from "./statistics.ts";

const IDLE_MS = 2_000;

/** `xjp --version`, beside a program that does nothing. */
export function benchVersion(times: number): readonly Figure[] {
  const own: number[] = [];
  const nothing: number[] = [];
  for (let time = 0; time < times; time += 1) {
    own.push(timeOf([BINARY, "--version"]));
    nothing.push(timeOf([existsSync("/bin/true") ? "/bin/true" : "/usr/bin/true"]));
  }
  return [
    {
      what: "xjp --version",
      value: median(own),
      unit: "ms",
      most: 20,
      against: { what: "true", value: median(nothing) },
    },
  ];
}

/** `xjp serve` from start to the first answered /readyz, on a new database and on an old one, and its memory at rest. */
export async function benchServe(times: number): Promise<readonly Figure[]> {
  const fresh: number[] = [];
  const known: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const directory = makeDirectory();
    try {
      fresh.push(await startOnce(directory));
      known.push(await startOnce(directory));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return [
    {
      what: "xjp serve, start to /readyz",
      value: median(known),
      unit: "ms",
      most: 150,
      against: { what: "with a new database", value: median(fresh) },
    },
    { what: "xjp serve, memory at rest", value: await memoryAtRest(), unit: "MB", most: 100 },
  ];
}

async function startOnce(directory: string): Promise<number> {
  const before = performance.now();
  const gateway = await startGateway({ directory });
  const passed = performance.now() - before;
  await gateway.stop();
  return passed;
}

async function memoryAtRest(): Promise<number> {
  const gateway = await startGateway();
  try {
    await Bun.sleep(IDLE_MS);
    return memoryMegabytes(gateway.pid).now;
  } finally {
    await gateway.stop();
  }
}

function timeOf(command: string[]): number {
  const before = performance.now();
  const { exitCode } = Bun.spawnSync(command, { env: cleanEnvironment() });
  const passed = performance.now() - before;
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}`);
  return passed;
}
