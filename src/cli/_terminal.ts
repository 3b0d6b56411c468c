/**
 * Where commands talk to people. Results go to standard output and nothing else does; messages go to standard error through
 * consola. Colours are used on a terminal unless NO_COLOR is set.
 */
import { createInterface } from "node:readline/promises";
import { styleText } from "node:util";
import { createConsola, LogLevels } from "consola/core";
import { Interrupted } from "./_error.ts";
import { giveUp, harmless } from "./_output.ts";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "underline";

/** Dresses text for one of the two streams; gives it back as it is where colours are off. */
export type Paint = (style: Style, text: string) => string;

export type Terminal = {
  /** Prints a result on standard output, with a line end. */
  result(text: string): void;
  /** Prints a result as indented JSON. */
  json(value: unknown): void;
  /** Prints a piece of a result as it is: no line end, no waiting for one. */
  readonly write: (text: string) => void;
  /** Shows what is not the result as it is, if standard error is a terminal; a file that collects messages is spared it. */
  readonly writeAside: (text: string) => void;
  /** Says how it goes, on standard error. */
  info(message: string): void;
  success(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /** Asks on standard error; only where `interactive`. Enter alone is no. Throws Interrupted on Ctrl-C and Ctrl-D. */
  confirm(question: string): Promise<boolean>;
  /** Whether somebody can be asked: standard input and standard error are terminals. */
  readonly interactive: boolean;
  /** Width of standard output, or undefined when it is not a terminal and lines may have any length. */
  readonly columns: number | undefined;
  readonly paint: Paint;
  readonly paintError: Paint;
  /** Resolves when everything printed has left the process. */
  flush(): Promise<void>;
};

/** The process's own streams as a Terminal. A reader that goes away (`| head -1`) ends the process quietly. */
export function createTerminal(): Terminal {
  const { stdout, stderr, stdin } = process;
  const { write, flushed } = createSink(stdout, giveUp);
  const errors = createSink(stderr, () => {});
  const paint = painter(stdout.isTTY);
  const paintError = painter(stderr.isTTY);
  const consola = createConsola({
    level: LogLevels.verbose,
    throttle: 0,
    reporters: [
      {
        log: ({ type, args }) => {
          errors.write(`${dressed(type, args.join(" "), paintError)}\n`);
        },
      },
    ],
  });
  return {
    result: (text) => write(`${text}\n`),
    json: (value) => write(`${JSON.stringify(value, null, 2)}\n`),
    write,
    writeAside: (text) => {
      if (stderr.isTTY) errors.write(text);
    },
    info: (message) => consola.info(message),
    success: (message) => consola.success(message),
    warn: (message) => consola.warn(message),
    error: (message) => consola.error(message),
    confirm,
    interactive: stdin.isTTY && stderr.isTTY,
    columns: stdout.isTTY ? stdout.columns : undefined,
    paint,
    paintError,
    flush: async () => {
      await Promise.all([flushed(), errors.flushed()]);
    },
  };
}

function painter(isTerminal: boolean): Paint {
  const { NO_COLOR: off, TERM: term } = process.env;
  const on = isTerminal && (off === undefined || off === "") && term !== "dumb";
  return on
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text;
}

function dressed(type: string, message: string, paint: Paint): string {
  if (type === "error") return `${paint("red", "xjp:")} ${harmless(message)}`;
  if (type === "warn") return `${paint("yellow", "xjp: warning:")} ${harmless(message)}`;
  if (type === "success") return `${paint("green", "✓")} ${message}`;
  return message;
}

async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const gone = new AbortController();
  lines.once("SIGINT", () => gone.abort());
  lines.once("close", () => gone.abort());
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal: gone.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    if (!gone.signal.aborted) throw error;
    process.stderr.write("\n");
    throw new Interrupted("interrupted", { cause: error });
  } finally {
    lines.close();
  }
}

type Sink = { readonly write: (text: string) => void; readonly flushed: () => Promise<void> };

/**
 * Remembers when the last text has left. Asking the stream later does not do: Bun 1.4.5 says that a pipe is drained while all
 * but the first 64 KiB still wait for the reader, and an exit then loses them.
 */
function createSink(stream: NodeJS.WriteStream, onError: (error: Error) => void): Sink {
  let last: Promise<void> | undefined;
  stream.on("error", onError);
  return {
    write(text) {
      if (text === "") return;
      last = new Promise((resolve) => {
        stream.write(text, (error) => {
          if (error) onError(error);
          resolve();
        });
      });
    },
    flushed: async () => last,
  };
}
