/** The doors of the gateway as clients see them: what they ask, and what an answer's bytes say, read without the product's code. */
import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { list, number, object, text } from "../support/json.ts";

/** What a client has of an answer when it is over. */
export type Told = {
  readonly text: string;
  /** Ends of a good answer: `[DONE]` or `message_stop`, or the whole of one that was not streamed. */
  readonly goodEnds: number;
  readonly errors: readonly JsonObject[];
  /** Why the answer says that it ended. */
  readonly finish: string | undefined;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
};

export type Door = {
  readonly name: string;
  readonly path: string;
  body(model: string, stream: boolean): JsonObject;
  readStream(bytes: string): Told;
  readWhole(body: JsonObject): Told;
};

const QUESTION = "Count, please.";

const openai: Door = {
  name: "OpenAI's door",
  path: "/v1/chat/completions",
  body: (model, stream) => ({
    model,
    messages: [{ role: "user", content: QUESTION }],
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  }),
  readStream(bytes) {
    const told = blank();
    for (const { data } of messagesOf(bytes)) {
      if (data === "[DONE]") told.goodEnds += 1;
      else readChunk(object(JSON.parse(data)), "delta", told);
    }
    return told;
  },
  readWhole(body) {
    const told = blank();
    readChunk(body, "message", told);
    if (told.errors.length === 0) told.goodEnds = 1;
    return told;
  },
};

function readChunk(chunk: JsonObject, field: "delta" | "message", told: Growing): void {
  if (isJsonObject(chunk["error"])) told.errors.push(chunk["error"]);
  const usage = object(chunk["usage"]);
  told.inputTokens = number(usage["prompt_tokens"]) ?? told.inputTokens;
  told.outputTokens = number(usage["completion_tokens"]) ?? told.outputTokens;
  const choice = object(list(chunk["choices"])[0]);
  told.text += text(object(choice[field])["content"]);
  told.finish = text(choice["finish_reason"]) || told.finish;
}

const anthropic: Door = {
  name: "Anthropic's door",
  path: "/v1/messages",
  body: (model, stream) => ({
    model,
    max_tokens: 500,
    messages: [{ role: "user", content: QUESTION }],
    ...(stream ? { stream: true } : {}),
  }),
  readStream(bytes) {
    const told = blank();
    for (const { event, data } of messagesOf(bytes)) {
      const message = object(JSON.parse(data));
      if (event === "message_stop") told.goodEnds += 1;
      if (event === "error") told.errors.push(object(message["error"]));
      if (event === "content_block_delta") told.text += text(object(message["delta"])["text"]);
      if (event === "message_delta") {
        told.finish = text(object(message["delta"])["stop_reason"]) || told.finish;
        readUsage(object(message["usage"]), told);
      }
    }
    return told;
  },
  readWhole(body) {
    const told = blank();
    if (isJsonObject(body["error"])) told.errors.push(body["error"]);
    else told.goodEnds = 1;
    for (const block of list(body["content"])) told.text += text(object(block)["text"]);
    told.finish = text(body["stop_reason"]) || undefined;
    readUsage(object(body["usage"]), told);
    return told;
  },
};

export const DOORS: readonly Door[] = [openai, anthropic];
export { anthropic as anthropicDoor, openai as openaiDoor };

function readUsage(usage: JsonObject, told: Growing): void {
  told.inputTokens = number(usage["input_tokens"]) ?? told.inputTokens;
  told.outputTokens = number(usage["output_tokens"]) ?? told.outputTokens;
}

type Growing = {
  -readonly [Key in keyof Told]: Told[Key] extends readonly JsonObject[] ? JsonObject[] : Told[Key];
};

function blank(): Growing {
  return {
    text: "",
    goodEnds: 0,
    errors: [],
    finish: undefined,
    inputTokens: undefined,
    outputTokens: undefined,
  };
}

/** The messages of an event stream; what is behind the last empty line is no message. */
function messagesOf(bytes: string): readonly { readonly event: string; readonly data: string }[] {
  return bytes
    .split("\n\n")
    .slice(0, -1)
    .filter((frame) => !frame.startsWith(":"))
    .map((frame) => ({
      event: /^event: (.*)$/m.exec(frame)?.[1] ?? "",
      data: /^data: (.*)$/m.exec(frame)?.[1] ?? "",
    }))
    .filter(({ event }) => event !== "ping");
}
