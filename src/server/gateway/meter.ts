import type { ChatError } from "../../connectors/hub/error.ts";
import type { ChatEvent } from "../../connectors/hub/event.ts";
import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Usage } from "../../connectors/hub/usage.ts";
import type { PriceConfig } from "../config/config.ts";
import type { UsageRow, UsageStatus } from "../store/store.ts";
import { estimateInput, estimateTokens } from "./estimate.ts";
import type { Exchange } from "./exchange.ts";
import { costOf } from "./pricing.ts";

/** Watches one answer go by and writes its line in the books. */
export type Meter = {
  observe(events: readonly ChatEvent[]): void;
  /** True once the answer is complete, whatever becomes of the connection afterwards. */
  readonly finished: boolean;
  /** The row for this request. `error` is what ended it, if it did not end well. */
  close(status: UsageStatus, error?: ChatError): UsageRow;
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
  let finished = false;
  // Kept only to be counted if the provider never reports: appending is cheap, counting is not.
  let text = "";
  let reasoning = "";

  return {
    get finished() {
      return finished;
    },
    observe(events) {
      for (const event of events) {
        switch (event.type) {
          case "text-delta":
            text += event.text;
            firstTokenAt ??= clock();
            break;
          case "reasoning-delta":
            reasoning += event.text;
            firstTokenAt ??= clock();
            break;
          case "tool-start":
            text += event.name;
            firstTokenAt ??= clock();
            break;
          case "tool-delta":
            text += event.arguments;
            break;
          case "usage":
            usage = event.usage;
            break;
          case "start":
            usage = event.usage ?? usage;
            break;
          case "finish":
            finished = true;
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
    close(status, error) {
      const answered = text !== "" || reasoning !== "" || finished;
      const settled = usage ?? (answered ? estimate(request, text, reasoning) : NOTHING);
      const now = clock();
      return {
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
        costNanoUsd: costOf(
          settled,
          prices,
          request.model,
          exchange.provider,
          exchange.providerModel,
        ),
        latencyMs: now - exchange.startedAt,
        timeToFirstTokenMs:
          request.stream && firstTokenAt !== undefined ? firstTokenAt - exchange.startedAt : null,
        statusCode: error ? error.traits.status : 200,
        status,
        errorMessage: error ? error.message.slice(0, 1000) : null,
        requestId: exchange.requestId,
        stream: request.stream,
        attempts: exchange.attempts,
        createdAt: exchange.startedAt,
      };
    },
  };
}

/** Nothing was answered, so nothing is charged. */
const NOTHING: Usage = { inputTokens: 0, outputTokens: 0, source: "reported" };

function estimate(request: ChatRequest, text: string, reasoning: string): Usage {
  const reasoningTokens = estimateTokens(reasoning);
  return {
    inputTokens: estimateInput(request),
    outputTokens: estimateTokens(text) + reasoningTokens,
    reasoningTokens,
    source: "estimated",
  };
}
