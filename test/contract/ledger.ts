/**
 * The exact ledger, on any store: gateways are killed at random moments under load, and afterwards the books are held against
 * what the provider itself has seen. Nothing is missing, nothing is there twice, and every figure is the provider's.
 */
import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { JsonObject } from "../../src/connectors/hub/json.ts";
import { BINARY } from "../support/binary.ts";
import { configText, PATIENT } from "../support/config-text.ts";
import { startFakeUpstream, type UpstreamCall } from "../support/fake-upstream.ts";
import { makeDirectory, startGateway, type Gateway } from "../support/gateway.ts";
import { parseMetrics, sumOf } from "../support/prometheus.ts";
import { open, post } from "../support/raw-client.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { chunk, event, lastChunk, PROVIDER_MODEL, reply, usageChunk } from "../support/samples.ts";
import { waitFor, within } from "../support/wait-for.ts";
import { text } from "../support/json.ts";

export type LedgerStore = {
  /** DATABASE_URL of a gateway in a folder; undefined is its own. */
  readonly url?: string;
  /** Every row of `usage_logs`; integers as numbers. */
  rows(gateway: Gateway): Promise<readonly JsonObject[]>;
  close(): Promise<void>;
};

const LIVES = 6;
const WORKERS = 24;
const PRICES = `[prices.chat]\ninput = 3\noutput = 15\n${PATIENT}`;

/** How a request of this number goes. Every seventh is refused by the first provider, and so goes to the second. */
function planOf(number: number) {
  return {
    isStreamed: number % 2 === 1,
    fails: number % 7 === 0,
    isLeft: number % 11 === 5,
    waitMs: number % 5 === 0 ? 20 : 0,
    tokens: { input: 10 + (number % 13), output: 3 + (number % 17) },
  };
}

export function ledgerContract(name: string, openStore: () => Promise<LedgerStore>): void {
  test(`${name}: killed at random moments under load, the books agree with the provider's`, async () => {
    const store = await openStore();
    const upstream = startFakeUpstream();
    const directory = makeDirectory();
    /** What the provider has seen: how often it was asked for each request. */
    const asked = new Map<string, number>();
    const answer = (call: UpstreamCall, isFirst: boolean): Promise<Response> => {
      const id = /kill-\d+/.exec(call.text)?.[0] ?? "";
      asked.set(id, (asked.get(id) ?? 0) + 1);
      return answerOf(planOf(Number(id.slice(5))), isFirst);
    };
    upstream.lane("first").answer((call) => answer(call, true));
    upstream.lane("second").answer((call) => answer(call, false));
    const start = (binary = BINARY): Promise<Gateway> =>
      startGateway({
        directory,
        binary,
        ...(store.url === undefined ? {} : { env: { DATABASE_URL: store.url } }),
        config: configText({
          more: PRICES,
          providers: {
            first: { kind: "openai-compatible", url: upstream.lane("first").url },
            second: { kind: "openai-compatible", url: upstream.lane("second").url },
          },
          models: {
            chat: [
              { provider: "first", model: PROVIDER_MODEL },
              { provider: "second", model: PROVIDER_MODEL },
            ],
          },
        }),
      });

    try {
      /** Requests of which a client has had the whole answer. */
      const answered = new Set<string>();
      let key: string | undefined;
      let number = 1;
      for (let life = 0; life < LIVES; life++) {
        const gateway = await start();
        key ??= (await gateway.makeKey()).key;
        const off = new AbortController();
        const until = answered.size + 20;
        const workers = Array.from({ length: WORKERS }, () =>
          work(gateway, key ?? "", () => number++, answered, off.signal),
        );
        await waitFor("some answers", () => answered.size >= until, 20_000);
        // At any moment: no two runs are alike, and none may fail.
        await Bun.sleep(Math.random() * 400);
        gateway.signal("SIGKILL");
        off.abort();
        await within("the workers", Promise.all(workers));
        await gateway.exited;
        await startAndDie(directory, start);
      }

      const last = await start();
      try {
        await waitFor("the journal to be empty", async () => {
          const page = await (await fetch(`${last.url}/metrics`)).text();
          return sumOf(parseMetrics(page), "xjp_usage_journal_pending") === 0;
        });
        compare(await store.rows(last), asked, answered);
        // A kill in the middle of a write leaves half a line, of which nobody was told that it is kept.
        const errors = last
          .log()
          .split("\n")
          .filter((line) => line.includes(" error "));
        expect(errors.filter((line) => !line.includes("1 row was cut off"))).toEqual([]);
      } finally {
        await last.stop();
      }
    } finally {
      await upstream.stop();
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    }
  }, 120_000);
}

/** A gateway that is killed while it starts, with what the one before has left in its hands. */
async function startAndDie(
  directory: string,
  start: (binary: string) => Promise<Gateway>,
): Promise<void> {
  const script = join(directory, "short-lived.sh");
  const seconds = (0.01 + Math.random() * 0.09).toFixed(3);
  writeFileSync(script, `#!/bin/sh\nexec timeout -s KILL ${seconds} ${BINARY} "$@"\n`, {
    mode: 0o755,
  });
  try {
    // It may become ready before it dies.
    await (
      await start(script)
    ).exited;
  } catch (thrown) {
    expect(String(thrown)).toContain("xjp serve ended with");
  }
}

async function answerOf(plan: ReturnType<typeof planOf>, isFirst: boolean): Promise<Response> {
  if (plan.fails && isFirst) return jsonReply('{"error":{"message":"no"}}', 500);
  if (plan.waitMs > 0) await Bun.sleep(plan.waitMs);
  if (!plan.isStreamed) return jsonReply(reply("word", plan.tokens));
  return streamReply([
    event(chunk("one ")),
    event(chunk("two ")),
    event(chunk("three")),
    event(lastChunk()) + event(usageChunk(plan.tokens)) + event("[DONE]"),
  ]);
}

/** Asks and asks until the gateway is dead. */
async function work(
  gateway: Gateway,
  key: string,
  next: () => number,
  answered: Set<string>,
  off: AbortSignal,
): Promise<void> {
  while (!off.aborted) {
    const number = next();
    const { isStreamed, isLeft } = planOf(number);
    const id = `kill-${number}`;
    const headers = { "x-request-id": id };
    const body = {
      model: "chat",
      messages: [{ role: "user", content: id }],
      ...(isStreamed ? { stream: true, stream_options: { include_usage: true } } : {}),
    };
    try {
      if (isStreamed && isLeft) {
        const stream = await open(gateway.url, key, body, headers);
        await stream.until("one");
        stream.leave();
        continue;
      }
      const told = await post(gateway.url, key, body, headers);
      const isWhole = !isStreamed || told.text.endsWith("data: [DONE]\n\n");
      if (told.status === 200 && isWhole) answered.add(id);
    } catch {
      // The gateway died under it: the client does not have the answer.
      return;
    }
  }
}

function compare(
  rows: readonly JsonObject[],
  asked: ReadonlyMap<string, number>,
  answered: ReadonlySet<string>,
): void {
  const byRequest = new Map(rows.map((row) => [text(row["request_id"]), row]));
  // Nothing twice, nothing missing: neither what the provider has seen nor what a client has got.
  expect(rows.length - byRequest.size).toBe(0);
  expect([...asked.keys()].filter((id) => !byRequest.has(id))).toEqual([]);
  expect([...answered].filter((id) => byRequest.get(id)?.["status"] !== "ok")).toEqual([]);

  const statuses = new Set<string>();
  for (const [id, row] of byRequest) {
    const { tokens, fails } = planOf(Number(id.slice(5)));
    const { status } = row;
    statuses.add(text(status));
    expect(["ok", "cancelled", "lost"]).toContain(text(status));
    expect(Number.isInteger(row["cost_nano_usd"])).toBe(true);
    // Only what was noted on its way to the provider may be unknown there.
    if (!asked.has(id)) expect([id, status]).toEqual([id, "lost"]);
    if (status === "lost") {
      expect(row).toMatchObject({ status_code: 500, logical_model: "chat" });
      expect(Number(row["input_tokens"])).toBeGreaterThan(0);
      expect(Number(row["attempts"])).toBeGreaterThanOrEqual(asked.get(id) ?? 0);
      continue;
    }
    expect([id, row["attempts"], row["provider"]]).toEqual([
      id,
      asked.get(id) ?? 0,
      fails ? "second" : "first",
    ]);
    if (status === "ok") {
      expect(row).toMatchObject({
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        cost_nano_usd: tokens.input * 3_000 + tokens.output * 15_000,
      });
    }
  }
  // Each kind of end has been there, or nothing was shown of it.
  expect([...statuses].toSorted()).toEqual(["cancelled", "lost", "ok"]);
}
