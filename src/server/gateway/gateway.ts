/**
 * The one pipeline that every request goes through, whatever door it came in by: check, admit, route, try, meter, settle. It
 * awaits nothing but the provider and, at the end, that the usage row is in its journal.
 */
import type { UpstreamMessage } from "../../connectors/connector.ts";
import { type ChatError, toChatError } from "../../connectors/hub/error.ts";
import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Config } from "../config/config.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { UsageRow, UsageStatus } from "../store/store.ts";
import type { Catalog, Plan } from "./catalog.ts";
import { checkRequest } from "./checks.ts";
import type { Exchange } from "./exchange.ts";
import { answerWhole, type Asking } from "./answer.ts";
import type { FailoverDeps } from "./failover.ts";
import type { Admission, Limiter } from "./limits.ts";
import { createMeter, type Meter } from "./meter.ts";
import { entrantOf } from "./most.ts";
import { answerStream, readRecovery } from "./recovery.ts";
import type { Vault } from "./vault.ts";

export type Gateway = {
  /**
   * Streams the answer to one request. Throws ChatError, before the first message as well as in the middle. The exchange's fields
   * are filled in as things happen; the usage row is written before the iteration ends.
   */
  chat(request: ChatRequest, exchange: Exchange): AsyncGenerator<UpstreamMessage, void, undefined>;
  /** The same for an answer in one piece. */
  complete(request: ChatRequest, exchange: Exchange): Promise<UpstreamMessage>;
};

export type GatewayDeps = FailoverDeps & {
  readonly catalog: Catalog;
  readonly limiter: Limiter;
  readonly vault: Vault;
  readonly metrics: Metrics;
  readonly config: Pick<Config, "limits" | "prices" | "rateLimiting">;
  /**
   * Keeps a usage row for good, and what was noted of it no longer; the answer ends when it has. Must not throw, and must wait
   * for nothing but the local disk.
   */
  readonly record: (row: UsageRow, meter: Meter) => Promise<void> | void;
};

/** A request whose books are open. */
type Opened = Asking & { readonly admission: Admission };

export function createGateway(deps: GatewayDeps): Gateway {
  /** Everything that can refuse a request before it costs anything. */
  const enter = (request: ChatRequest, exchange: Exchange) => {
    try {
      checkRequest(request, deps.config.limits);
      const plan = deps.catalog.plan(request, exchange.caller, exchange.headers);
      const recovery = readRecovery(exchange.headers) ?? plan.recovery;
      const admission = deps.limiter.admit(
        entrantOf(request, exchange.caller, plan, deps.config),
        (state) => {
          exchange.limits = state;
        },
      );
      return { plan, recovery, admission };
    } catch (thrown) {
      throw refuse(exchange, thrown);
    }
  };

  /** Counts a request that goes no further, and gives back what it was thrown for. */
  const refuse = (exchange: Exchange, thrown: unknown): unknown => {
    const { status } = toChatError(thrown).traits;
    const seconds = (performance.now() - exchange.arrivedAt) / 1000;
    deps.metrics.refused(exchange.caller.tenantId, status, seconds);
    return thrown;
  };

  const wait = async (admission: Promise<Admission>, exchange: Exchange): Promise<Admission> => {
    try {
      return await admission;
    } catch (thrown) {
      throw refuse(exchange, thrown);
    }
  };

  /** Opens the books of a request that was let in; `close` must be called once, however it ends. */
  const open = (
    request: ChatRequest,
    exchange: Exchange,
    { routes, model }: Plan,
    admission: Admission,
  ): Opened => {
    // The books know models by the names of the configuration.
    const booked = model === request.model ? request : { ...request, model };
    const meter = createMeter(booked, exchange, deps.config.prices, deps.clock);
    exchange.meter = meter;
    deps.metrics.overhead((performance.now() - exchange.arrivedAt) / 1000);
    return { request, routes, exchange, meter, vault: deps.vault, deps, admission };
  };

  const close = (
    { meter, admission }: Opened,
    status: UsageStatus,
    error?: ChatError,
  ): Promise<void> | void => {
    const row = meter.close(status, error);
    admission.settle(row.inputTokens + row.outputTokens, row.costNanoUsd);
    deps.metrics.settled(row);
    return deps.record(row, meter);
  };

  return {
    async *chat(request, exchange) {
      const entered = enter(request, exchange);
      let { admission } = entered;
      // A promise only where other instances are asked: the common way waits for nothing.
      if (admission instanceof Promise) admission = await wait(admission, exchange);
      const opened = open(request, exchange, entered.plan, admission);
      let status: UsageStatus | undefined;
      let error: ChatError | undefined;
      try {
        yield* answerStream(opened, entered.recovery);
        status = "ok";
      } catch (thrown) {
        error = toChatError(thrown);
        status = statusOf(error, exchange);
        throw error;
      } finally {
        // Left early: the client went away. If it had the whole answer by then, that is a good end.
        status ??= opened.meter.finished ? "ok" : "cancelled";
        await close(
          opened,
          status,
          error ?? (status === "cancelled" ? whyLeft(exchange) : undefined),
        );
      }
    },
    async complete(request, exchange) {
      const entered = enter(request, exchange);
      let { admission } = entered;
      if (admission instanceof Promise) admission = await wait(admission, exchange);
      const opened = open(request, exchange, entered.plan, admission);
      let message: UpstreamMessage;
      try {
        message = await answerWhole(opened);
      } catch (thrown) {
        const error = toChatError(thrown);
        await close(opened, statusOf(error, exchange), error);
        throw error;
      }
      await close(opened, "ok");
      return message;
    },
  };
}

/** Why nobody waits for the answer any more. */
function whyLeft({ abort }: Exchange): ChatError {
  return abort.reason ?? CANCELLED;
}

const CANCELLED = toChatError(new DOMException("the client went away", "AbortError"));

function statusOf(error: ChatError, exchange: Exchange): UsageStatus {
  if (error.kind === "cancelled") return "cancelled";
  return exchange.committed ? "cut" : "failed";
}
