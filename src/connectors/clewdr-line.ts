/** What Clewdr does otherwise than the dialects it speaks (its source, v0.13), as changes to their lines. */
import { ChatError } from "./hub/error.ts";
import type { ChatEvent } from "./hub/event.ts";
import { isJsonObject, type Json } from "./hub/json.ts";
import type { ChatRequest } from "./hub/request.ts";
import type { StreamDecoder } from "./hub/wire.ts";
import type { Line } from "./line.ts";
import { isOff } from "./wire/effort.ts";

/**
 * An unstreamed request of one user message "Hi" is taken for a health check and answered by itself, without asking anybody.
 * Asked for as a stream it reaches the model.
 */
export function streamedIfGreeting(line: Line): Line {
  return {
    ...line,
    amend: (request, drop, target) => ({
      ...line.amend(request, drop, target),
      ...(isGreeting(request) ? STREAM : {}),
    }),
    encodeRequest: (request, target, drop) => ({
      ...line.encodeRequest(request, target, drop),
      ...(isGreeting(request) ? STREAM : {}),
    }),
  };
}

const STREAM = { stream: true };

function isGreeting({ stream, messages }: ChatRequest): boolean {
  const [message] = messages;
  const part = message?.parts[0];
  return (
    !stream &&
    messages.length === 1 &&
    message?.role === "user" &&
    message.parts.length === 1 &&
    part?.type === "text" &&
    part.text.trim() === "Hi"
  );
}

/**
 * An answer with neither an id nor a count is the one that it gives by itself, whatever made it think that nobody is asking.
 */
export function withoutCanned(line: Line): Line {
  return {
    ...line,
    decodeReply(body) {
      if (body["id"] !== undefined || body["usage"] !== undefined) return line.decodeReply(body);
      throw new ChatError("bad-upstream", "Clewdr answered by itself, without asking a model");
    },
  };
}

/** Any word about thinking turns it on in the web chat, so that a wish for none is said by saying nothing. */
export function withSilentOff(line: Line): Line {
  return {
    ...line,
    encodeRequest(request, target, drop) {
      const body = line.encodeRequest(request, target, drop);
      if (request.reasoning === undefined || !isOff(request.reasoning)) return body;
      const { thinking: _, reasoning_effort: __, ...rest } = body;
      return rest;
    },
  };
}

/** Its counts are its own guesses. */
export function withEstimates(line: Line): Line {
  return {
    ...line,
    decodeReply: (body) => line.decodeReply(body).map(estimate),
    decodeStream() {
      const decoder = line.decodeStream();
      return {
        push: (message) => decoder.push(message).map(estimate),
        end: () => decoder.end().map(estimate),
        get done() {
          return decoder.done;
        },
      };
    },
  };
}

function estimate(event: ChatEvent): ChatEvent {
  if (event.type !== "usage" && event.type !== "start") return event;
  return event.usage === undefined
    ? event
    : { ...event, usage: { ...event.usage, source: "estimated" } };
}

/**
 * Its chat completions stop without a finish reason and without `[DONE]`, so the end of the bytes behind some text is the end of
 * the answer; whether it was cut nobody can tell.
 */
export function withInferredEnd(line: Line): Line {
  return { ...line, decodeStream: () => inferEnd(line.decodeStream()) };
}

function inferEnd(decoder: StreamDecoder): StreamDecoder {
  let said = false;
  return {
    push(message) {
      const events = decoder.push(message);
      said ||= events.some(({ type }) => type === "text-delta");
      return events;
    },
    end: () => (said && !decoder.done ? decoder.push({ data: "[DONE]" }) : decoder.end()),
    get done() {
      return decoder.done;
    },
  };
}

/** Its accounts are used up for the moment: it has swallowed its provider's 429s, and never says how long they last. */
const CAPACITY = new Set(["no_cookie_available", "too_many_retries"]);
/** One of its accounts is no good; the next try takes another. */
const ACCOUNT = "invalid_cookie";

/** `{"error": {"message", "type", "code"}}` on every path. */
export function clewdrError(line: Line): Line["decodeError"] {
  return (status, body, headers) => {
    const error = line.decodeError(status, body, headers);
    const type = typeIn(body);
    const init = { code: type, upstreamStatus: status, retryAfterMs: error.retryAfterMs };
    if (type === ACCOUNT) return new ChatError("unavailable", error.message, init);
    if (type === undefined || !CAPACITY.has(type)) return error;
    return new ChatError("rate-limited", error.message, {
      ...init,
      origin: "provider",
      retryHere: false,
      tryElsewhere: true,
      level: "warn",
    });
  };
}

/** A redirect is the wall in front of its provider (Cloudflare's); nobody goes there. */
export function retellRedirect(error: ChatError): ChatError {
  if (error.code !== "redirect") return error;
  const { code, upstreamStatus } = error;
  const message = `Clewdr's own provider has turned it away (status ${upstreamStatus})`;
  return new ChatError("unavailable", message, { code, upstreamStatus, retryHere: false });
}

function typeIn(body: string): string | undefined {
  try {
    const value: Json = JSON.parse(body);
    const error = isJsonObject(value) ? value["error"] : undefined;
    const type = isJsonObject(error) ? error["type"] : undefined;
    return typeof type === "string" ? type : undefined;
  } catch {
    // A page of a proxy in between.
    return undefined;
  }
}
