import type { ChatCall } from "./connector.ts";
import { ChatError } from "./hub/error.ts";
import type { ChatEvent } from "./hub/event.ts";
import { isJsonObject, type Json, type JsonObject } from "./hub/json.ts";
import type { SseMessage, StreamDecoder } from "./hub/wire.ts";
import type { Line } from "./line.ts";
import type { PostReply } from "./net/reply.ts";
import { readSse } from "./net/sse.ts";

/** Whether an answer comes in one piece, whatever was asked for. A type that says neither is taken for what was asked for. */
export function isWhole(reply: PostReply, askedForStream: boolean): boolean {
  const type = reply.headers.get("content-type") ?? "";
  if (type.includes("event-stream")) return false;
  return !askedForStream || /json|html/.test(type);
}

/** What a message of a stream means, or undefined if it is none: not JSON, and no error and no end either. */
export function understand(
  message: SseMessage,
  decoder: StreamDecoder,
  call: Pick<ChatCall, "onMalformed">,
): readonly ChatEvent[] | undefined {
  // Some hosts keep connections open with empty messages instead of comments.
  if (message.data === "") return undefined;
  try {
    return decoder.push(message);
  } catch (error) {
    if (message.event === "error" || message.data.trim() === "[DONE]" || isJson(message.data)) {
      throw error;
    }
    call.onMalformed?.();
    return undefined;
  }
}

/** A whole answer from a host that streams though it was not asked to. */
export async function gather(
  reply: PostReply,
  decoder: StreamDecoder,
  call: Pick<ChatCall, "onMalformed">,
): Promise<readonly ChatEvent[]> {
  const events: ChatEvent[] = [];
  for await (const messages of readSse(reply.chunks())) {
    for (const message of messages) {
      events.push(...(understand(message, decoder, call) ?? []));
      if (!decoder.done) continue;
      reply.settle();
      return events;
    }
  }
  events.push(...decoder.end());
  return events;
}

/** What a good answer in one piece says. Throws ChatError `bad-upstream` if it is no JSON that its dialect knows. */
export function decodeWhole(
  text: string,
  reply: PostReply,
  line: Pick<Line, "decodeReply" | "decodeChunks">,
): readonly ChatEvent[] {
  const body = parseJson(text, reply);
  if (isJsonObject(body)) return line.decodeReply(body);
  if (Array.isArray(body) && line.decodeChunks) return line.decodeChunks(body);
  throw notAnObject();
}

/** The body of a good answer. Throws ChatError `bad-upstream` if it is no JSON object. */
export function parseReply(text: string, reply: PostReply): JsonObject {
  const body = parseJson(text, reply);
  if (isJsonObject(body)) return body;
  throw notAnObject();
}

function notAnObject(): ChatError {
  return new ChatError("bad-upstream", "the provider answered with JSON that is no object");
}

/** Throws ChatError `bad-upstream`, saying what came instead. */
export function parseJson(text: string, reply: PostReply): Json {
  try {
    const body: Json = JSON.parse(text);
    return body;
  } catch (cause) {
    const type = reply.headers.get("content-type")?.split(";")[0] ?? "of no stated type";
    const what = text.trim() === "" ? "nothing" : `something that is not JSON (${type})`;
    throw new ChatError("bad-upstream", `the provider answered ${reply.status} with ${what}`, {
      code: "not_json",
      cause,
    });
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
