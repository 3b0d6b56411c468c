/** A thousand random schedules of faults: whatever happens, there is one ending, no word twice, and the books are right. */
import { afterAll, beforeAll, expect, test } from "bun:test";

import { type JsonObject } from "../../src/connectors/hub/json.ts";
import { readUsageRows } from "../support/usage-rows.ts";
import { waitFor } from "../support/wait-for.ts";
import { type Door, DOORS } from "./_doors.ts";
import {
  type Act,
  answers,
  INPUT_TOKENS,
  type Logged,
  resets,
  says,
  sendsHeadOnly,
  staysSilent,
  TEXT,
  WORDS,
} from "./_provider.ts";
import { PATIENT } from "../support/config-text.ts";
import { billed, type FaultRig, type Sent, startFaultRig } from "./_rig.ts";

const SCHEDULES = 1000;
const LANES = 16;
const MOST_ATTEMPTS = 8;
const DEADLINE_MS = 10_000;
const SEED = Number(process.env["XJP_FAULT_SEED"] ?? 20_261_125);

const TIMERS = `[timeouts]
connect_ms = 1000
headers_ms = 600
first_event_ms = 600
idle_ms = 600
total_ms = ${DEADLINE_MS}
[retry]
max_attempts = ${MOST_ATTEMPTS}`;

type Named = { readonly name: string; readonly act: Act; readonly early: boolean };

type Schedule = {
  readonly door: Door;
  readonly stream: boolean;
  readonly recovery: "error" | "buffer" | "continue";
  readonly one: readonly Named[];
  readonly two: readonly Named[];
};

const GOOD: Named = { name: "good", act: answers(), early: true };

let rig: FaultRig;

beforeAll(async () => {
  const goesOn = "capabilities = { prefill = true }";
  const models = Array.from({ length: LANES }, (_, lane) => [
    `lane${lane}`,
    { routes: [goesOn, goesOn] },
  ]);
  rig = await startFaultRig(Object.fromEntries(models), `${TIMERS}\n${PATIENT}`);
});

afterAll(async () => {
  await rig.stop();
});

test("a thousand random schedules keep every promise", async () => {
  const random = createRandom(SEED);
  const schedules = Array.from({ length: SCHEDULES }, () => draw(random));
  const results: { readonly schedule: Schedule; readonly sent: Sent }[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: LANES }, async (_, lane) => {
      for (let schedule = schedules[next++]; schedule; schedule = schedules[next++]) {
        const { one, two, door, stream, recovery } = schedule;
        const model = `lane${lane}`;
        rig.one.acts(model, ...one.map(({ act }) => act));
        rig.two.acts(model, ...two.map(({ act }) => act));
        const headers = { "x-xjp-recovery": recovery };
        results.push({ schedule, sent: await rig.send(model, { door, stream, headers }) });
      }
    }),
  );
  const rows = await waitFor(
    "all usage rows",
    () => {
      const found = readUsageRows(rig.gateway.database);
      return found.length >= SCHEDULES && found;
    },
    10_000,
  );
  expect(rows).toHaveLength(SCHEDULES);
  const byId = new Map(rows.map((row) => [row["request_id"], row]));
  const faults = results.flatMap(({ schedule, sent }) => {
    const row = byId.get(sent.requestId);
    const broken = row ? brokenPromises(schedule, sent, row) : ["it has no usage row"];
    return broken.map((promise) => `${promise}: ${describe(schedule, sent, row)}`);
  });
  expect(faults).toEqual([]);
  // None of it would mean much if all had gone well, or nothing had.
  const good = results.filter(({ sent }) => sent.goodEnds === 1).length;
  expect(good).toBeGreaterThan(SCHEDULES / 2);
  expect(SCHEDULES - good).toBeGreaterThan(SCHEDULES / 20);
  expect(rig.gateway.log()).not.toMatch(/unhandled|panic/i);
}, 180_000);

function brokenPromises(schedule: Schedule, sent: Sent, row: JsonObject): readonly string[] {
  const calls = [...sent.one, ...sent.two];
  const broken: string[] = [];
  const promise = (what: string, holds: boolean): void => void (holds || broken.push(what));
  const isGood = sent.goodEnds === 1;
  const attempts = Number(row["attempts"]);
  const [input, output, cost] = ["input_tokens", "output_tokens", "cost_nano_usd"].map((name) =>
    Number(row[name]),
  );

  promise("exactly one ending", sent.goodEnds + sent.errors.length === 1);
  promise("no word twice and none out of place", TEXT.startsWith(sent.text));
  promise("a good end has all of the text", !isGood || sent.text === TEXT);
  promise("an error is no success", isGood || sent.status !== 200 || schedule.stream);
  promise("the row knows the end", (row["status"] === "ok") === isGood);
  promise("attempts within the budget", attempts <= MOST_ATTEMPTS);
  promise("the row counts the requests that providers got", calls.length === attempts);
  promise("within the deadline", sent.ms < DEADLINE_MS + 1000);
  promise("nothing said, nothing paid", calls.some(hasSpoken) || cost === 0);
  if (row["estimated"] === 0 && isGood) {
    // Of an attempt that broke off before the gateway had read a word of it, nothing is known.
    const known = billed(...calls.filter((call) => call.reported));
    promise(
      "the ledger equals the providers' log",
      input === known["input_tokens"] &&
        output === known["output_tokens"] &&
        cost === known["cost_nano_usd"],
    );
  } else {
    const counted = calls.filter((call) => call.reported || (call.stream && hasSpoken(call)));
    const words = counted.reduce((sum, { words: each }) => sum + each, 0);
    promise("an estimate is near the providers' log", (output ?? 0) <= words * 1.5 + 10);
    promise("its input too", (input ?? 0) <= counted.length * (INPUT_TOKENS + 80));
  }
  promise("what can succeed does", isGood || !mustSucceed(schedule));
  return broken;
}

function hasSpoken({ words }: Logged): boolean {
  return words > 0;
}

/** Whether nothing on the way to a provider that is well forbids success. */
function mustSucceed({ one, two, stream, recovery }: Schedule): boolean {
  if (two.some(({ name }) => name !== "good")) return false;
  if (one.some(({ name }) => name === "bad request")) return false;
  return !stream || recovery !== "error" || one.every((each) => each.early);
}

function draw(random: () => number): Schedule {
  const pick = <Value>(values: readonly Value[]): Value => {
    const value = values[Math.floor(random() * values.length)];
    if (value === undefined) throw new Error("nothing to pick from");
    return value;
  };
  const fault = (): Named => {
    const kind = random();
    if (kind < 0.12) return early("500", says(500));
    if (kind < 0.22) return early("503", says(503));
    if (kind < 0.3) return early("429", says(429, { "retry-after-ms": "20" }));
    if (kind < 0.36) return early("529", says(529));
    if (kind < 0.46) return early("reset", resets);
    if (kind < 0.49) return early("silent", staysSilent);
    if (kind < 0.52) return early("head only", sendsHeadOnly);
    if (kind < 0.56) return early("bad request", says(400));
    const how = kind < 0.7 ? "cut" : kind < 0.82 ? "end" : kind < 0.95 ? "error" : "stall";
    const after = Math.floor(random() * WORDS.length);
    return {
      name: `${how} after ${after}`,
      act: answers({ fault: { after, how, aheadMs: 10 } }),
      early: after === 0,
    };
  };
  const acts = (): readonly Named[] => {
    const faults = Array.from({ length: Math.floor(random() * 4) }, fault);
    return random() < 0.7 ? [...faults, GOOD] : [...faults, fault()];
  };
  return {
    door: pick(DOORS),
    stream: random() < 0.8,
    recovery: pick(["error", "buffer", "continue"] as const),
    one: acts(),
    two: random() < 0.5 ? [GOOD] : acts(),
  };
}

function early(name: string, act: Act): Named {
  return { name, act, early: true };
}

function names(acts: readonly Named[]): string {
  return acts.map(({ name }) => name).join(", ");
}

function describe(schedule: Schedule, sent: Sent, row: JsonObject | undefined): string {
  const { door, stream, recovery, one, two } = schedule;
  return [
    `${door.name}, ${stream ? "streamed" : "whole"}, ${recovery}`,
    `one: ${names(one)}; two: ${names(two)}`,
    `status ${sent.status}, ${sent.goodEnds} good ends, ${JSON.stringify(sent.errors)}`,
    `${Math.round(sent.ms)} ms, ${sent.text.split(" ").length - 1} words`,
    `words of one: ${sent.one.map(({ words }) => words).join(" ")}; of two: ${sent.two.map(({ words }) => words).join(" ")}`,
    `row ${JSON.stringify(row)}`,
  ].join(" | ");
}

/** Mulberry32: the same numbers in [0, 1) for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
