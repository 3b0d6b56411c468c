import { describe, expect, test } from "bun:test";
import { createDemoConnector } from "../../src/connectors/demo.ts";
import { errorOf } from "../support/rejection.ts";
import {
  ask,
  asking,
  createDemo,
  createFakeClock,
  toCall,
  toRequest,
  weather,
} from "./demo/ask.ts";

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
