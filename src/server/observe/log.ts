import { wordsOf } from "../words.ts";

/** Words and numbers of one event. Never bodies, never keys. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** One line an event, on standard error. Lines are gathered for a moment, so that logging costs no system call per request. */
export type Log = {
  readonly [Level in LogLevel]: (event: string, fields?: LogFields) => void;
} & {
  /** Writes out what is gathered. */
  flush(): void;
};

const PADDED: Readonly<Record<LogLevel, string>> = {
  debug: "debug",
  info: "info ",
  warn: "warn ",
  error: "error",
};
const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const FLUSH_MS = 100;
/** No more than so many wait, however busy the moment. */
const MOST_GATHERED = 1000;
/** A key of ours, a bearer token or a provider's key, wherever it stands. */
const SECRETS = /\b(?:XJP_|sk-|AIza|ya29\.)[\w.-]{8,}|\bBearer\s+[\w.~+/-]{8,}=*/g;
/** What every secret begins with. Looking for these costs a tenth of the expression, which most text is spared. */
const MARKS = ["XJP_", "sk-", "AIza", "ya29.", "Bearer"];

/** Level and format are asked at each line, so that they can change. */
export type LogOptions = {
  readonly level: LogLevel;
  readonly format: "pretty" | "json";
  /** Unix milliseconds. */
  readonly clock: () => number;
  readonly write: (text: string) => void;
};

/** Something to be logged, before it is put into words. */
type Entry = {
  readonly at: number;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
};

/** Writes lines by `write`, the latest after a moment; secrets in them are masked. */
export function createLog(options: LogOptions): Log {
  let gathered: Entry[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = Number.NaN;
  let time = "";
  const lineOf = ({ at: moment, level, event, fields }: Entry): string => {
    if (moment !== last) {
      last = moment;
      time = new Date(moment).toISOString();
    }
    return options.format === "json"
      ? JSON.stringify({ time, level, event, ...fields })
      : pretty(time, level, event, fields);
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (gathered.length === 0) return;
    // Put into words and looked through all together, which costs a fraction of doing so between other work.
    const text = redact(`${gathered.map(lineOf).join("\n")}\n`);
    gathered = [];
    options.write(text);
  };
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (RANK[level] < RANK[options.level]) return;
      gathered.push({ at: options.clock(), level, event, fields });
      if (level === "error" || gathered.length >= MOST_GATHERED) flush();
      else timer ??= setTimeout(flush, FLUSH_MS);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), flush };
}

/** Blots out whatever looks like a credential. */
export function redact(text: string): string {
  return MARKS.some((mark) => text.includes(mark)) ? text.replace(SECRETS, "[redacted]") : text;
}

/** What an error says, without credentials. */
export function messageOf(error: unknown): string {
  return redact(wordsOf(error));
}

// Callers choose what models are called, and providers what they say: none of it may steer the reader's terminal.
const NEEDS_QUOTES = /[\s"=\p{Cc}]/u;
/** Control characters that JSON leaves as they are. */
const MORE_CONTROLS = /[\u007F-\u009F]/g;

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    MORE_CONTROLS,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

/** A line for people. */
function pretty(time: string, level: LogLevel, event: string, fields: LogFields): string {
  let line = `${time} ${PADDED[level]} ${event}`;
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    const isPlain = typeof value !== "string" || !NEEDS_QUOTES.test(value);
    line += ` ${name}=${isPlain ? value : quoted(value)}`;
  }
  return line;
}
