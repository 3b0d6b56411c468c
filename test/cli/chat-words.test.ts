import { describe, expect, test } from "bun:test";
import { UsageError } from "../../src/cli/_error.ts";
import { readWords, type ChatWords, type Meant } from "../../src/cli/chat/_words.ts";

async function read(words: Partial<ChatWords>): Promise<Meant> {
  const nothing = {
    first: undefined,
    second: undefined,
    model: undefined,
    prompt: undefined,
    piped: undefined,
  };
  return readWords({ ...nothing, ...words }, async () => ["fast", "claude-sonnet-4.5"]);
}

describe("the words of xjp chat", () => {
  test.each<[string, Partial<ChatWords>, Partial<Meant>]>([
    ["nothing: a conversation with the first model", {}, {}],
    ["a model that the gateway lists", { first: "fast" }, { model: "fast" }],
    [
      "a model of a provider, listed or not",
      { first: "openrouter/x/y" },
      { model: "openrouter/x/y" },
    ],
    ["a word that is no model is a prompt", { first: "hello" }, { prompt: "hello" }],
    [
      "text with a space is a prompt, also with a slash",
      { first: "either/or what" },
      { prompt: "either/or what" },
    ],
    [
      "a model and a prompt",
      { first: "anything", second: "hi" },
      { model: "anything", prompt: "hi" },
    ],
    [
      "a word beside -p is the model",
      { first: "anything", prompt: "hi" },
      { model: "anything", prompt: "hi" },
    ],
    [
      "a word before a pipe is the model",
      { first: "anything", piped: "text" },
      { model: "anything", prompt: "text" },
    ],
    [
      "a word beside --model is the prompt",
      { first: "fast", model: "big" },
      { model: "big", prompt: "fast" },
    ],
    [
      "a pipe goes below the prompt",
      { first: "fast", prompt: "sum up", piped: "text" },
      { model: "fast", prompt: "sum up\n\ntext" },
    ],
    ["a pipe alone is the prompt", { piped: "text" }, { prompt: "text" }],
  ])("%s", async (_name, words, meant) => {
    expect(await read(words)).toEqual({ model: undefined, prompt: undefined, ...meant });
  });

  test("a slip in a model's name is not sent as a prompt", async () => {
    const error: unknown = await read({ first: "claude-sonet-4.5" }).catch(
      (thrown: unknown) => thrown,
    );
    expect(String(error)).toContain(
      'no model "claude-sonet-4.5" (did you mean claude-sonnet-4.5?)',
    );
  });

  test.each<Partial<ChatWords>>([
    { first: "fast", second: "hi", prompt: "ho" },
    { first: "fast", second: "hi", model: "big" },
    { first: "hi there", prompt: "ho" },
  ])("too many of a kind are refused: %j", async (words) => {
    const error: unknown = await read(words).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
  });
});
