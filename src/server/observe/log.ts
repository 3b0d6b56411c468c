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

export function createLog(options: LogOptions): Log {
  let gathered: string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = Number.NaN;
  let time = "";
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (gathered.length === 0) return;
    // All at once: looking through each line by itself costs several times as much.
    const text = redact(`${gathered.join("\n")}\n`);
    gathered = [];
    options.write(text);
  };
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}): void => {
      if (RANK[level] < RANK[options.level]) return;
      const now = options.clock();
      if (now !== last) {
        last = now;
        time = new Date(now).toISOString();
      }
      const line =
        options.format === "json"
          ? JSON.stringify({ time, level, event, ...fields })
          : pretty(time, level, event, fields);
      gathered.push(line);
      if (level === "error") flush();
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
  return redact(error instanceof Error ? error.message : String(error));
}

const NEEDS_QUOTES = /[\s"=]/;

/** A line for people. Joined, not added up: what is added stays in pieces until it is written, and they are cold by then. */
function pretty(time: string, level: LogLevel, event: string, fields: LogFields): string {
  const words = [time, PADDED[level], event];
  for (const name in fields) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    const isPlain = typeof value !== "string" || !NEEDS_QUOTES.test(value);
    words.push(`${name}=${isPlain ? value : JSON.stringify(value)}`);
  }
  return words.join(" ");
}
