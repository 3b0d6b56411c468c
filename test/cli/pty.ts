/** Commands at a terminal: a pseudo-terminal of 120 × 40 cells and somebody who types. */
import { stripVTControlCharacters } from "node:util";
import { waitFor } from "../support/wait-for.ts";
import { mainFile, type Folder } from "./run.ts";

export type Typist = {
  /** Types; `\r` is the Enter key, `\x03` Ctrl-C, `\x04` Ctrl-D. */
  type(keys: string): void;
  /** Waits until the text stands behind everything that an earlier call waited for. Colours are left out. */
  sees(text: string | RegExp): Promise<void>;
  /** Everything that was shown, colours and all. */
  readonly raw: () => string;
  signal(name: "SIGINT" | "SIGTERM"): void;
  readonly exited: Promise<number>;
  /** Ends what still runs. */
  close(): Promise<void>;
};

/** Runs a command of this folder at a terminal of its own. */
export function atTerminal(
  folder: Folder,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Typist {
  const decoder = new TextDecoder();
  let shown = "";
  let seen = 0;
  const child = Bun.spawn([process.execPath, mainFile, ...words], {
    cwd: folder.path,
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", ...folder.env, ...env },
    terminal: {
      cols: 120,
      rows: 40,
      data(_terminal, bytes) {
        shown += decoder.decode(bytes, { stream: true });
      },
    },
  });
  const { terminal } = child;
  if (terminal === undefined) throw new Error("no pseudo-terminal");
  return {
    type: (keys) => void terminal.write(keys),
    async sees(text) {
      await waitFor(
        `${String(text)} behind\n${plain(shown).slice(0, seen)}\n--- in ---\n`,
        () => {
          const rest = plain(shown).slice(seen);
          const found = typeof text === "string" ? rest.indexOf(text) : rest.search(text);
          if (found === -1) return false;
          seen += found + (typeof text === "string" ? text.length : 1);
          return true;
        },
        8000,
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}${plain(shown).slice(seen)}`, { cause: error });
      });
    },
    raw: () => shown,
    signal: (name) => child.kill(name),
    exited: child.exited,
    async close() {
      if (child.exitCode === null) child.kill("SIGKILL");
      await child.exited;
      terminal.close();
    },
  };
}

function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll("\r", "");
}
