import { describe, expect, test } from "bun:test";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import type { ChatEvent } from "../../../src/connectors/hub/event.ts";
import type { Json } from "../../../src/connectors/hub/json.ts";
import { readRecovery } from "../../../src/server/gateway/recovery.ts";
import type { Script } from "./_setup.ts";
import { route, setup } from "./_targets.ts";

const cut = new ChatError("bad-upstream", "the stream broke off");
const mistake = new ChatError("invalid-request", "the last message must be the user's", {
  upstreamStatus: 400,
});
const able = { stated: { prefill: true } };

function said(text: string, ...more: string[]): readonly ChatEvent[] {
  return [
    { type: "start", id: "x", model: "m" },
    { type: "text-start", index: 0 },
    ...[text, ...more].map((each) => ({ type: "text-delta", index: 0, text: each }) as const),
  ];
}

function whole(text: string, input = 10, output = 5): Script {
  return {
    events: [
      ...said(text),
      { type: "text-end", index: 0 },
      { type: "usage", usage: { inputTokens: input, outputTokens: output, source: "reported" } },
      { type: "finish", reason: "stop" },
    ],
  };
}

function broken(text: string): Script {
  return { events: said(text), error: cut };
}

const thoughts = (text: string): readonly ChatEvent[] => [
  { type: "reasoning-start", index: 0, form: "text" },
  { type: "reasoning-delta", index: 0, text },
];

/** What holds for every answer that a client takes for a good one. */
function expectWellFormed(events: readonly ChatEvent[]): void {
  const open = new Set<number>();
  let finishes = 0;
  for (const event of events) {
    expect(finishes).toBe(0);
    if (event.type === "finish") finishes += 1;
    if (!("index" in event)) continue;
    if (event.type.endsWith("-start")) {
      expect(open.has(event.index)).toBe(false);
      open.add(event.index);
    } else {
      expect(open.has(event.index)).toBe(true);
      if (event.type.endsWith("-end")) open.delete(event.index);
    }
  }
  expect([finishes, open.size]).toEqual([1, 0]);
  expect(events.filter((event) => event.type === "start")).toHaveLength(1);
}

describe("a stream that breaks", () => {
  test("ends with the error unless recovery is wanted", async () => {
    const { run, attempts } = setup({ a: [broken("Once upon")], b: [whole("Once upon a time")] });
    const ran = await run([route("a"), route("b", able)]);
    expect([ran.text, ran.error]).toEqual(["Once upon", cut]);
    expect(attempts).toEqual(["a:bad-upstream"]);
  });
});

describe("a buffered stream", () => {
  test("shows nothing of an attempt that broke, and bills both", async () => {
    const { run, attempts } = setup({
      a: [{ events: [...said("Once upon"), usage(7, 2)], error: cut }],
      b: [whole("It was a dark night", 10, 5)],
    });
    const ran = await run([route("a"), route("b")], { recovery: "buffer" });
    expect(ran.text).toBe("It was a dark night");
    expectWellFormed(ran.events);
    expect(attempts).toEqual(["a:bad-upstream", "b:ok"]);
    expect(ran.row).toMatchObject({ inputTokens: 17, provider: "b", attempts: 2, status: "ok" });
  });

  test("fails as a whole when nobody is left", async () => {
    const { run } = setup({ a: [broken("Once")], b: [broken("It")] });
    const ran = await run([route("a"), route("b")], { recovery: "buffer" });
    expect([ran.events.length, ran.error]).toEqual([0, cut]);
    expect([ran.exchange.committed, ran.row.outputTokens > 1]).toEqual([false, true]);
  });
});

describe("a continued stream", () => {
  test("is gone on with by a target that takes the beginning of its answer", async () => {
    const { run, connectors } = setup({
      a: [broken("Once upon ")],
      b: [whole(" a time", 20, 3)],
    });
    const ran = await run([route("a"), route("b", able)], {
      recovery: "continue",
      request: {
        source: {
          dialect: "openai-chat",
          text: "",
          body: { model: "fast", extra: 1, messages: [{ role: "user", content: "Tell!" }] },
        },
      },
    });
    expect([ran.text, ran.error]).toEqual(["Once upon a time", undefined]);
    expectWellFormed(ran.events);
    const asked = connectors["b"]?.requests[0];
    expect(asked?.messages.at(-1)).toEqual({
      role: "assistant",
      parts: [{ type: "text", text: "Once upon" }],
    });
    const sent: Json = JSON.parse(asked?.source.text ?? "");
    expect(sent).toEqual({
      model: "fast",
      extra: 1,
      messages: [
        { role: "user", content: "Tell!" },
        { role: "assistant", content: "Once upon" },
      ],
    });
  });

  test("bills what both have used and tells the client the same", async () => {
    const { run } = setup({
      a: [{ events: [...said("Once upon"), usage(7, 2)], error: cut }],
      b: [whole(" a time", 20, 3)],
    });
    const ran = await run([route("a"), route("b", able)], { recovery: "continue" });
    const told = ran.events.findLast((event) => event.type === "usage");
    expect(told).toMatchObject({ usage: { inputTokens: 27, outputTokens: ran.row.outputTokens } });
    expect(ran.row).toMatchObject({ inputTokens: 27, provider: "b", attempts: 2 });
  });

  test("may break again and again", async () => {
    const { run } = setup({
      a: [broken("One "), broken("three ")],
      b: [broken("two "), whole("four")],
    });
    const ran = await run([route("a", able), route("b", able)], { recovery: "continue" });
    expect([ran.text, ran.error]).toEqual(["One two three four", undefined]);
    expectWellFormed(ran.events);
    expect(ran.exchange.attempts).toBe(4);
  });

  test("is asked for anew where the beginning is refused, and its rest is sent", async () => {
    const { run, attempts } = setup({
      a: [broken("Once upon")],
      b: [{ error: mistake }, whole("Once upon a time")],
    });
    const ran = await run([route("a"), route("b", able)], { recovery: "continue" });
    expect([ran.text, ran.error]).toEqual(["Once upon a time", undefined]);
    expectWellFormed(ran.events);
    expect(attempts).toEqual(["a:bad-upstream", "b:invalid-request", "b:ok"]);
  });

  test("ends with the error when the new answer is another one, and all of it is billed", async () => {
    const { run } = setup({
      a: [broken("Once upon")],
      b: [{ error: mistake }, whole("It was a dark night", 20, 6)],
    });
    const ran = await run([route("a"), route("b", able)], { recovery: "continue" });
    expect(ran.text).toBe("Once upon");
    expect(ran.error?.message).toContain("the stream broke off; nobody could go on");
    expect(ran.error?.told).toBe(ran.error?.message);
    expect(ran.row.inputTokens).toBeGreaterThan(20);
    expect(ran.row.outputTokens).toBeGreaterThan(6);
  });

  test("is buffered from the start where nobody could go on", async () => {
    const { run } = setup({ a: [broken("Once upon")], b: [whole("It was a dark night")] });
    const ran = await run([route("a"), route("b")], { recovery: "continue" });
    expect([ran.text, ran.error]).toEqual(["It was a dark night", undefined]);
  });

  test("keeps its thoughts and does not think twice aloud", async () => {
    const { run } = setup({
      a: [{ events: [{ type: "start", id: "x" }, ...thoughts("Hm")], error: cut }],
      b: [
        {
          events: [
            { type: "start", id: "y" },
            ...thoughts("Well"),
            { type: "reasoning-end", index: 0 },
            { type: "text-start", index: 1 },
            { type: "text-delta", index: 1, text: "Once" },
            { type: "text-end", index: 1 },
            { type: "finish", reason: "stop" },
          ],
        },
      ],
    });
    const ran = await run([route("a"), route("b", able)], { recovery: "continue" });
    expect([ran.text, ran.error]).toEqual(["Once", undefined]);
    expectWellFormed(ran.events);
    expect(ran.seen.filter((type) => type === "reasoning-delta")).toHaveLength(1);
  });

  test("is not gone on with once a tool has been called", async () => {
    const call: readonly ChatEvent[] = [
      { type: "tool-start", index: 1, id: "call", name: "look" },
      { type: "tool-delta", index: 1, arguments: '{"at":' },
    ];
    const { run, attempts } = setup({
      a: [{ events: [...said("Let me see."), ...call], error: cut }],
      b: [whole("x")],
    });
    const ran = await run([route("a"), route("b", able)], { recovery: "continue" });
    expect(ran.error).toBe(cut);
    expect(attempts).toHaveLength(1);
  });
});

describe("x-xjp-recovery", () => {
  test("says what is wanted, in any case, or nothing", () => {
    expect(readRecovery(new Headers({ "x-xjp-recovery": "Continue" }))).toBe("continue");
    expect(readRecovery(new Headers())).toBeUndefined();
  });

  test("is refused when it says something else", () => {
    const headers = new Headers({ "x-xjp-recovery": "retry" });
    expect(() => readRecovery(headers)).toThrow("it must be error, buffer or continue");
  });
});

function usage(inputTokens: number, outputTokens: number): ChatEvent {
  return { type: "usage", usage: { inputTokens, outputTokens, source: "reported" } };
}
