/** Stands before a chat door where a request carries an Idempotency-Key; all others pass untouched. */
import { type ChatError, toChatError } from "../../connectors/hub/error.ts";
import type { ClientHalf } from "../../connectors/hub/wire.ts";
import type { Abortable } from "../gateway/abort.ts";
import type { Idempotency, KeptAnswer } from "../gateway/idempotency.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { KeyRecord } from "../store/store.ts";
import { type BodyLimits, readBody } from "./body.ts";
import type { ChatDoor } from "./chat-door.ts";
import { errorResponse } from "./errors.ts";
import { requestIdHeaders } from "./headers.ts";
import type { InFlight } from "./in-flight.ts";
import { createRecording } from "./recording.ts";

export type IdempotentDoorDeps = BodyLimits & {
  readonly idempotency: Idempotency;
  /** Longer answers are not recorded. */
  readonly maxAnswerBytes: number;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly inFlight: InFlight;
};

const HEADER = "idempotency-key";

/** The same door for requests without the header; one answer for all that are alike with it. */
export function createIdempotentDoor(
  door: ChatDoor,
  client: ClientHalf,
  deps: IdempotentDoorDeps,
): ChatDoor {
  const { idempotency, metrics, log } = deps;

  const enter: ChatDoor = async (request, caller, requestId) => {
    const startedAt = performance.now();
    const key = request.headers.get(HEADER) ?? "";
    const present: Abortable = { abort: () => undefined };
    deps.inFlight.enter(present);
    const tell = (outcome: "replayed" | "joined" | "refused", status: number): void => {
      const elapsed = performance.now() - startedAt;
      metrics.idempotent(caller.tenantId, outcome);
      metrics.refused(caller.tenantId, status, elapsed / 1000);
      log.info("chat", {
        request_id: requestId,
        tenant: caller.tenantId,
        idempotency: outcome,
        status,
        latency_ms: Math.round(elapsed),
      });
    };
    try {
      const text = await readBody(request, deps);
      const entry = await idempotency.enter(scopeOf(caller), key, fingerprintOf(client, text));
      if (entry.state === "replay") {
        tell(entry.joined ? "joined" : "replayed", 200);
        return replay(client, entry.answer, requestId);
      }
      return await run(request, caller, requestId, text, (outcome) => entry.end(outcome));
    } catch (thrown) {
      const error = toChatError(thrown);
      tell("refused", error.traits.status);
      return errorResponse(client, error, requestId);
    } finally {
      deps.inFlight.leave(present);
    }
  };

  const run = async (
    request: Request,
    caller: KeyRecord,
    requestId: string,
    text: string,
    end: (outcome: KeptAnswer | ChatError | undefined) => void,
  ): Promise<Response> => {
    const recording = createRecording(text, deps.maxAnswerBytes, end);
    try {
      const response = await door(request, caller, requestId, recording);
      recording.head(headersToKeep(response.headers));
      return response;
    } catch (thrown) {
      recording.onEnd(toChatError(thrown));
      throw thrown;
    }
  };

  return (request, caller, requestId) =>
    request.headers.has(HEADER)
      ? enter(request, caller, requestId)
      : door(request, caller, requestId);
}

/** Keys of one tenant are one set; a key that may not use every model has one of its own, lest it be given what it may not ask. */
function scopeOf({ tenantId, models, id }: KeyRecord): string {
  return models === null ? tenantId : `${tenantId}\0${id}`;
}

function fingerprintOf({ dialect }: ClientHalf, text: string): string {
  return Bun.CryptoHasher.hash("sha256", `${dialect}\0${text}`, "hex");
}

/** What says who gave the answer. What is left of limits was true only then. */
const KEPT = [
  "content-type",
  "cache-control",
  "x-accel-buffering",
  "x-xjp-provider",
  "x-xjp-model",
  "x-xjp-attempts",
  "x-xjp-dropped",
];

function headersToKeep(headers: Headers): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of KEPT) {
    const value = headers.get(name);
    if (value !== null) kept[name] = value;
  }
  return kept;
}

function replay(client: ClientHalf, { headers, body }: KeptAnswer, requestId: string): Response {
  return new Response(body, {
    headers: {
      ...headers,
      ...requestIdHeaders(client.dialect, requestId),
      "x-xjp-idempotent-replay": "true",
    },
  });
}
