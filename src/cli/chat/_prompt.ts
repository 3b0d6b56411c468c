import { createInterface } from "node:readline";

/** Where a person types. Between two `next()` the terminal is in its ordinary state, so that Ctrl-C is a signal. */
export type Prompt = {
  /** What was typed, lines joined; undefined when the person wants to leave (Ctrl-D, or Ctrl-C twice). */
  next(): Promise<string | undefined>;
  close(): void;
};

export type PromptOptions = {
  readonly output: NodeJS.WriteStream;
  readonly prompt: string;
  readonly continuation: string;
  /** Newest first. */
  readonly history: readonly string[];
  /** Called with each line that was entered. */
  readonly onLine: (line: string) => void;
  /** The words that may complete what was typed so far. */
  readonly complete: (line: string) => readonly string[];
};

/** The terminal puts pasted text between two marks when it is asked to; line ends between them do not send. */
const pasteOn = "\u{1B}[?2004h";
const pasteOff = "\u{1B}[?2004l";

/** Line editing with history over standard input. A line that ends in a backslash goes on in the next. */
export function createPrompt(options: PromptOptions): Prompt {
  const { output } = options;
  const input = process.stdin;
  const lines = createInterface({
    input,
    output,
    terminal: true,
    prompt: options.prompt,
    history: [...options.history],
    historySize: 1000,
    removeHistoryDuplicates: true,
    completer: (line: string) => [[...options.complete(line)], line],
  });
  let begun: string[] = [];
  let pasting = false;
  let leaving = false;
  let closed = false;
  let deliver: ((text: string | undefined) => void) | undefined;
  // What is typed ahead, or pasted into a terminal without marks, arrives while something else is being answered.
  const early: string[] = [];

  const ask = (): void => {
    lines.setPrompt(begun.length === 0 ? options.prompt : options.continuation);
    lines.prompt();
  };
  /** Puts a line behind those that were begun; gives all of them if it is the last. */
  const take = (line: string): string | undefined => {
    const goesOn = /(?:^|[^\\])(?:\\\\)*\\$/.test(line);
    begun.push(goesOn && !pasting ? line.slice(0, -1) : line);
    if (pasting || goesOn) return undefined;
    const text = begun.join("\n");
    begun = [];
    return text;
  };
  const rest = (): void => {
    lines.pause();
    input.setRawMode(false);
    output.write(pasteOff);
  };
  const settle = (text: string | undefined): void => {
    const waiting = deliver;
    deliver = undefined;
    if (!closed) rest();
    waiting?.(text);
  };

  input.on("keypress", (_text: string, key: { readonly name?: string } | undefined) => {
    if (key?.name === "paste-start") pasting = true;
    if (key?.name === "paste-end") pasting = false;
  });
  lines.on("line", (line) => {
    leaving = false;
    if (line.trim() !== "") options.onLine(line);
    const text = take(line);
    if (deliver === undefined) {
      if (text !== undefined) early.push(text);
    } else if (text === undefined) ask();
    else settle(text);
  });
  lines.on("SIGINT", () => {
    const empty = lines.line === "" && begun.length === 0;
    begun = [];
    // What readline holds of the line is dropped by moving to its end and killing to its beginning.
    lines.write(null, { ctrl: true, name: "e" });
    lines.write(null, { ctrl: true, name: "u" });
    if (empty && leaving) {
      output.write("\n");
      settle(undefined);
      return;
    }
    leaving = empty;
    output.write(empty ? "\n(Ctrl-C again or Ctrl-D leaves)\n" : "^C\n");
    ask();
  });
  lines.on("close", () => {
    closed = true;
    output.write(`${pasteOff}\n`);
    settle(undefined);
  });

  return {
    next() {
      const waiting = early.shift();
      if (waiting !== undefined) return Promise.resolve(waiting);
      if (closed) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        deliver = resolve;
        leaving = false;
        output.write(pasteOn);
        input.setRawMode(true);
        lines.resume();
        ask();
      });
    },
    close() {
      if (!closed) lines.close();
    },
  };
}
