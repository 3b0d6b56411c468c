/** A provider that does what a script says, model by model, and keeps a log of what it was asked and what it gave. */
import { isJsonObject, type Json, type JsonObject } from "../../src/connectors/hub/json.ts";
import {
  jsonResponse,
  LAST_CHUNK,
  type Line,
  type Seen,
  startRawUpstream,
  STREAM_HEAD,
} from "../contract/raw-upstream.ts";
import { parseObject } from "../support/json.ts";

/** What every good answer says: word by word, each a token. */
export const WORDS: readonly string[] = Array.from({ length: 60 }, (_, index) => `w${index} `);
export const TEXT = WORDS.join("");
/** What this provider counts for any question. */
export const INPUT_TOKENS = 11;

/** Time for what was written to be read, also on a busy machine. */
const AHEAD_MS = 150;

/** One request in the log, and what came of it. */
export type Logged = {
  /** On the clock of `performance.now()`. */
  readonly at: number;
  readonly headers: Headers;
  readonly model: string;
  readonly body: JsonObject;
  readonly stream: boolean;
  /** The beginning of an answer with which the conversation ended. */
  readonly prefill: string;
  readonly closed: Promise<void>;
  /** Words of the answer that were given. */
  words: number;
  /** Whether it told how many tokens it took, which are those that it will charge for. */
  reported: boolean;
};

/** How a provider acts on one request. */
export type Act = (line: Line, call: Logged) => void | Promise<void>;

export type Provider = {
  /** The base URL to configure. */
  readonly url: string;
  /** What requests for this model get from now on, one act each, the last one for ever. Its log begins anew. */
  acts(model: string, ...acts: readonly Act[]): void;
  /** The requests for this model. */
  log(model: string): readonly Logged[];
  stop(): void;
};

/** Starts one that speaks OpenAI's Chat Completions. */
export function startProvider(): Provider {
  const scripts = new Map<string, readonly Act[]>();
  const logs = new Map<string, Logged[]>();
  const upstream = startRawUpstream((line, seen) => {
    const call = toCall(seen);
    const { model } = call;
    const log = logs.get(model) ?? [];
    logs.set(model, log);
    log.push(call);
    const acts = scripts.get(model) ?? [];
    const act = acts[Math.min(log.length, acts.length) - 1] ?? says(501);
    return act(line, call);
  });
  return {
    url: upstream.url,
    acts(model, ...acts) {
      scripts.set(model, acts);
      logs.set(model, []);
    },
    log: (model) => logs.get(model) ?? [],
    stop: () => upstream.stop(),
  };
}

function toCall(seen: Seen): Logged {
  const body = parseObject(seen.text);
  const messages = Array.isArray(body["messages"]) ? body["messages"] : [];
  const last: Json | undefined = messages.at(-1);
  const isBegun = isJsonObject(last) && last["role"] === "assistant";
  return {
    at: performance.now(),
    headers: seen.headers,
    model: typeof body["model"] === "string" ? body["model"] : "",
    body,
    stream: body["stream"] === true,
    prefill: isBegun && typeof last["content"] === "string" ? last["content"] : "",
    closed: seen.closed,
    words: 0,
    reported: false,
  };
}

/** A status with an error of OpenAI's shape. */
export function says(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  error: JsonObject = {},
): Act {
  return (line) => {
    line.write(jsonResponse({ error: { message: `status ${status}`, ...error } }, status, headers));
  };
}

/** Hangs up before a byte of an answer. */
export const resets: Act = (line) => line.reset();

/** Takes the request and never says a word. */
export const staysSilent: Act = () => undefined;

/** Sends the head of a stream and then nothing. */
export const sendsHeadOnly: Act = (line) => line.write(STREAM_HEAD);

export type StreamFault = {
  /** Words after which something goes wrong. */
  readonly after: number;
  /**
   * `cut`: the connection closes. `end`: the stream ends as HTTP demands, but without a word on how the answer ended. `stall`:
   * nothing more comes. `error`: an error event.
   */
  readonly how: "cut" | "end" | "stall" | "error";
  /** How long the words go ahead of it; what has not been read by then may be lost. */
  readonly aheadMs?: number;
};

export type AnswerOptions = {
  readonly fault?: StreamFault;
  /** Milliseconds before each word. */
  readonly paceMs?: number;
  /** A message that is no JSON before this word. */
  readonly malformedAt?: number;
  /** False leaves `[DONE]` out. */
  readonly done?: boolean;
  /** What an answer says that is not the one of all others. */
  readonly words?: readonly string[];
};

/** Answers, streamed or whole; a conversation that ends with the beginning of the answer gets the rest of it. */
export function answers(options: AnswerOptions = {}): Act {
  return async (line, call) => {
    const all = options.words ?? WORDS;
    const begun = call.prefill.trim() === "" ? 0 : call.prefill.trim().split(" ").length;
    const words = all.slice(begun);
    const most = Math.min(options.fault?.after ?? words.length, words.length);
    if (!call.stream) return whole(line, call, words, options.fault, most);
    line.write(STREAM_HEAD);
    line.chunk(sse(chunk({ role: "assistant", content: "" })));
    for (const [index, word] of words.slice(0, most).entries()) {
      if (options.paceMs !== undefined) await Bun.sleep(options.paceMs);
      if (index === options.malformedAt) line.chunk("data: {no json\n\n");
      // As a model that goes on behind a text without its last space does.
      const text = index === 0 && begun > 0 ? ` ${word}` : word;
      line.chunk(sse(chunk({ content: text })));
      call.words += 1;
    }
    // Bun's fetch forgets what it has not handed over yet when a connection breaks, so the words go ahead.
    if (options.fault) await Bun.sleep(options.fault.aheadMs ?? AHEAD_MS);
    switch (options.fault?.how) {
      case "cut":
        return line.end();
      case "end":
        return line.write(LAST_CHUNK);
      case "stall":
        return undefined;
      case "error":
        line.chunk(sse({ error: { message: "lost the thread", code: 500 } }));
        return line.write(LAST_CHUNK);
      case undefined:
        break;
    }
    line.chunk(sse(chunk({}, "stop")));
    line.chunk(sse({ ...chunk({}), choices: [], usage: usageOf(call) }));
    call.reported = true;
    if (options.done !== false) line.chunk("data: [DONE]\n\n");
    line.write(LAST_CHUNK);
  };
}

function whole(
  line: Line,
  call: Logged,
  words: readonly string[],
  fault: StreamFault | undefined,
  most: number,
): void {
  call.words = words.length;
  const text = jsonResponse({
    ...chunk({}),
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: words.join("") },
        finish_reason: "stop",
      },
    ],
    usage: usageOf(call),
  });
  if (fault === undefined) {
    call.reported = true;
    return line.write(text);
  }
  const share = words.length === 0 ? 0 : most / words.length;
  line.write(text.slice(0, Math.floor(text.length * share)));
  if (fault.how !== "stall") line.end();
}

function usageOf(call: Logged): JsonObject {
  return {
    prompt_tokens: INPUT_TOKENS,
    completion_tokens: call.words,
    total_tokens: INPUT_TOKENS + call.words,
  };
}

function chunk(delta: JsonObject, finish: string | null = null): JsonObject {
  return {
    id: "gen-1",
    object: "chat.completion.chunk",
    created: 1_790_000_000,
    model: "maker/model",
    choices: [{ index: 0, delta, finish_reason: finish }],
  };
}

function sse(payload: JsonObject): string {
  return `data: ${JSON.stringify(payload)}\n\n`;
}
