import { isJsonObject, type Json, type JsonObject } from "../../connectors/hub/json.ts";
import { createSseReader } from "../../connectors/net/sse.ts";
import { CommandError } from "../_error.ts";
import { ask, brokenOff, messageOf, parseJson, type Gateway } from "../_gateway.ts";

export type Spent = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** What the provider says it cost in dollars; only some do. */
  readonly costUsd: number | undefined;
};

/** What arrives while a model answers. Tool calls come whole, after the text. */
export type Piece =
  | { readonly type: "text" | "reasoning"; readonly text: string }
  | { readonly type: "tool"; readonly name: string; readonly arguments: string }
  | { readonly type: "spent"; readonly spent: Spent }
  | { readonly type: "finish"; readonly reason: string };

/** Asks the gateway for a streamed answer. Throws CommandError; leaving early or aborting ends the request. */
export async function* streamAnswer(
  gateway: Gateway,
  request: JsonObject,
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  const body = { ...request, stream: true, stream_options: { include_usage: true } };
  const response = await ask(gateway, "/v1/chat/completions", { body, signal });
  if (response.body === null || !/event-stream/.test(response.headers.get("content-type") ?? ""))
    throw new CommandError(`${gateway.url} does not stream answers: is XJP_URL right?`);
  const reader = createSseReader();
  const chunk = createChunkReader();
  for await (const bytes of whole(response.body, signal))
    for (const { data } of reader.push(bytes)) yield* chunk.push(data);
  for (const { data } of reader.end()) yield* chunk.push(data);
  yield* chunk.end();
}

/** The bytes of an answer. Throws CommandError where they break off, and whatever an abort throws. */
async function* whole(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw signal.aborted ? error : brokenOff(error);
  }
}

/** Reads chat completion chunks, leniently: what it does not know it leaves alone. */
export function createChunkReader(): {
  push(data: string): readonly Piece[];
  end(): readonly Piece[];
} {
  const tools = new Map<number, { name: string; arguments: string }>();
  let finished = false;
  const growTools = (calls: readonly Json[]): void => {
    for (const [position, call] of calls.entries()) {
      if (!isJsonObject(call)) continue;
      const index = typeof call["index"] === "number" ? call["index"] : position;
      const called = isJsonObject(call["function"]) ? call["function"] : {};
      const tool = tools.get(index) ?? { name: "", arguments: "" };
      tools.set(index, {
        name: tool.name + text(called["name"]),
        arguments: tool.arguments + text(called["arguments"]),
      });
    }
  };
  return {
    push(data) {
      if (data === "[DONE]") {
        finished = true;
        return [];
      }
      const event = parseJson(data);
      const fault = messageOf(event);
      if (fault !== undefined) throw new CommandError(`the answer broke off: ${fault}`);
      if (!isJsonObject(event)) return [];
      const pieces: Piece[] = [];
      const [choice] = list(event["choices"]);
      if (isJsonObject(choice)) {
        const delta = isJsonObject(choice["delta"]) ? choice["delta"] : {};
        add(pieces, "reasoning", text(delta["reasoning"]) || text(delta["reasoning_content"]));
        add(pieces, "text", text(delta["content"]) + text(delta["refusal"]));
        growTools(list(delta["tool_calls"]));
        const reason = text(choice["finish_reason"]);
        if (reason !== "") {
          finished = true;
          const inOrder = [...tools].toSorted(([one], [other]) => one - other);
          for (const [, tool] of inOrder) pieces.push({ type: "tool", ...tool });
          tools.clear();
          pieces.push({ type: "finish", reason });
        }
      }
      if (isJsonObject(event["usage"]))
        pieces.push({ type: "spent", spent: spentOf(event["usage"]) });
      return pieces;
    },
    end() {
      if (!finished)
        throw new CommandError("the answer broke off: the connection ended before it did");
      return [];
    },
  };
}

function add(pieces: Piece[], type: "text" | "reasoning", piece: string): void {
  if (piece !== "") pieces.push({ type, text: piece });
}

function spentOf(usage: JsonObject): Spent {
  const { prompt_tokens: input, completion_tokens: output, cost } = usage;
  return {
    inputTokens: typeof input === "number" ? input : 0,
    outputTokens: typeof output === "number" ? output : 0,
    costUsd: typeof cost === "number" ? cost : undefined,
  };
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
