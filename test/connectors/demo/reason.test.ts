import { describe, expect, test } from "bun:test";
import { ask, asking } from "./ask.ts";

async function reasoningTokens(effort: string): Promise<number> {
  const { reply } = await ask("reason", asking("one two", { reasoning_effort: effort }));
  return reply.usage?.reasoningTokens ?? Number.NaN;
}

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
