import { aKey } from "../../contract/records.ts";
import { capable } from "../../support/capable.ts";
import type { Connector, UpstreamMessage } from "../../../src/connectors/connector.ts";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import type { ChatEvent } from "../../../src/connectors/hub/event.ts";
import type { ChatRequest } from "../../../src/connectors/hub/request.ts";
import { createAbort } from "../../../src/server/gateway/abort.ts";
import type { Exchange } from "../../../src/server/gateway/exchange.ts";
import type { KeyRecord } from "../../../src/server/store/store.ts";

/** A key without limits, changed as a test needs it. */
export function keyRecord(changes: Partial<KeyRecord> = {}): KeyRecord {
  return aKey(1, { rpm: 0, createdAt: 0, ...changes });
}

/** A clock that stands still until it is told to go on. Unix milliseconds. */
export function fixedClock(): {
  (): number;
  advance(ms: number): void;
} {
  let now = Date.UTC(2026, 0, 15, 12);
  return Object.assign(() => now, {
    advance(ms: number) {
      now += ms;
    },
  });
}

/** Circuits that open after three failures in a row and close after one probe. */
export const BREAKER = {
  failures: 3,
  failureRate: 1,
  minRequests: 1000,
  windowMs: 60_000,
  cooldownMs: 30_000,
  probes: 1,
  successes: 1,
};

/** A provider's 429. */
export const limited = (retryAfterMs?: number): ChatError =>
  new ChatError("rate-limited", "slow down", {
    origin: "provider",
    retryHere: true,
    tryElsewhere: true,
    retryAfterMs,
  });

/** One user message, streamed or not. */
export function chatRequest(changes: Partial<ChatRequest> = {}): ChatRequest {
  return {
    model: "fast",
    system: [],
    messages: [{ role: "user", parts: [{ type: "text", text: "What is the tallest mountain?" }] }],
    tools: [],
    sampling: {},
    stop: [],
    stream: true,
    streamUsage: false,
    unmapped: [],
    source: { dialect: "openai-chat", text: "{}", body: {} },
    ...changes,
  };
}

/** An exchange of that key which nobody cuts short. */
export function exchange(changes: Partial<Exchange> = {}): Exchange {
  return {
    id: "0198a000-0000-7000-8000-00000000aaaa",
    requestId: "req_test",
    caller: keyRecord(),
    headers: new Headers(),
    abort: createAbort(),
    startedAt: Date.UTC(2026, 0, 15, 12),
    arrivedAt: 0,
    deadline: Number.POSITIVE_INFINITY,
    end: Number.POSITIVE_INFINITY,
    provider: "",
    providerModel: "",
    attempts: 0,
    committed: false,
    givenUp: false,
    dropped: new Set(),
    limits: undefined,
    meter: undefined,
    head: undefined,
    ...changes,
  };
}

/** What a scripted provider does on one call: events, then perhaps an error. */
export type Script = { readonly events?: readonly ChatEvent[]; readonly error?: unknown };

/** The events of a short answer. */
export const ANSWER: readonly ChatEvent[] = [
  { type: "start", id: "a", model: "m" },
  { type: "text-start", index: 0 },
  { type: "text-delta", index: 0, text: "Mount Everest" },
  { type: "text-end", index: 0 },
  { type: "usage", usage: { inputTokens: 12, outputTokens: 3, source: "reported" } },
  { type: "finish", reason: "stop" },
];

/** A connector that follows one script a call, the last one for ever, and keeps what it was asked. */
export function scripted(
  name: string,
  scripts: readonly Script[],
): Connector & { readonly calls: number; readonly requests: readonly ChatRequest[] } {
  let calls = 0;
  const requests: ChatRequest[] = [];
  const next = (request: ChatRequest): Script => {
    requests.push(request);
    calls += 1;
    return scripts[Math.min(calls, scripts.length) - 1] ?? {};
  };
  return {
    name,
    get calls() {
      return calls;
    },
    requests,
    async *chat(request): AsyncGenerator<UpstreamMessage> {
      const { events = [], error } = next(request);
      for (const event of events) yield { events: [event] };
      if (error !== undefined) throw error;
    },
    complete(request): Promise<UpstreamMessage> {
      const { events = [], error } = next(request);
      return error === undefined ? Promise.resolve({ events }) : Promise.reject(error);
    },
    capabilities: capable,
    close() {},
  };
}
