import { CommandError } from "../_error.ts";
import { listModels, type Gateway } from "../_gateway.ts";
import type { Paint, Terminal } from "../_terminal.ts";
import { completeCommand, runCommand, type Desk } from "./_commands.ts";
import { addSpent, requestOf, stoppedMark, type Conversation, type Turn } from "./_conversation.ts";
import { openLineHistory } from "./_history.ts";
import { createPrompt } from "./_prompt.ts";
import { streamAnswer } from "./_stream.ts";
import { createView, type Answer } from "./_view.ts";

/** Talks until the person leaves. What goes wrong with one answer is said, and the talk goes on. */
export async function converse(
  gateway: Gateway,
  conversation: Conversation,
  terminal: Terminal,
  paint: Paint,
): Promise<void> {
  const history = openLineHistory(process.env);
  const prompt = createPrompt({
    output: process.stdout.isTTY ? process.stdout : process.stderr,
    prompt: paint("cyan", "› "),
    continuation: paint("dim", "· "),
    history: history.lines,
    onLine: (line) => history.add(line),
    complete: completeCommand,
  });
  const desk: Desk = {
    conversation,
    say: (message) => terminal.info(paint("dim", message)),
    models: async () => (await listModels(gateway)).map(({ id }) => id),
  };
  desk.say(`${conversation.model} at ${gateway.url} – /help lists commands`);
  try {
    for (;;) {
      const text = await prompt.next();
      if (text === undefined) return;
      if (text.trim() === "") continue;
      try {
        if (text.startsWith("/")) {
          if ((await runCommand(text, desk)) === "leave") return;
        } else await answer(gateway, conversation, text.trim(), terminal, paint);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        terminal.error(error.message);
      }
    }
  } finally {
    prompt.close();
  }
}

/** One turn. A question whose answer failed is forgotten, so that it can be asked again; a stopped answer is kept, marked. */
async function answer(
  gateway: Gateway,
  conversation: Conversation,
  question: string,
  terminal: Terminal,
  paint: Paint,
): Promise<void> {
  const before = conversation.turns;
  conversation.turns = [...before, { role: "user", content: question }];
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  process.on("SIGINT", onInterrupt);
  const view = createView(terminal, paint, () => performance.now());
  try {
    for await (const piece of streamAnswer(gateway, requestOf(conversation), stop.signal))
      view.show(piece);
    if (view.answer.text === "" && view.answer.tools.length === 0)
      throw new CommandError("the answer is empty");
  } catch (error) {
    if (!stop.signal.aborted) {
      conversation.turns = before;
      throw error;
    }
  } finally {
    process.off("SIGINT", onInterrupt);
    view.close();
  }
  conversation.turns = [...conversation.turns, spoken(view.answer, stop.signal.aborted)];
  addSpent(conversation, view.answer.spent);
  if (stop.signal.aborted) terminal.info(paint("dim", "stopped"));
  else view.footer();
}

/** What the model is told next time that it said. It has no tools here, so a call is only told of. */
function spoken({ text, tools }: Answer, stopped: boolean): Turn {
  const calls = tools.map((tool) => `[called ${tool.name}(${tool.arguments})]`);
  const said = [text, ...calls, ...(stopped ? [stoppedMark] : [])].filter((part) => part !== "");
  return { role: "assistant", content: said.join("\n") };
}
