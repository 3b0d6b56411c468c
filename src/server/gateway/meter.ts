import type { ChatError } from "../../connectors/hub/error.ts";
import type { ChatEvent } from "../../connectors/hub/event.ts";
import { estimateLength, estimateTokens } from "../../connectors/hub/estimate.ts";
import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Usage } from "../../connectors/hub/usage.ts";
import type { PriceConfig } from "../config/config.ts";
import type { UsageRow, UsageStatus } from "../store/store.ts";
import { estimateInput } from "./estimate.ts";
import type { Exchange } from "./exchange.ts";
import { costOf } from "./pricing.ts";

/** Watches one answer go by and writes its line in the books. */
export type Meter = {
  observe(events: readonly ChatEvent[]): void;
  /** What was observed since the last turn was an attempt that is over, and another one follows: both count. */
  turn(): void;
  /** What all attempts have used so far, or undefined if that would be a guess. */
  total(): Usage | undefined;
  /** True once the answer is complete, whatever becomes of the connection afterwards. */
  readonly finished: boolean;
  /** The row for this request. `error` is what ended it, if it did not end well. */
  close(status: UsageStatus, error?: ChatError): UsageRow;
  /** The row that this request leaves if the process dies now. Cheap, however long the answer has become. */
  readonly draft: () => UsageRow;
};

/** `clock` gives Unix milliseconds. */
export function createMeter(
  request: ChatRequest,
  exchange: Exchange,
  prices: Readonly<Record<string, PriceConfig>>,
  clock: () => number,
): Meter {
  let usage: Usage | undefined;
  let firstTokenAt: number | undefined;
  // Kept only to be counted if the provider never reports: appending is cheap, counting is not.
  let text = "";
  let reasoning = "";
  /** What came last: a sample of the answer's script. */
  let latest = "";
  let inputTokens: number | undefined;
  /** What earlier attempts have used and cost. */
  const earlier: Spent[] = [];

  const estimatedInput = (): number => (inputTokens ??= estimateInput(request));

  /** What the answer used: what the provider reported, and the gateway's own count of what it did not. */
  const settle = (): Usage => {
    if (usage !== undefined && meter.finished) return usage;
    if (usage === undefined && text === "" && reasoning === "" && !meter.finished) return NOTHING;
    const reasoningTokens = estimateTokens(reasoning);
    const outputTokens = estimateTokens(text) + reasoningTokens;
    if (usage === undefined)
      return { inputTokens: estimatedInput(), outputTokens, reasoningTokens, source: "estimated" };
    return atLeast(usage, outputTokens);
  };

  /** The same for an answer that may go on. A request that has gone out is charged for its input, also without an answer. */
  const settleSoFar = (): Usage => {
    const outputTokens = estimateLength(text.length + reasoning.length, latest);
    if (usage === undefined)
      return { inputTokens: estimatedInput(), outputTokens, source: "estimated" };
    return meter.finished ? usage : atLeast(usage, outputTokens);
  };

  /** What it used, with its price at the target of the latest attempt. */
  const priced = (used: Usage): Spent => ({
    usage: used,
    costNanoUsd: costOf(used, prices, request.model, exchange.provider, exchange.providerModel),
  });

  /** All attempts together, the latest with what it `used`. */
  const all = (used: Usage): Spent =>
    earlier.length === 0 ? priced(used) : sum([...earlier, priced(used)]);

  const rowOf = (
    { usage: settled, costNanoUsd }: Spent,
    status: UsageStatus,
    statusCode: number,
    errorMessage: string | null,
  ): UsageRow => ({
    id: exchange.id,
    apiKeyId: exchange.caller.id,
    tenantId: exchange.caller.tenantId,
    logicalModel: request.model,
    provider: exchange.provider,
    providerModelId: exchange.providerModel,
    inputTokens: settled.inputTokens,
    outputTokens: settled.outputTokens,
    cacheReadTokens: settled.cacheReadTokens ?? 0,
    cacheWriteTokens: settled.cacheWriteTokens ?? 0,
    reasoningTokens: settled.reasoningTokens ?? 0,
    estimated: settled.source === "estimated",
    costNanoUsd,
    latencyMs: clock() - exchange.startedAt,
    timeToFirstTokenMs:
      request.stream && firstTokenAt !== undefined ? firstTokenAt - exchange.startedAt : null,
    statusCode,
    status,
    errorMessage,
    requestId: exchange.requestId,
    stream: request.stream,
    attempts: exchange.attempts,
    createdAt: exchange.startedAt,
  });

  const meter: Meter & { finished: boolean } = {
    finished: false,
    observe(events) {
      for (const event of events) {
        switch (event.type) {
          case "text-delta":
            text += event.text;
            latest = event.text;
            firstTokenAt ??= clock();
            break;
          case "reasoning-delta":
            reasoning += event.text;
            latest = event.text;
            firstTokenAt ??= clock();
            break;
          case "tool-start":
            text += event.name;
            firstTokenAt ??= clock();
            break;
          case "tool-delta":
            text += event.arguments;
            latest = event.arguments;
            break;
          case "usage":
            usage = event.usage;
            break;
          case "start":
            usage = event.usage ?? usage;
            break;
          case "finish":
            meter.finished = true;
            break;
          case "text-start":
          case "text-end":
          case "reasoning-start":
          case "reasoning-signature":
          case "reasoning-end":
          case "tool-end":
          case "annotation":
          case "logprobs":
          case "media":
            break;
        }
      }
    },
    turn() {
      earlier.push(priced(settle()));
      usage = undefined;
      meter.finished = false;
      text = "";
      reasoning = "";
      latest = "";
    },
    total() {
      if (usage === undefined) return undefined;
      return earlier.length === 0 ? usage : all(usage).usage;
    },
    close(status, error) {
      return error
        ? rowOf(all(settle()), status, error.traits.status, error.message.slice(0, 1000))
        : rowOf(all(settle()), status, 200, null);
    },
    draft: () => rowOf(all(settleSoFar()), "lost", LOST_STATUS, LOST_MESSAGE),
  };
  return meter;
}

type Spent = { readonly usage: Usage; readonly costNanoUsd: number };

/** Several attempts as one. */
function sum(spent: readonly Spent[]): Spent {
  const [only] = spent;
  if (only && spent.length === 1) return only;
  const add = (count: (usage: Usage) => number | undefined): number =>
    spent.reduce((total, { usage }) => total + (count(usage) ?? 0), 0);
  const costNanoUsd = spent.reduce((total, one) => total + one.costNanoUsd, 0);
  return {
    usage: {
      inputTokens: add((usage) => usage.inputTokens),
      outputTokens: add((usage) => usage.outputTokens),
      cacheReadTokens: add((usage) => usage.cacheReadTokens),
      cacheWriteTokens: add((usage) => usage.cacheWriteTokens),
      reasoningTokens: add((usage) => usage.reasoningTokens),
      source: spent.some(({ usage }) => usage.source === "estimated") ? "estimated" : "reported",
    },
    costNanoUsd,
  };
}

/** Nothing was answered, so nothing is charged. */
const NOTHING: Usage = { inputTokens: 0, outputTokens: 0, source: "reported" };

/** What a client would have been told of it. */
const LOST_STATUS = 500;
const LOST_MESSAGE = "the gateway's process ended under this request";

/**
 * A provider reports what it has used so far at a stream's begin, and the whole only at its end. Of a stream that did not get
 * there, the output that was seen counts, and the provider's figure for the cost is not the last word.
 */
function atLeast(usage: Usage, outputTokens: number): Usage {
  if (outputTokens <= usage.outputTokens) return usage;
  const { costNanoUsd: _, ...rest } = usage;
  return { ...rest, outputTokens, source: "estimated" };
}
