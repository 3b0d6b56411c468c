import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

const kept = 1000;

export type LineHistory = {
  /** Newest first. */
  readonly lines: readonly string[];
  add(line: string): void;
};

/**
 * What was typed in earlier chats, in a file that only its owner can read. Where there is no such file and none can be made, the
 * history lasts as long as the chat: it is a comfort and must not stop anybody from talking.
 */
export function openLineHistory(env: Readonly<Record<string, string | undefined>>): LineHistory {
  const state = env["XDG_STATE_HOME"] || join(env["HOME"] || homedir(), ".local/state");
  const file = join(state, "xjp", "chat-history");
  const old = readLines(file);
  if (old.length > 2 * kept) attempt(() => writeFileSync(file, `${old.slice(-kept).join("\n")}\n`));
  let last = old.at(-1);
  return {
    lines: old.slice(-kept).toReversed(),
    add(line) {
      if (line === last) return;
      last = line;
      attempt(() => {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        appendFileSync(file, `${line}\n`, { mode: 0o600 });
        chmodSync(file, 0o600);
      });
    },
  };
}

function readLines(file: string): readonly string[] {
  return attempt(() => readFileSync(file, "utf8").split("\n").filter(Boolean)) ?? [];
}

function attempt<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
