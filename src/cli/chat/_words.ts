import { nearest } from "../../server/config/nearest.ts";
import { CommandError, UsageError } from "../_error.ts";

export type ChatWords = {
  readonly first: string | undefined;
  readonly second: string | undefined;
  readonly model: string | undefined;
  readonly prompt: string | undefined;
  /** What came on standard input, if it was a pipe or a file. */
  readonly piped: string | undefined;
};

export type Meant = { readonly model: string | undefined; readonly prompt: string | undefined };

/**
 * What the words of `xjp chat` mean. Two are a model and a prompt. One alone is a prompt when it holds white space; otherwise
 * the model, if the gateway knows it, if it has a slash, or if the prompt came another way; otherwise a prompt of one word.
 * A word that only just misses a model's name is refused, since it would be sent, and paid for, as a prompt.
 */
export async function readWords(
  words: ChatWords,
  known: () => Promise<readonly string[]>,
): Promise<Meant> {
  const { first, second } = words;
  if (second !== undefined) {
    if (words.model !== undefined || words.prompt !== undefined)
      throw new UsageError(`"${second}" is one word too many beside --model or --prompt`);
    return { model: first, prompt: joined(second, words.piped) };
  }
  if (first === undefined) return { model: words.model, prompt: joined(words.prompt, words.piped) };
  const isPrompt = await readsAsPrompt(first, words, known);
  if (!isPrompt) return { model: first, prompt: joined(words.prompt, words.piped) };
  if (words.prompt !== undefined)
    throw new UsageError(`there are two prompts: "${first}" and --prompt "${words.prompt}"`);
  return { model: words.model, prompt: joined(first, words.piped) };
}

async function readsAsPrompt(
  word: string,
  { model, prompt, piped }: ChatWords,
  known: () => Promise<readonly string[]>,
): Promise<boolean> {
  if (/\s/.test(word) || model !== undefined) return true;
  if (prompt !== undefined || piped !== undefined || word.includes("/")) return false;
  const names = await known();
  if (names.includes(word)) return false;
  const near = nearest(word, names);
  if (near === undefined) return true;
  throw new CommandError(
    `no model "${word}" (did you mean ${near}?); to send it as a prompt: xjp chat -p ${word}`,
  );
}

/** A prompt and what it is about: `git diff | xjp chat -p "review this"`. */
function joined(prompt: string | undefined, piped: string | undefined): string | undefined {
  if (prompt === undefined || piped === undefined) return prompt ?? piped;
  return `${prompt}\n\n${piped}`;
}
