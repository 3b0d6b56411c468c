import { defineCommand } from "./_command.ts";
import { CommandError, UsageError } from "./_error.ts";
import { gatewayFlags, listModels, readGateway, type Gateway } from "./_gateway.ts";

export const chat = defineCommand({
  about: "talk to a model through a running gateway",
  args: {
    first: {
      type: "positional",
      required: false,
      valueHint: "MODEL",
      description: "the model; without it the first that xjp models lists",
    },
    second: {
      type: "positional",
      required: false,
      valueHint: "PROMPT",
      description: "asks this, prints the answer and ends",
    },
    prompt: { type: "string", alias: "p", valueHint: "TEXT", description: "the same as PROMPT" },
    model: { type: "string", alias: "m", valueHint: "NAME", description: "the same as MODEL" },
    system: {
      type: "string",
      alias: "s",
      valueHint: "TEXT",
      description: "instructions for the model",
    },
    ...gatewayFlags,
    color: { type: "boolean", default: true, description: "no colours" },
  },
  notes: [
    "A single word is the model if the gateway lists it, if it has a slash, or if the prompt comes by -p or",
    "standard input; otherwise it is the prompt. Text with a space in it is always the prompt.",
    "A pipe or file on standard input is the prompt, or is put below the one that was given.",
    "In the conversation /help lists what can be typed; Ctrl-C stops an answer, Ctrl-D leaves.",
  ].join("\n"),
  examples: [
    "xjp chat",
    "xjp chat openrouter/anthropic/claude-sonnet-4.5",
    'xjp chat "what is a monad?"',
    'git diff | xjp chat claude-sonnet-4.5 -p "review this"',
  ],
  async run(values, { terminal }) {
    const gateway = readGateway(values, process.env);
    const { readPiped } = await import("./chat/_piped.ts");
    const { readWords } = await import("./chat/_words.ts");
    const { newConversation } = await import("./chat/_conversation.ts");
    const piped = await readPiped(hasPrompt(values));
    const names = once(() => modelNames(gateway));
    const meant = await readWords({ ...values, piped }, names);
    if (meant.prompt === undefined && !terminal.interactive)
      throw new UsageError("no prompt: give one with -p, as a word, or on standard input");
    const model = meant.model ?? firstOf(await names(), gateway);
    const conversation = newConversation(model, values.system);
    const paint = values.color ? terminal.paint : plain;
    if (meant.prompt !== undefined) {
      const { answerOnce } = await import("./chat/_once.ts");
      conversation.turns = [{ role: "user", content: meant.prompt }];
      await answerOnce(gateway, conversation, terminal, paint);
      return;
    }
    const { converse } = await import("./chat/_repl.ts");
    await converse(gateway, conversation, terminal, paint);
  },
});

function hasPrompt(
  words: Readonly<Record<"first" | "second" | "prompt", string | undefined>>,
): boolean {
  return words.prompt !== undefined || words.second !== undefined || /\s/.test(words.first ?? "");
}

function plain(_style: string, text: string): string {
  return text;
}

async function modelNames(gateway: Gateway): Promise<readonly string[]> {
  return (await listModels(gateway)).map(({ id }) => id);
}

function firstOf(names: readonly string[], gateway: Gateway): string {
  const [name] = names;
  if (name === undefined)
    throw new CommandError(
      `the gateway at ${gateway.url} lists no models: name one, xjp chat PROVIDER/MODEL`,
    );
  return name;
}

function once<Result>(make: () => Promise<Result>): () => Promise<Result> {
  let made: Promise<Result> | undefined;
  return () => (made ??= make());
}
