/** Targets that follow scripts, and a gateway's way through them. */
import type { Connector, UpstreamMessage } from "../../../src/connectors/connector.ts";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import type { ChatEvent } from "../../../src/connectors/hub/event.ts";
import type { ChatRequest } from "../../../src/connectors/hub/request.ts";
import type { Recovery } from "../../../src/server/config/config.ts";
import { answerWhole } from "../../../src/server/gateway/answer.ts";
import { createBreaker } from "../../../src/server/gateway/breaker.ts";
import type { Route } from "../../../src/server/gateway/catalog.ts";
import type { Exchange } from "../../../src/server/gateway/exchange.ts";
import { createMeter } from "../../../src/server/gateway/meter.ts";
import { answerStream } from "../../../src/server/gateway/recovery.ts";
import type { UsageRow } from "../../../src/server/store/store.ts";
import { capable } from "../../support/capable.ts";
import { BREAKER, type Script, chatRequest, exchange, fixedClock, scripted } from "./_setup.ts";
import { createVault, VAULT_LIMITS } from "../../../src/server/gateway/vault.ts";

const TIMEOUTS = { connectMs: 1000, headersMs: 1000, firstEventMs: 1000, idleMs: 1000 };

/** A route without retries to a target that can do everything but go on with an answer. */
export function route(
  provider: string,
  changes: Partial<Pick<Route, "retry" | "timeoutMs">> & {
    stated?: Route["ability"]["stated"];
  } = {},
): Route {
  const { stated, ...rest } = changes;
  return {
    id: `${provider}/m`,
    provider,
    model: "m",
    timeoutMs: 60_000,
    retry: { maxRetries: 0, backoffMs: 0 },
    ability: { known: capable(), stated: { prefill: false, ...stated } },
    ...rest,
  };
}

export type RunChanges = {
  readonly stream?: boolean;
  readonly exchange?: Exchange;
  readonly recovery?: Recovery;
  readonly maxAttempts?: number;
  readonly request?: Partial<ChatRequest>;
};

/** What a client got, and what stands in the books. */
export type Ran = {
  readonly text: string;
  readonly events: readonly ChatEvent[];
  /** Types of the events. */
  readonly seen: readonly string[];
  readonly error: ChatError | undefined;
  readonly exchange: Exchange;
  readonly row: UsageRow;
};

/** Scripts by provider; a provider's calls follow its list, the last one for ever. */
export function setup(scripts: Readonly<Record<string, readonly Script[]>>) {
  const clock = fixedClock();
  const connectors = Object.fromEntries(
    Object.entries(scripts).map(([name, list]) => [name, scripted(name, list)]),
  );
  const attempts: string[] = [];
  const breaker = createBreaker({ config: () => BREAKER, clock });
  const run = async (routes: readonly Route[], changes: RunChanges = {}): Promise<Ran> => {
    const record = changes.exchange ?? exchange();
    const request = chatRequest({ stream: changes.stream ?? true, ...changes.request });
    const meter = createMeter(request, record, {}, clock);
    const events: ChatEvent[] = [];
    let error: ChatError | undefined;
    const asking = {
      request,
      routes,
      exchange: record,
      meter,
      vault: createVault({ ...VAULT_LIMITS, clock }),
      deps: {
        connectors: new Map<string, Connector>(Object.entries(connectors)),
        breaker,
        timeouts: TIMEOUTS,
        maxAttempts: changes.maxAttempts ?? 100,
        clock,
        random: () => 0.5,
        begin: () => Promise.resolve(),
        onAttempt: (provider: string, outcome: string) =>
          void attempts.push(`${provider}:${outcome}`),
        onMalformed: (provider: string) => void attempts.push(`${provider}:malformed`),
      },
    };
    const see = (message: UpstreamMessage): void => void events.push(...message.events);
    try {
      if (!request.stream) see(await answerWhole(asking));
      else
        for await (const message of answerStream(asking, changes.recovery ?? "error")) see(message);
    } catch (thrown) {
      if (!(thrown instanceof ChatError)) throw thrown;
      error = thrown;
    }
    return {
      text: events.map((event) => (event.type === "text-delta" ? event.text : "")).join(""),
      events,
      seen: events.map((event) => event.type),
      error,
      exchange: record,
      row: meter.close(error ? "cut" : "ok", error),
    };
  };
  return { run, clock, connectors, attempts, breaker };
}
