/** The official SDK holds a streamed, tool-calling, multimodal conversation; every token of it is written down. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type OpenAI from "openai";

import { FIXTURES, readRecordings, type Exchange } from "../support/recordings.ts";
import { streamReply } from "../support/reply.ts";
import { startRig, type Rig } from "../support/rig.ts";
import { splitAtRandom } from "../support/split.ts";
import { readUsageRows } from "../support/usage-rows.ts";
import { waitFor } from "../support/wait-for.ts";

type Messages = OpenAI.Chat.ChatCompletionMessageParam[];
type Tools = OpenAI.Chat.ChatCompletionTool[];

let rig: Rig;

beforeAll(async () => {
  rig = await startRig();
});

afterAll(async () => {
  await rig.stop();
});

test("pictures in, tools called, their results back, an answer with sources", async () => {
  const turns = readRecordings(FIXTURES).exchanges.filter((exchange) =>
    exchange.id.startsWith("openrouter/tides-and-wind.json"),
  );
  rig.first.answer(() => {
    const turn: Exchange | undefined = turns[rig.first.calls.length - 1];
    if (!turn) return new Response("the conversation has no further turn", { status: 500 });
    return streamReply(splitAtRandom(turn.text, 30, rig.first.calls.length));
  });

  const messages: Messages = [
    {
      role: "user",
      content: [
        { type: "text", text: "Can this boat leave tonight?" },
        {
          type: "image_url",
          image_url: { url: "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=" },
        },
      ],
    },
  ];
  const called: string[] = [];
  const tools = [tool("tide_table"), tool("wind")];

  const first = await turnOf(messages, tools);
  messages.push(first);
  for (const call of first.tool_calls ?? []) {
    if (call.type !== "function") continue;
    const input: unknown = JSON.parse(call.function.arguments);
    called.push(`${call.function.name} ${JSON.stringify(input)}`);
    messages.push({ role: "tool", tool_call_id: call.id, content: `result of ${call.id}` });
  }
  const second = await turnOf(messages, tools);

  expect(called).toEqual([
    'tide_table {"harbour":"寧波","day":"2026-11-23"}',
    'wind {"harbour":"寧波"}',
  ]);
  expect(second.content).toBe("Yes: at 21:40 there are 3,1 m – leave within the hour. 🌊");

  const sent: unknown = JSON.parse(rig.first.calls[1]?.text ?? "null");
  expect(sent).toMatchObject({ model: "maker/model-1", messages });

  const rows = await waitFor("both rows", () => {
    const found = readUsageRows(rig.gateway.database);
    return found.length === 2 ? found : undefined;
  });
  expect(rows).toMatchObject([
    { input_tokens: 412, output_tokens: 97, cached: 256, reasoning: 31, cost_nano_usd: 2_691_100 },
    { input_tokens: 611, output_tokens: 24, cached: 509, reasoning: 0, cost_nano_usd: 980_000 },
  ]);
});

/** One turn through the SDK's own accumulating helper. */
async function turnOf(
  messages: Messages,
  tools: Tools,
): Promise<OpenAI.Chat.ChatCompletionMessage> {
  const stream = rig.sdk.chat.completions.stream({
    model: "chat",
    messages,
    tools,
    stream_options: { include_usage: true },
  });
  const completion = await stream.finalChatCompletion();
  expect(completion.usage?.total_tokens).toBeGreaterThan(0);
  expect(completion.model).toBe("chat");
  const message = completion.choices[0]?.message;
  if (!message) throw new Error("the SDK gave no message");
  return message;
}

function tool(name: string): OpenAI.Chat.ChatCompletionTool {
  return {
    type: "function",
    function: { name, parameters: { type: "object", properties: { harbour: { type: "string" } } } },
  };
}
