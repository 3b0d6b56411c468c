import { describe, expect, test } from "bun:test";
import { createDemoConnector } from "../../src/connectors/demo.ts";
import { createCollector } from "../../src/connectors/hub/collect.ts";
import type { JsonObject } from "../../src/connectors/hub/json.ts";
import { errorOf } from "../support/rejection.ts";
import { ask, createDemo, createFakeClock, toCall, toRequest } from "./demo/ask.ts";

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, unit: { enum: ["celsius", "fahrenheit"] } },
      required: ["city", "unit"],
      additionalProperties: false,
    },
  },
};
const clock = { type: "function", function: { name: "get_time" } };

function asking(content: string, more: JsonObject = {}): JsonObject {
  return { messages: [{ role: "user", content }], ...more };
}

/** Name and arguments of each call in the answer; the type of what is no call. */
async function callsIn(content: string, more: JsonObject): Promise<readonly string[][]> {
  const { reply } = await ask("tools", asking(content, more));
  return reply.parts.map((part) =>
    part.type === "tool-call" ? [part.name, part.arguments] : [part.type],
  );
}

async function reasoningTokens(effort: string): Promise<number> {
  const { reply } = await ask("reason", asking("one two", { reasoning_effort: effort }));
  return reply.usage?.reasoningTokens ?? Number.NaN;
}

/** The text before an answer failed, and how it failed. */
async function textBeforeFailure(model: string, stream: boolean): Promise<readonly string[]> {
  const collector = createCollector();
  const types = new Set<string>();
  const listen = async (): Promise<void> => {
    const request = toRequest(asking("hi", { stream }));
    const call = toCall(`${model}@max`);
    const messages = stream
      ? createDemo().chat(request, call)
      : [await createDemo().complete(request, call)];
    for await (const { events } of messages) {
      for (const event of events) {
        collector.push(event);
        types.add(event.type);
      }
    }
  };
  const error = await errorOf(listen());
  expect(types.has("finish")).toBe(false);
  const [part] = collector.reply().parts;
  return [part?.type === "text" ? part.text : "", error.kind, error.timer ?? ""];
}

describe("echo", () => {
  test("says the last user text again, character for character", async () => {
    const text = "Zwölf Boxkämpfer\n\njagen 魚 and 👩‍👩‍👧 …  \t";
    expect((await ask("echo", text)).text).toBe(text);
    expect((await ask("echo", asking(text, { stream: true }))).text).toBe(text);
  });

  test("names kind, type and size of media", async () => {
    const { text } = await ask("echo", {
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "Look:" },
            { type: "image_url", image_url: { url: "data:image/png;base64,aGVsbG8=" } },
            { type: "image_url", image_url: { url: "https://example.com/cat.jpg" } },
            { type: "input_audio", input_audio: { data: "aGk=", format: "wav" } },
            {
              type: "file",
              file: { filename: "a.pdf", file_data: "data:application/pdf;base64,YQ==" },
            },
          ],
        },
      ],
    });
    expect(text.split("\n")).toEqual([
      "Look:",
      "[image image/png, 5 bytes]",
      expect.stringMatching(/^\[image.* at https:\/\/example\.com\/cat\.jpg\]$/),
      "[audio audio/wav, 2 bytes]",
      '[file "a.pdf" application/pdf, 1 byte]',
    ]);
  });

  test("answers the last of several turns", async () => {
    const { text } = await ask("echo", {
      messages: [
        { role: "user", content: "first" },
        { role: "assistant", content: "first" },
        { role: "user", content: "second" },
      ],
    });
    expect(text).toBe("second");
  });
});

describe("a stream", () => {
  test("adds up to the unstreamed answer, and each ends with its usage and one finish", async () => {
    for (const model of ["story@max", "reason@max", "echo@max", "json@max"]) {
      const streamed = await ask(model, asking("Tell me about Paris", { stream: true }));
      const whole = await ask(model, asking("Tell me about Paris"));
      expect(streamed.reply).toEqual(whole.reply);
      expect(whole.messages).toHaveLength(1);
      expect(streamed.messages.length).toBeGreaterThan(3);
      expect(streamed.events.slice(-2).map((event) => event.type)).toEqual(["usage", "finish"]);
      expect(streamed.events.filter((event) => event.type === "finish")).toHaveLength(1);
    }
  });

  test("opens each block once before it grows and closes it once after", async () => {
    for (const model of ["reason@max", "tools@max", "story@max"]) {
      const body = asking("both Paris and Rome", { stream: true, tools: [weather] });
      const { events } = await ask(model, body);
      const open = new Set<number>();
      const seen = new Set<number>();
      for (const event of events) {
        if (!("index" in event)) continue;
        if (event.type.endsWith("-start")) {
          expect(event.index).toBe(seen.size);
          seen.add(event.index);
          open.add(event.index);
        } else expect(open.has(event.index)).toBe(true);
        if (event.type.endsWith("-end")) open.delete(event.index);
      }
      expect(open.size).toBe(0);
      expect(seen.size).toBeGreaterThan(0);
    }
  });

  test("is the same each time, ids included", async () => {
    const body = asking("both Paris and Rome", { stream: true, tools: [weather] });
    for (const model of ["tools@max", "story@max", "reason@max"]) {
      expect((await ask(model, body)).events).toEqual((await ask(model, body)).events);
    }
  });
});

describe("pace", () => {
  test("is 40 tokens a second unless the name says otherwise, the first token at once", async () => {
    const body = asking("one two three four five", { stream: true });
    for (const [model, gap] of [
      ["echo", 25],
      ["echo@200", 5],
      ["echo@0.5", 2000],
    ] as const) {
      const time = createFakeClock();
      await ask(model, body, { connector: createDemo(time) });
      expect(time.waits).toEqual([gap, gap, gap, gap]);
    }
  });

  test("is none with @max, and none by default for an unstreamed answer", async () => {
    const time = createFakeClock();
    const connector = createDemo(time);
    await ask("story@max", asking("go", { stream: true }), { connector });
    await ask("story", "go", { connector });
    expect(time.waits).toEqual([]);
  });

  test("catches up after a late token", async () => {
    let now = 0;
    const waits: number[] = [];
    const slow = {
      now: () => now,
      wait: (ms: number): Promise<void> => {
        waits.push(ms);
        now += waits.length === 1 ? 60 : ms;
        return Promise.resolve();
      },
    };
    await ask("echo@100", asking("one two three four five six seven eight", { stream: true }), {
      connector: createDemo(slow),
    });
    expect(waits).toEqual([10, 10]);
  });

  test("that is no number is refused with the model named", async () => {
    for (const model of ["story@fast", "story@0", "story@-1", "story@", "story@NaN"]) {
      const error = await errorOf(ask(model, "go"));
      expect(error.kind).toBe("invalid-request");
      expect(error.param).toBe("model");
      expect(error.message).toContain(model);
    }
  });

  test("slower than the headers timer lets an unstreamed answer run into it", async () => {
    const error = await errorOf(ask("story@1", "go"));
    expect([error.kind, error.timer]).toEqual(["timeout", "headers"]);
  });
});

describe("limits", () => {
  test("max tokens cut the answer and the reason is length", async () => {
    const { reply } = await ask("story", asking("go", { max_tokens: 7 }));
    expect(reply.finish).toBe("length");
    expect(reply.usage?.outputTokens).toBe(7);
  });

  test("max tokens count reasoning too", async () => {
    const { reply } = await ask("reason", asking("go", { max_completion_tokens: 3 }));
    expect(reply.parts.map((part) => part.type)).toEqual(["reasoning"]);
    expect(reply.usage).toMatchObject({ outputTokens: 3, reasoningTokens: 3 });
    expect(reply.finish).toBe("length");
  });

  test("an answer of just the allowed length ends of its own accord", async () => {
    const { reply, text } = await ask("echo", asking("one two three", { max_tokens: 3 }));
    expect([text, reply.finish]).toEqual(["one two three", "stop"]);
  });

  test("the earliest stop sequence ends the text before it", async () => {
    const { reply, text } = await ask("echo", asking("a b END c STOP", { stop: ["STOP", "END"] }));
    expect(text).toBe("a b ");
    expect([reply.finish, reply.stopSequence]).toEqual(["stop-sequence", "END"]);
  });

  test("the seed changes the story and nothing else does", async () => {
    const told = await Promise.all(
      [0, 1, 2, 3].map(async (seed) => (await ask("story", asking("go", { seed }))).text),
    );
    expect(new Set(told).size).toBeGreaterThan(1);
    expect((await ask("story", asking("other words"))).text).toBe(told[0] ?? "");
  });
});

describe("usage", () => {
  test("counts words of up to six letters, ideographs and signs as a token each", async () => {
    const { reply } = await ask("echo", "streaming, 你好");
    // "stream" "ing" "," " 你" "好", and four more for the message.
    expect(reply.usage).toEqual({
      inputTokens: 9,
      outputTokens: 5,
      cacheReadTokens: 0,
      reasoningTokens: 0,
      source: "reported",
    });
  });

  test("reports the prompt of the earlier turn as read from the cache once it is long", async () => {
    const long = "word ".repeat(1500);
    const turns = [
      { role: "user", content: long },
      { role: "assistant", content: "yes" },
      { role: "user", content: "more" },
    ];
    const { reply } = await ask("echo", { messages: turns });
    expect(reply.usage?.cacheReadTokens).toBe(1408);
    expect(reply.usage?.inputTokens).toBeGreaterThan(1500);
    expect((await ask("echo", long)).reply.usage?.cacheReadTokens).toBe(0);
  });
});

describe("reason", () => {
  test("thinks, then answers, and reports both", async () => {
    const { reply, text } = await ask("reason", "What is extraordinary here?");
    expect(reply.parts.map((part) => part.type)).toEqual(["reasoning", "text"]);
    expect(text).toBe('Your message has 4 words, and "extraordinary" is the longest of them.');
    expect((await ask("reason", "Really?")).text).toBe('Your message has one word: "Really".');
    const { reasoningTokens: thought = 0, outputTokens = 0 } = reply.usage ?? {};
    expect(thought).toBeGreaterThan(0);
    expect(outputTokens).toBeGreaterThan(thought);
    expect(reply.parts[0]).toHaveProperty("signature");
  });

  test("does not think when told not to, and thinks longer with more effort", async () => {
    expect(await reasoningTokens("none")).toBe(0);
    expect(await reasoningTokens("high")).toBeGreaterThan(await reasoningTokens("low"));
  });

  test("pays for hidden thoughts without showing them", async () => {
    const shown = await ask("reason", asking("one two", { reasoning: { exclude: false } }));
    const hidden = await ask("reason", asking("one two", { reasoning: { exclude: true } }));
    expect(hidden.reply.parts).toEqual(shown.reply.parts.slice(1));
    expect(hidden.reply.usage).toEqual(shown.reply.usage);
    expect(hidden.events.find((event) => event.type === "text-start")).toMatchObject({ index: 0 });
  });
});

describe("tools", () => {
  test("calls a tool with arguments that its schema allows", async () => {
    const { reply } = await ask("tools", asking("Weather in Paris?", { tools: [weather] }));
    expect(reply.finish).toBe("tool-calls");
    expect(reply.parts).toMatchObject([
      { name: "get_weather", arguments: '{"city":"Paris","unit":"celsius"}' },
    ]);
  });

  test("calls several at once when asked, with ids of their own", async () => {
    const body = asking("The weather in both Paris and Rome", { tools: [weather] });
    const { reply } = await ask("tools", body);
    expect(reply.parts).toMatchObject([
      { arguments: '{"city":"Paris","unit":"celsius"}' },
      { arguments: '{"city":"Rome","unit":"celsius"}' },
    ]);
    expect(new Set(reply.parts.map((part) => "id" in part && part.id)).size).toBe(2);
    expect(await callsIn("use all of them", { tools: [weather, clock] })).toHaveLength(2);
  });

  test("calls one at a time when parallel calls are switched off", async () => {
    const tools = [weather, clock];
    expect(await callsIn("both, please", { tools, parallel_tool_calls: false })).toHaveLength(1);
  });

  test("prefers the tool that the user names", async () => {
    expect(await callsIn("use get_time", { tools: [weather, clock] })).toEqual([
      ["get_time", "{}"],
    ]);
  });

  test("keeps to tool_choice", async () => {
    const tools = [weather, clock];
    const named = { type: "function", function: { name: "get_time" } };
    expect(await callsIn("go", { tools, tool_choice: named })).toEqual([["get_time", "{}"]]);
    expect(await callsIn("go", { tools, tool_choice: "none" })).toEqual([["text"]]);
    const [required] = await callsIn("go", { tools, tool_choice: "required" });
    expect(required?.[0]).toBe("get_weather");
    const allowed = {
      type: "allowed_tools",
      allowed_tools: {
        mode: "auto",
        tools: [{ type: "function", function: { name: "get_time" } }],
      },
    };
    expect(await callsIn("go", { tools, tool_choice: allowed })).toEqual([["get_time", "{}"]]);
  });

  test("refuses a tool_choice that cannot be met", async () => {
    const unknown = { type: "function", function: { name: "get_tea" } };
    for (const body of [{ tool_choice: "required" }, { tools: [weather], tool_choice: unknown }]) {
      const error = await errorOf(callsIn("go", body));
      expect([error.kind, error.param]).toEqual(["invalid-request", "tool_choice"]);
    }
  });

  test("answers with what the tools gave back", async () => {
    const { reply, text } = await ask("tools", {
      messages: [
        { role: "user", content: "Weather in Paris?" },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            {
              id: "c1",
              type: "function",
              function: { name: "get_weather", arguments: '{"city":"Paris"}' },
            },
          ],
        },
        { role: "tool", tool_call_id: "c1", content: "21 degrees" },
      ],
      tools: [weather],
    });
    expect(reply.finish).toBe("stop");
    expect(text).toBe('get_weather({"city":"Paris"}) says: 21 degrees');
  });

  test("says so when there is nothing to call", async () => {
    expect((await ask("tools", "go")).text).toContain("offered none");
  });
});

describe("output formats", () => {
  const schema = {
    type: "object",
    properties: { name: { type: "string" }, tags: { type: "array", items: { type: "string" } } },
    required: ["name", "tags"],
    additionalProperties: false,
  };
  const format = {
    type: "json_schema",
    json_schema: { name: "thing", schema, strict: true },
  };

  test("a JSON schema is kept to by every model that speaks", async () => {
    for (const model of ["json", "echo", "story", "reason"]) {
      const { text } = await ask(model, asking("About Berlin", { response_format: format }));
      expect(JSON.parse(text)).toEqual({ name: "Berlin", tags: ["tags"] });
    }
  });

  test("a JSON object is one, and json gives one unasked", async () => {
    const object = { response_format: { type: "json_object" } };
    expect(JSON.parse((await ask("echo", asking("hi", object))).text)).toEqual({ answer: "hi" });
    expect(JSON.parse((await ask("json", "hi")).text)).toEqual({ answer: "hi" });
  });

  test("a schema that allows nothing is refused with its field", async () => {
    const impossible = { type: "json_schema", json_schema: { name: "x", schema: { not: {} } } };
    const error = await errorOf(ask("json", asking("hi", { response_format: impossible })));
    expect([error.kind, error.param]).toEqual([
      "invalid-request",
      "response_format.json_schema.schema",
    ]);
  });

  test("log probabilities are of certainty, one for each token", async () => {
    const { reply } = await ask("echo", asking("one two", { logprobs: true, top_logprobs: 2 }));
    expect(reply.logprobs?.content).toMatchObject([
      { token: "one", logprob: 0, top_logprobs: [{ token: "one" }] },
      { token: " two", logprob: 0, bytes: [32, 116, 119, 111] },
    ]);
  });
});

test("its models are there at every pace, and no others", () => {
  const { has } = createDemo();
  for (const model of ["echo", "story@max", "fail-cut@20"]) expect(has?.(model)).toBe(true);
  for (const model of ["eco", "story@", "story@fast", "", "fail-"])
    expect(has?.(model)).toBe(false);
});

describe("what cannot be done", () => {
  test("several answers are refused with n", async () => {
    const error = await errorOf(ask("echo", asking("hi", { n: 2 })));
    expect([error.kind, error.param, error.traits.tryElsewhere]).toEqual([
      "invalid-request",
      "n",
      true,
    ]);
    expect(error.message).toBe("n: the demo provider gives one answer to a request, asked for 2");
  });

  test("a field that nobody here knows is refused, or dropped where it is harmless", async () => {
    const dropped: string[] = [];
    const call = toCall("echo@max", { drop: (field) => dropped.push(field) });
    const request = { ...toRequest("hi"), unmapped: [{ field: "odd", harmless: true }] };
    await createDemo().complete(request, call);
    expect(dropped).toEqual(["odd"]);
    const audio = { ...request, unmapped: [{ field: "modalities", harmless: false }] };
    const error = await errorOf(createDemo().complete(audio, call));
    expect([error.param, error.traits.tryElsewhere]).toEqual(["modalities", true]);
    expect(error.message).toBe("modalities: the demo provider does not know what to do with this");
  });

  test("what makes no difference here is named to whoever asked", async () => {
    const dropped: string[] = [];
    await ask("echo", asking("hi", { temperature: 1, top_p: 0.5, reasoning_effort: "low" }), {
      drop: (field) => dropped.push(field),
    });
    expect(dropped.toSorted()).toEqual(["reasoning", "temperature", "top_p"]);
  });

  test("a model that does not exist is not found, and those that do are named", async () => {
    const error = await errorOf(ask("sotry", "hi"));
    expect([error.kind, error.code]).toEqual(["not-found", "model_not_found"]);
    expect(error.message).toContain("story");
  });
});

describe("failing models", () => {
  test.each([
    ["fail-400", "invalid-request", 400],
    ["fail-401", "unavailable", 401],
    ["fail-429", "rate-limited", 429],
    ["fail-500", "unavailable", 500],
    ["fail-503", "unavailable", 503],
    ["fail-context", "invalid-request", 400],
    ["fail-refuse", "refused", 400],
  ])("%s is %s with upstream status %i", async (model, kind, status) => {
    const error = await errorOf(ask(model, asking("hi", { stream: true })));
    expect(error).toMatchObject({ kind, upstreamStatus: status });
  });

  test("fail-429 asks for two seconds of patience and may be tried elsewhere", async () => {
    const error = await errorOf(ask("fail-429", "hi"));
    expect(error.retryAfterMs).toBe(2000);
    expect(error.traits).toMatchObject({ origin: "provider", tryElsewhere: true });
  });

  test("fail-context says so in the word that clients know", async () => {
    expect((await errorOf(ask("fail-context", "hi"))).code).toBe("context_length_exceeded");
  });

  test("fail-timeout runs into the headers timer", async () => {
    const time = createFakeClock();
    const error = await errorOf(ask("fail-timeout", "hi", { connector: createDemo(time) }));
    expect([error.kind, error.timer]).toEqual(["timeout", "headers"]);
    expect(time.waits).toEqual([60_000]);
  });

  test("fail-cut breaks half-way, and an unstreamed answer gives nothing", async () => {
    const [text, ...failure] = await textBeforeFailure("fail-cut", true);
    expect(text?.length).toBeGreaterThan(500);
    expect(failure).toEqual(["bad-upstream", ""]);
    expect(await textBeforeFailure("fail-cut", false)).toEqual(["", "bad-upstream", ""]);
  });

  test("fail-stall goes silent half-way until the idle timer, unstreamed until the headers timer", async () => {
    const [text, ...failure] = await textBeforeFailure("fail-stall", true);
    expect(text?.length).toBeGreaterThan(500);
    expect(failure).toEqual(["timeout", "idle"]);
    expect(await textBeforeFailure("fail-stall", false)).toEqual(["", "timeout", "headers"]);
  });

  test("fail-once fails for each conversation the first time only", async () => {
    const connector = createDemo();
    for (const words of ["one", "two"]) {
      const error = await errorOf(ask("fail-once", words, { connector }));
      expect(error).toMatchObject({ kind: "unavailable", upstreamStatus: 500 });
      expect(error.traits.retryHere).toBe(true);
      expect((await ask("fail-once", words, { connector })).text).toContain("second try");
    }
  });

  test("fail-empty ends well without a word", async () => {
    const { reply } = await ask("fail-empty", asking("hi", { stream: true }));
    expect(reply.parts).toEqual([]);
    expect([reply.finish, reply.usage?.outputTokens]).toEqual(["stop", 0]);
  });
});

test("the machine's own clock keeps the pace too", async () => {
  const connector = createDemoConnector({ name: "demo" });
  const before = performance.now();
  const { text } = await ask("echo@500", asking("one two three four", { stream: true }), {
    connector,
  });
  expect(text).toBe("one two three four");
  expect(performance.now() - before).toBeGreaterThan(5);
});

describe("an aborted call", () => {
  test("ends at once, on the real clock, wherever it stands", async () => {
    for (const model of ["story@0.01", "fail-timeout", "fail-stall@max"]) {
      const controller = new AbortController();
      const request = toRequest(asking("hi", { stream: true }));
      const stream = createDemoConnector({ name: "demo" }).chat(
        request,
        toCall(model, { signal: controller.signal }),
      );
      const ended = errorOf(Array.fromAsync(stream));
      const before = performance.now();
      // By then the first token is out and the stream waits.
      setTimeout(() => controller.abort(), 5);
      expect((await ended).kind).toBe("cancelled");
      expect(performance.now() - before).toBeLessThan(1000);
    }
  });

  test("that was aborted before it began says nothing", async () => {
    const error = await errorOf(ask("echo@max", "hi", { signal: AbortSignal.abort() }));
    expect(error.kind).toBe("cancelled");
  });
});

test("lists all its models under names that it answers to", async () => {
  const models = await createDemo().models?.(new AbortController().signal);
  const ids = models?.map((model) => model.id) ?? [];
  expect(ids.slice(0, 5)).toEqual(["echo", "story", "reason", "tools", "json"]);
  expect(ids.filter((id) => id.startsWith("fail-"))).toHaveLength(12);
  expect(models?.every((model) => model.displayName?.startsWith(model.id))).toBe(true);
});
