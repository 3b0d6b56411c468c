/**
 * Puts load on a loopback port and prints what became of it as JSON. Its words: port, key, model, and
 * `plain CONNECTIONS REQUESTS`, `plain-for CONNECTIONS MILLISECONDS` or `streams CONNECTIONS`.
 */
import { connect, requestBytes, type Answer } from "./connection.ts";
import { median, percentile } from "./statistics.ts";
import { requestBody } from "./workload.ts";

const [port = "", key = "", model = "", mode = "", connections = "", amount = ""] =
  process.argv.slice(2);
const request = requestBytes(Number(port), key, requestBody(model, mode === "streams"));
const startedAt = performance.now();
let asked = 0;

const firstEvents: number[] = [];
let answered = 0;
let failed = 0;
let events = 0;
const faults = new Map<string, number>();

await Promise.all(Array.from({ length: Number(connections) }, work));

process.stdout.write(
  JSON.stringify({
    answered,
    failed,
    events,
    seconds: (performance.now() - startedAt) / 1000,
    firstEventMedianMs: median(firstEvents),
    firstEventP99Ms: percentile(firstEvents, 0.99),
    firstEventWorstMs: Math.max(0, ...firstEvents),
    faults: Object.fromEntries(faults),
  }),
);

async function work(): Promise<void> {
  const before = performance.now();
  try {
    const connection = await connect(Number(port));
    try {
      if (mode === "streams") note(await connection.ask(request), before);
      else while (isWanted()) note(await connection.ask(request), before);
    } finally {
      connection.close();
    }
  } catch (error) {
    fail(error instanceof Error ? error.message : "no error");
  }
}

/** Whether this connection shall ask once more. */
function isWanted(): boolean {
  asked += 1;
  if (mode === "plain-for") return performance.now() - startedAt < Number(amount);
  return asked <= Number(amount);
}

function note(answer: Answer, before: number): void {
  const whole = mode !== "streams" || answer.tail.includes("[DONE]");
  if (answer.status !== 200 || !whole) {
    fail(answer.status === 200 ? "a stream without its end" : `status ${answer.status}`);
    return;
  }
  answered += 1;
  events += answer.events;
  if (mode === "streams") firstEvents.push(answer.firstEventAt - before);
}

function fail(what: string): void {
  failed += 1;
  faults.set(what, (faults.get(what) ?? 0) + 1);
}
