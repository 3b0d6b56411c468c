/** Every recorded answer of Gemini's, through the built binary, as the official OpenAI SDK reads it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import {
  type GeminiExchange,
  objectsOf,
  readGeminiExchanges,
} from "../support/gemini-recordings.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { ask } from "../support/sdk.ts";
import { splitAtRandom } from "../support/split.ts";
import { startVertexRig, type VertexRig } from "../support/vertex-rig.ts";
import { object, objects, text } from "../support/json.ts";

let rig: VertexRig;

beforeAll(async () => {
  rig = await startVertexRig();
});

afterAll(() => rig.stop());

beforeEach(() => rig.lane.forget());

/** What an answer says, naively: of Google's chunks. */
function readGoogle(chunks: readonly JsonObject[]) {
  const said = {
    text: "",
    thoughts: "",
    signatures: [] as string[],
    calls: [] as string[],
    prompt: 0,
    total: 0,
  };
  for (const each of chunks) {
    const usage = object(each["usageMetadata"]);
    const total = Number(usage["totalTokenCount"] ?? 0);
    if (total > 0) {
      said.total = total;
      said.prompt =
        Number(usage["promptTokenCount"]) + Number(usage["toolUsePromptTokenCount"] ?? 0);
    }
    for (const part of objects(
      object(object(objects(each["candidates"])[0])["content"])["parts"],
    )) {
      if (part["thought"] === true) said.thoughts += text(part["text"]);
      else said.text += text(part["text"]);
      const name = text(object(part["functionCall"])["name"]);
      if (name !== "") said.calls.push(name);
      if (name !== "" && part["thoughtSignature"] !== undefined) {
        said.signatures.push(text(part["thoughtSignature"]));
      }
    }
  }
  return said;
}

/** The same of what the OpenAI SDK gave. */
function readOpenAI(chunks: readonly JsonObject[]): ReturnType<typeof readGoogle> {
  const said: ReturnType<typeof readGoogle> = {
    text: "",
    thoughts: "",
    signatures: [],
    calls: [],
    prompt: 0,
    total: 0,
  };
  for (const each of chunks) {
    if (isJsonObject(each["usage"])) {
      said.prompt = Number(each["usage"]["prompt_tokens"]);
      said.total = Number(each["usage"]["total_tokens"]);
    }
    const choice = object(objects(each["choices"])[0]);
    const message = object(choice["delta"] ?? choice["message"]);
    said.text += text(message["content"]);
    said.thoughts += text(message["reasoning_content"]);
    for (const call of objects(message["tool_calls"])) {
      const name = text(object(call["function"])["name"]);
      if (name !== "") said.calls.push(name);
      const google = object(object(call["extra_content"])["google"]);
      if (google["thought_signature"] !== undefined)
        said.signatures.push(text(google["thought_signature"]));
    }
  }
  return said;
}

describe("a recorded answer reaches the OpenAI SDK as Google gave it", () => {
  const answers = readGeminiExchanges().filter(
    ({ verb, status, text: body }) =>
      verb !== "countTokens" && status === 200 && !body.includes("UNEXPECTED_TOOL_CALL"),
  );

  test.each(answers.map((exchange): [string, GeminiExchange] => [exchange.id, exchange]))(
    "%s",
    async (_, exchange) => {
      const stream = exchange.verb === "streamGenerateContent";
      rig.lane.answer(() =>
        stream ? streamReply(splitAtRandom(exchange.text, 20, 7)) : jsonReply(exchange.text),
      );
      const outcome = await ask(rig.sdk, {
        model: "gemini",
        messages: [{ role: "user", content: exchange.id }],
        ...(stream ? { stream, stream_options: { include_usage: true } } : {}),
      });
      expect(outcome.error).toBeUndefined();
      expect(readOpenAI(outcome.chunks)).toEqual(readGoogle(objectsOf(exchange)));
      const verb = stream ? "streamGenerateContent?alt=sse" : "generateContent";
      expect(rig.lane.calls[0]?.path).toBe(
        `/projects/acme/locations/global/publishers/google/models/gemini-3-pro-preview:${verb}`,
      );
    },
  );
});
