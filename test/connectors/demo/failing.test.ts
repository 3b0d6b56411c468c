import { describe, expect, test } from "bun:test";
import { createCollector } from "../../../src/connectors/hub/collect.ts";
import { errorOf } from "../../support/rejection.ts";
import { ask, asking, createDemo, createFakeClock, toCall, toRequest } from "./ask.ts";

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
