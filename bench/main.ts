/**
 * Measures the built binary on loopback and holds the figures against what is promised.
 *
 *     bun bench/main.ts [--json] [--quick] [start] [limits] [sockets] [requests] [events] [streams]
 *
 * Without names every bench runs. Exits with 1 when a promise is not kept.
 */
import { parseArgs } from "node:util";

import { benchEvents, benchRequests, COST_PACE } from "./cost.ts";
import { benchSockets, benchStreams, CROWD_PACE } from "./crowd.ts";
import { startField, type Field } from "./field.ts";
import { describeFigures, isKept, type Figure } from "./figure.ts";
import { benchLimits } from "./limits.ts";
import { benchServe, benchVersion } from "./start.ts";

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  options: {
    json: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const rounds = values.quick ? 5 : 15;

/** Those that need the field. Sockets come first: those that other benches leave would die, and be subtracted, meanwhile. */
const FIELD_BENCHES: Readonly<Record<string, (field: Field) => Promise<readonly Figure[]>>> = {
  sockets: benchSockets,
  requests: (field) => benchRequests(field, rounds),
  events: (field) => benchEvents(field, Math.ceil(rounds / 3)),
  streams: benchStreams,
};

const OWN = ["start", "limits"];
const unknown = positionals.filter((name) => !OWN.includes(name) && !(name in FIELD_BENCHES));
if (unknown.length > 0) {
  const names = [...OWN, ...Object.keys(FIELD_BENCHES)].join(", ");
  process.stderr.write(`bench: no bench named ${unknown.join(", ")}; there are ${names}\n`);
  process.exit(2);
}
const isWanted = (name: string): boolean => positionals.length === 0 || positionals.includes(name);

const figures: Figure[] = [];
if (isWanted("start")) {
  tell("start");
  figures.push(...benchVersion(20), ...(await benchServe(values.quick ? 3 : 10)));
}
if (isWanted("limits")) {
  tell("limits");
  figures.push(...(await benchLimits(rounds)));
}
const wanted = Object.entries(FIELD_BENCHES).filter(([name]) => isWanted(name));
if (wanted.length > 0) {
  const field = await startField([COST_PACE, CROWD_PACE]);
  try {
    for (const [name, bench] of wanted) {
      tell(name);
      figures.push(...(await bench(field)));
    }
  } finally {
    await field.stop();
  }
}

process.stdout.write(
  values.json ? `${JSON.stringify({ figures }, undefined, 2)}\n` : `${describeFigures(figures)}\n`,
);
process.exitCode = figures.every(isKept) ? 0 : 1;

function tell(name: string): void {
  process.stderr.write(`bench: ${name}\n`);
}
