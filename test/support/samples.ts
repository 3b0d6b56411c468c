/** What a small provider says in OpenAI's shape, for tests that are about something else than the words. */

/** The provider's own name for the model of all samples. */
export const PROVIDER_MODEL = "maker/model-1";

export type Tokens = { readonly input: number; readonly output: number; readonly cost?: number };

/** A whole reply. Without tokens the provider reports no usage. */
export function reply(text: string, tokens?: Tokens): string {
  return JSON.stringify({
    id: "gen-sample",
    object: "chat.completion",
    created: 1_790_000_000,
    model: PROVIDER_MODEL,
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    ...(tokens ? { usage: usage(tokens) } : {}),
  });
}

/** One piece of a streamed answer. */
export function chunk(text: string): string {
  return JSON.stringify(withChoices([{ index: 0, delta: { content: text }, finish_reason: null }]));
}

/** The last piece of a streamed answer. */
export function lastChunk(): string {
  return JSON.stringify(withChoices([{ index: 0, delta: {}, finish_reason: "stop" }]));
}

/** What a provider says of usage at the end of a stream. */
export function usageChunk(tokens: Tokens): string {
  return JSON.stringify({ ...withChoices([]), usage: usage(tokens) });
}

/** One event of a stream. */
export function event(payload: string): string {
  return `data: ${payload}\n\n`;
}

function withChoices(choices: readonly object[]): object {
  return {
    id: "gen-sample",
    object: "chat.completion.chunk",
    created: 1_790_000_000,
    model: PROVIDER_MODEL,
    choices,
  };
}

function usage(tokens: Tokens): object {
  return {
    prompt_tokens: tokens.input,
    completion_tokens: tokens.output,
    total_tokens: tokens.input + tokens.output,
    ...(tokens.cost === undefined ? {} : { cost: tokens.cost }),
  };
}
