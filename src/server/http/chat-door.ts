/** What every chat door does, whatever its dialect: read, ask the gateway, answer. */
import { ChatError, toChatError } from "../../connectors/hub/error.ts";
import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { ClientHalf, ReplyContext } from "../../connectors/hub/wire.ts";
import { createAbort } from "../gateway/abort.ts";
import { estimateInput } from "../gateway/estimate.ts";
import type { Exchange } from "../gateway/exchange.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { KeyRecord } from "../store/store.ts";
import { type BodyLimits, readBody } from "./body.ts";
import { errorResponse } from "./errors.ts";
import { exchangeHeaders, jsonResponse } from "./headers.ts";
import type { InFlight } from "./in-flight.ts";
import type { Recording } from "./recording.ts";
import { startStream, wholeReply } from "./respond.ts";

export type ChatDoorDeps = BodyLimits & {
  readonly gateway: Gateway;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly inFlight: InFlight;
  readonly clock: () => number;
  readonly keepAliveMs: number;
  /** How long a client may leave a stream unread, in milliseconds. */
  readonly slowReaderMs: number;
  /** Closes a request's connection. */
  readonly hangUp: (request: Request) => void;
  /** Longest a request may take, in milliseconds. */
  readonly totalMs: number;
};

/** Never rejects. `recording` follows the answer of a request whose body has been read already. */
export type ChatDoor = (
  request: Request,
  caller: KeyRecord,
  requestId: string,
  recording?: Recording,
) => Promise<Response>;

export function createChatDoor(client: ClientHalf, deps: ChatDoorDeps): ChatDoor {
  return async (httpRequest, caller, requestId, recording) => {
    const arrivedAt = performance.now();
    const startedAt = deps.clock();
    const abort = createAbort();
    let request: ChatRequest | undefined;
    const abandon = (): void => {
      // A whole answer is kept for the client that comes again for it.
      if (recording && request?.stream === false) return;
      abort.abort(new ChatError("cancelled", "the client went away"));
    };
    httpRequest.signal.addEventListener("abort", abandon);
    deps.inFlight.enter(abort);
    const exchange: Exchange = {
      id: Bun.randomUUIDv7(),
      requestId,
      caller,
      headers: httpRequest.headers,
      abort,
      startedAt,
      arrivedAt,
      deadline: startedAt + Math.min(deps.totalMs, clientTimeout(httpRequest.headers)),
      end: startedAt + deps.totalMs,
      provider: "",
      providerModel: "",
      attempts: 0,
      committed: false,
      givenUp: false,
      dropped: new Set(),
      limits: undefined,
      meter: undefined,
      head: undefined,
    };
    let finished = false;
    const finish = (error?: ChatError): void => {
      if (finished) return;
      finished = true;
      deps.inFlight.leave(abort);
      recording?.onEnd(error);
      logExchange(deps.log, exchange, request, performance.now() - arrivedAt, error);
    };

    try {
      let read: ChatRequest;
      try {
        read = client.decodeRequest(recording?.body ?? (await readBody(httpRequest, deps)));
      } catch (thrown) {
        countRefusal(toChatError(thrown), exchange, deps.metrics);
        throw thrown;
      }
      request = read;
      const context: ReplyContext = {
        requestId,
        model: request.model,
        created: Math.floor(startedAt / 1000),
        streamUsage: request.streamUsage,
        estimateInput: () => estimateInput(read),
      };
      if (!request.stream) {
        const message = await deps.gateway.complete(request, exchange);
        const reply = wholeReply(client, message, context);
        recording?.onText(reply);
        finish();
        return jsonResponse(reply, exchange, client.dialect);
      }
      const messages = deps.gateway.chat(request, exchange);
      let failure: ChatError | undefined;
      const end = (): void => finish(failure);
      // Also for a body that nobody ever reads: what was asked for has ended, and its row is written, when `return` is done.
      abort.listen({
        abort(reason) {
          failure ??= reason;
          void messages.return().then(end, end);
        },
      });
      const body = await startStream({
        client,
        messages,
        context,
        keepAliveMs: deps.keepAliveMs,
        slowReaderMs: deps.slowReaderMs,
        onSlowReader() {
          abort.abort(new ChatError("cancelled", "the client does not read what it is sent"));
          deps.hangUp(httpRequest);
        },
        abandon,
        onError: (error) => {
          failure = error;
        },
        onBytes: (count) => deps.metrics.streamed(count),
        ...(recording ? { onText: (text) => recording.onText(text) } : {}),
        onEnd: end,
      });
      return new Response(body, {
        headers: {
          "content-type": "text/event-stream; charset=utf-8",
          "cache-control": "no-cache",
          "x-accel-buffering": "no",
          ...exchangeHeaders(exchange, client.dialect),
        },
      });
    } catch (thrown) {
      const error = toChatError(thrown);
      finish(error);
      return errorResponse(
        client,
        error,
        requestId,
        exchangeHeaders(exchange, client.dialect),
        exchange.attempts,
      );
    }
  };
}

/** A fault in the body is counted here, since the gateway never sees the request. */
function countRefusal(error: ChatError, exchange: Exchange, metrics: Metrics): void {
  const seconds = (performance.now() - exchange.arrivedAt) / 1000;
  metrics.refused(exchange.caller.tenantId, error.traits.status, seconds);
}

/** Milliseconds the official SDKs say they will wait (`X-Stainless-Timeout`, seconds), or no bound. */
function clientTimeout(headers: Headers): number {
  const seconds = Number(headers.get("x-stainless-timeout"));
  return seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY;
}

function logExchange(
  log: Log,
  exchange: Exchange,
  request: ChatRequest | undefined,
  latencyMs: number,
  error: ChatError | undefined,
): void {
  const fields = {
    request_id: exchange.requestId,
    tenant: exchange.caller.tenantId,
    model: request?.model,
    provider: exchange.provider || undefined,
    attempts: exchange.attempts,
    stream: request?.stream,
    status: error?.traits.status ?? 200,
    latency_ms: Math.round(latencyMs),
  };
  if (!error) return log.info("chat", fields);
  const told = { ...fields, kind: error.kind, error: error.message };
  if (error.kind === "internal") {
    const cause = error.cause instanceof Error ? error.cause.stack : String(error.cause);
    return log.error("chat failed", { ...told, cause });
  }
  log[error.traits.level]("chat failed", told);
}
