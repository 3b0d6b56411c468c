import { Interrupted } from "../_error.ts";
import type { Gateway } from "../_gateway.ts";
import type { Paint, Terminal } from "../_terminal.ts";
import { requestOf, type Conversation } from "./_conversation.ts";
import { streamAnswer } from "./_stream.ts";
import { createView } from "./_view.ts";

/** Asks once, prints the answer while it arrives. Throws CommandError, or Interrupted after Ctrl-C. */
export async function answerOnce(
  gateway: Gateway,
  conversation: Conversation,
  terminal: Terminal,
  paint: Paint,
): Promise<void> {
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  process.once("SIGINT", onInterrupt);
  const view = createView(terminal, paint, () => performance.now());
  try {
    for await (const piece of streamAnswer(gateway, requestOf(conversation), stop.signal))
      view.show(piece);
  } catch (error) {
    if (stop.signal.aborted) throw new Interrupted("interrupted", { cause: error });
    throw error;
  } finally {
    view.close();
    process.off("SIGINT", onInterrupt);
  }
  view.footer();
  if (view.answer.finish === "length") terminal.warn("the answer was cut at the limit of tokens");
}
