import { digits } from "../_number.ts";
import { harmless } from "../_output.ts";
import type { Paint, Terminal } from "../_terminal.ts";
import type { Piece, Spent } from "./_stream.ts";

/** What one answer came to. */
export type Answer = {
  readonly text: string;
  readonly tools: readonly { readonly name: string; readonly arguments: string }[];
  readonly spent: Spent | undefined;
  /** `stop`, `length`, `tool_calls`, …; absent when the answer was stopped or broke off. */
  readonly finish: string | undefined;
};

/** Shows an answer while it arrives, and remembers it: also when the pieces end in an error, what came before is kept. */
export type View = {
  show(piece: Piece): void;
  /** Ends the last line. */
  close(): void;
  /** A line about tokens and time; nothing where nobody watches. */
  footer(): void;
  readonly answer: Answer;
};

/**
 * Text goes to standard output, byte for byte unless that is a terminal. What is not the answer (thoughts, tool calls, figures)
 * goes beside it where somebody watches, else nowhere.
 */
export function createView(terminal: Terminal, paint: Paint, clock: () => number): View {
  const onScreen = terminal.columns !== undefined;
  const aside = onScreen ? terminal.write : terminal.writeAside;
  const started = clock();
  let firstAt: number | undefined;
  let answer: Answer = { text: "", tools: [], spent: undefined, finish: undefined };
  let open: "text" | "reasoning" | undefined;
  let lineOpen = false;

  const turnTo = (next: typeof open): void => {
    if (open === "reasoning" && next !== "reasoning") aside("\n\n");
    if (open === "text" && next !== "text" && lineOpen) terminal.write("\n");
    if (next !== open) lineOpen = false;
    open = next;
  };
  return {
    show(piece) {
      switch (piece.type) {
        case "text": {
          firstAt ??= clock();
          turnTo("text");
          answer = { ...answer, text: answer.text + piece.text };
          terminal.write(onScreen ? harmless(piece.text) : piece.text);
          lineOpen = !piece.text.endsWith("\n");
          break;
        }
        case "reasoning": {
          firstAt ??= clock();
          turnTo("reasoning");
          aside(paint("dim", harmless(piece.text)));
          break;
        }
        case "tool": {
          firstAt ??= clock();
          turnTo(undefined);
          answer = { ...answer, tools: [...answer.tools, piece] };
          aside(`${paint("cyan", harmless(`→ ${piece.name}(${piece.arguments})`))}\n`);
          break;
        }
        case "spent":
          answer = { ...answer, spent: piece.spent };
          break;
        case "finish":
          answer = { ...answer, finish: piece.reason };
          break;
      }
    },
    close: () => turnTo(undefined),
    footer() {
      const now = clock();
      const parts = [
        ...(answer.spent === undefined ? [] : spentInWords(answer.spent)),
        ...(firstAt === undefined ? [] : [`first word ${seconds(firstAt - started)}`]),
        `total ${seconds(now - started)}`,
        ...(answer.finish === undefined || answer.finish === "stop" ? [] : [answer.finish]),
      ];
      aside(`${paint("dim", parts.join(" · "))}\n`);
    },
    get answer() {
      return answer;
    },
  };
}

/** Tokens and cost, a phrase each. */
export function spentInWords({ inputTokens, outputTokens, costUsd }: Spent): readonly string[] {
  const tokens = [`${digits(inputTokens)} tokens in`, `${digits(outputTokens)} out`];
  return costUsd === undefined ? tokens : [...tokens, `$${costUsd.toFixed(6)}`];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}
