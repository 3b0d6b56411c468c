import type { ChatError } from "../../connectors/hub/error.ts";
import type { ChatEvent } from "../../connectors/hub/event.ts";
import { estimateLength, estimateTokens } from "../../connectors/hub/estimate.ts";
import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Usage } from "../../connectors/hub/usage.ts";
import type { PriceConfig } from "../config/config.ts";
import type { Present } from "../roster.ts";
import type { UsageRow, UsageStatus } from "../store/store.ts";
import { estimateInput } from "./estimate.ts";
import type { Exchange } from "./exchange.ts";
import { costOf } from "./pricing.ts";

/** Watches one answer go by and writes its line in the books. */
export type Meter = Present & {
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
  draft(): UsageRow;
};

type OwnMeter = Meter & {
  readonly request: ChatRequest;
  readonly exchange: Exchange;
  readonly prices: Readonly<Record<string, PriceConfig>>;
  readonly clock: () => number;
  finished: boolean;
  usage: Usage | undefined;
  /** Unix milliseconds. */
  firstTokenAt: number | undefined;
  // Kept only to be counted if the provider never reports: appending is cheap, counting is not.
  text: string;
  reasoning: string;
  /** What came last: a sample of the answer's script. */
  latest: string;
  /** By the gateway's own count, once it was asked for. */
  inputTokens: number | undefined;
  /** What earlier attempts have used and cost. */
  earlier: readonly Spent[];
};

/** `clock` gives Unix milliseconds. */
export function createMeter(
  request: ChatRequest,
  exchange: Exchange,
  prices: Readonly<Record<string, PriceConfig>>,
  clock: () => number,
): Meter {
  const meter: OwnMeter = {
    request,
    exchange,
    prices,
    clock,
    finished: false,
    usage: undefined,
    firstTokenAt: undefined,
    text: "",
    reasoning: "",
    latest: "",
    inputTokens: undefined,
    earlier: NONE,
    place: undefined,
    // Shared by all meters rather than made for each.
    observe,
    turn,
    total,
    close,
    draft,
  };
  return meter;
}

const NONE: readonly Spent[] = [];

function observe(this: OwnMeter, events: readonly ChatEvent[]): void {
  for (const event of events) {
    switch (event.type) {
      case "text-delta":
        this.text += event.text;
        this.latest = event.text;
        this.firstTokenAt ??= this.clock();
        break;
      case "reasoning-delta":
        this.reasoning += event.text;
        this.latest = event.text;
        this.firstTokenAt ??= this.clock();
        break;
      case "tool-start":
        this.text += event.name;
        this.firstTokenAt ??= this.clock();
        break;
      case "tool-delta":
        this.text += event.arguments;
        this.latest = event.arguments;
        break;
      case "usage":
        this.usage = event.usage;
        break;
      case "start":
        this.usage = event.usage ?? this.usage;
        break;
      case "finish":
        this.finished = true;
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
}

function turn(this: OwnMeter): void {
  this.earlier = [...this.earlier, priced(this, settled(this))];
  this.usage = undefined;
  this.finished = false;
  this.text = "";
  this.reasoning = "";
  this.latest = "";
}

function total(this: OwnMeter): Usage | undefined {
  return this.usage === undefined ? undefined : all(this, this.usage).usage;
}

function close(this: OwnMeter, status: UsageStatus, error?: ChatError): UsageRow {
  const spent = all(this, settled(this));
  return error
    ? rowOf(this, spent, status, error.traits.status, error.message.slice(0, 1000))
    : rowOf(this, spent, status, 200, null);
}

function draft(this: OwnMeter): UsageRow {
  return rowOf(this, all(this, settledSoFar(this)), "lost", LOST_STATUS, LOST_MESSAGE);
}

function estimatedInput(meter: OwnMeter): number {
  return (meter.inputTokens ??= estimateInput(meter.request));
}

/** What the answer used: what the provider reported, and the gateway's own count of what it did not. */
function settled(meter: OwnMeter): Usage {
  const { usage, text, reasoning, finished } = meter;
  if (usage !== undefined && finished) return usage;
  const isAnswered = usage !== undefined || text !== "" || reasoning !== "" || finished;
  if (!isAnswered && !meter.exchange.givenUp) return NOTHING;
  const reasoningTokens = estimateTokens(reasoning);
  const outputTokens = estimateTokens(text) + reasoningTokens;
  if (usage !== undefined) return atLeast(usage, outputTokens);
  const inputTokens = estimatedInput(meter);
  return { inputTokens, outputTokens, reasoningTokens, source: "estimated" };
}

/** The same for an answer that may go on. A request that has gone out is charged for its input, also without an answer. */
function settledSoFar(meter: OwnMeter): Usage {
  const { usage, text, reasoning, latest, finished } = meter;
  const outputTokens = estimateLength(text.length + reasoning.length, latest);
  if (usage !== undefined) return finished ? usage : atLeast(usage, outputTokens);
  return { inputTokens: estimatedInput(meter), outputTokens, source: "estimated" };
}

/** What it used, with its price at the target of the latest attempt. */
function priced({ request, exchange, prices }: OwnMeter, usage: Usage): Spent {
  const { provider, providerModel } = exchange;
  return { usage, costNanoUsd: costOf(usage, prices, request.model, provider, providerModel) };
}

/** All attempts together, the latest with what it `used`. */
function all(meter: OwnMeter, used: Usage): Spent {
  const latest = priced(meter, used);
  return meter.earlier.length === 0 ? latest : sum([...meter.earlier, latest]);
}

function rowOf(
  { request, exchange, clock, firstTokenAt }: OwnMeter,
  { usage, costNanoUsd }: Spent,
  status: UsageStatus,
  statusCode: number,
  errorMessage: string | null,
): UsageRow {
  return {
    id: exchange.id,
    apiKeyId: exchange.caller.id,
    tenantId: exchange.caller.tenantId,
    logicalModel: request.model,
    provider: exchange.provider,
    providerModelId: exchange.providerModel,
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    cacheReadTokens: usage.cacheReadTokens ?? 0,
    cacheWriteTokens: usage.cacheWriteTokens ?? 0,
    reasoningTokens: usage.reasoningTokens ?? 0,
    estimated: usage.source === "estimated",
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
  };
}

type Spent = { readonly usage: Usage; readonly costNanoUsd: number };

/** Several attempts as one. */
function sum(spent: readonly Spent[]): Spent {
  const [only] = spent;
  if (only && spent.length === 1) return only;
  const add = (count: (usage: Usage) => number | undefined): number =>
    spent.reduce((amount, { usage }) => amount + (count(usage) ?? 0), 0);
  const costNanoUsd = spent.reduce((amount, one) => amount + one.costNanoUsd, 0);
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
