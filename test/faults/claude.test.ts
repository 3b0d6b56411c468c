/** Two hosts of Anthropic's Messages, asked at Anthropic's door: what breaks is gone on with, in one well-formed stream. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { type Json, type JsonObject } from "../../src/connectors/hub/json.ts";
import { type Lane, startFakeUpstream } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { jsonReply, streamReply } from "../support/reply.ts";
import { usageRowOf } from "../support/usage-rows.ts";
import { anthropicDoor } from "./_doors.ts";
import { parseObject } from "../support/json.ts";

const WHOLE = "The tide turns twice a day.";
const HALF = "The tide turns ";

const upstream = startFakeUpstream();
const one: Lane = upstream.lane("one");
const two: Lane = upstream.lane("two");
let gateway: Gateway;
let key: string;
let asked = 0;

beforeAll(async () => {
  gateway = await startGateway({
    config: `[models.tides]
recovery = "continue"
${route("one", "claude-3-7-sonnet-20250219")}
${route("two", "claude-3-5-haiku-20241022")}
[breaker]
failures = 1000`,
  });
  ({ key } = await gateway.makeKey());
});

afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

describe("a stream of Anthropic's that breaks", () => {
  test("is gone on with by the next host, which gets the caller's own body and the beginning", async () => {
    one.answer(() => streamReply([...begin(20), delta(HALF), error("overloaded_error")]));
    two.answer(() => streamReply([...begin(26), delta("twice a day."), ...end(5)]));
    const { bytes, row } = await ask({ metadata: { user_id: "u" }, custom_field: { kept: true } });
    expectOneStream(bytes, WHOLE);
    const body = bodyOf(two);
    expect(body).toMatchObject({
      model: "claude-3-5-haiku-20241022",
      metadata: { user_id: "u" },
      custom_field: { kept: true },
    });
    expect(messagesOf(body).at(-1)).toEqual({ role: "assistant", content: HALF.trimEnd() });
    expect(row).toMatchObject({ status: "ok", provider: "two", attempts: 2, input_tokens: 46 });
    expect(anthropicDoor.readStream(bytes).outputTokens).toBe(Number(row["output_tokens"]));
  });

  test("is asked for anew where the beginning is refused, as newer models do", async () => {
    one.answer(() => streamReply([...begin(20), delta(HALF), error("api_error")]));
    two.answer(({ text }) =>
      text.includes('"role":"assistant"')
        ? jsonReply(
            '{"type":"error","error":{"type":"invalid_request_error","message":"This model does not support assistant message prefill."}}',
            400,
          )
        : streamReply([...begin(20), delta(WHOLE), ...end(8)]),
    );
    const { bytes, row } = await ask({});
    expectOneStream(bytes, WHOLE);
    expect(row).toMatchObject({ status: "ok", provider: "two", attempts: 3, input_tokens: 40 });
  });

  test("keeps what was thought before, and ends those thoughts", async () => {
    const thought = [
      event("content_block_start", {
        index: 0,
        content_block: { type: "thinking", thinking: "", signature: "" },
      }),
      event("content_block_delta", {
        index: 0,
        delta: { type: "thinking_delta", thinking: "Moon and sun." },
      }),
    ];
    one.answer(() => streamReply([start(20), ...thought, error("api_error")]));
    two.answer(() => streamReply([...begin(20), delta(WHOLE), ...end(8)]));
    const { bytes } = await ask({});
    expectOneStream(bytes, WHOLE);
    expect(bytes).toContain("Moon and sun.");
  });
});

function route(provider: string, model: string): string {
  return `[[models.tides.routes]]
provider = "${provider}"
provider_model_id = "${model}"
retry = { max_retries = 0 }
[providers.${provider}]
kind = "anthropic"
base_url = "${upstream.lane(provider).url}"
api_key = "sk-ant-fake"`;
}

async function ask(more: JsonObject): Promise<{ bytes: string; row: JsonObject }> {
  asked += 1;
  one.forget();
  two.forget();
  const id = `tides-${asked}`;
  const response = await fetch(`${gateway.url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": key, "anthropic-version": "2023-06-01", "x-request-id": id },
    body: JSON.stringify({ ...anthropicDoor.body("tides", true), ...more }),
  });
  const bytes = await response.text();
  return { bytes, row: await usageRowOf(gateway.database, id) };
}

/** One message from start to stop, each block opened and closed once, nothing outside of a block. */
function expectOneStream(bytes: string, text: string): void {
  expect(anthropicDoor.readStream(bytes)).toMatchObject({ text, goodEnds: 1, errors: [] });
  const open = new Set<Json>();
  const kinds: string[] = [];
  for (const frame of bytes.split("\n\n").filter((each) => each.startsWith("event: "))) {
    const data = parseObject(/^data: (.*)$/m.exec(frame)?.[1] ?? "");
    const { type, index = -1 } = { type: data["type"], index: data["index"] };
    if (type === "content_block_start") {
      expect(open.size).toBe(0);
      open.add(index);
    } else if (type === "content_block_delta") expect(open.has(index)).toBe(true);
    else if (type === "content_block_stop") expect(open.delete(index)).toBe(true);
    else if (typeof type === "string" && type !== "ping") kinds.push(type);
  }
  expect(kinds).toEqual(["message_start", "message_delta", "message_stop"]);
  expect(open.size).toBe(0);
}

function bodyOf(lane: Lane): JsonObject {
  return parseObject(lane.calls[0]?.text ?? "{}");
}

function messagesOf(body: JsonObject): readonly Json[] {
  const { messages } = { messages: body["messages"] };
  return Array.isArray(messages) ? messages : [];
}

function event(type: string, fields: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

function start(inputTokens: number): string {
  return event("message_start", {
    message: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude",
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: inputTokens, output_tokens: 1 },
    },
  });
}

function begin(inputTokens: number): readonly string[] {
  return [
    start(inputTokens),
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  ];
}

function delta(text: string): string {
  return event("content_block_delta", { index: 0, delta: { type: "text_delta", text } });
}

function end(outputTokens: number): readonly string[] {
  return [
    event("content_block_stop", { index: 0 }),
    event("message_delta", {
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: outputTokens },
    }),
    event("message_stop", {}),
  ];
}

function error(type: string): string {
  return event("error", { error: { type, message: "Something broke." } });
}
