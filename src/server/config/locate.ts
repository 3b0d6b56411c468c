import { type Path, pathKey } from "./path.ts";

/** The line (from 1) of a field, or of the nearest table around it; undefined for what the text does not mention. */
export type Locator = (path: Path) => number | undefined;

/**
 * Finds the lines of all fields of a TOML text. The text has been parsed already, so this only has to know where keys and
 * values begin and end; of what does not parse it makes something, and ends.
 */
export function createLocator(text: string): Locator {
  const lines = scan(text);
  return (path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const line = lines.get(pathKey(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return undefined;
  };
}

function scan(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  /** Last position of each array of tables. */
  const last = new Map<string, number>();
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  let line = 1;
  let table: Path = [];

  while (skipBlank()) {
    if (text[at] === "[") table = header();
    else field(table);
  }
  return lines;

  /** Moves by `count` characters and counts the lines passed. */
  function advance(count: number): void {
    for (const end = at + count; at < end; at += 1) if (text[at] === "\n") line += 1;
  }

  /** Skips space, line ends and comments; false at the end of the text. */
  function skipBlank(): boolean {
    advance(match(/(?:[ \t\r\n]+|#[^\n]*)*/y).length);
    return at < text.length;
  }

  function match(pattern: RegExp): string {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? "";
  }

  function note(path: Path): void {
    const known = pathKey(path);
    if (!lines.has(known)) lines.set(known, line);
  }

  /** `[a.b]` or `[[a.b]]`: gives the path of the fields that follow. */
  function header(): Path {
    const double = text.startsWith("[[", at);
    advance(double ? 2 : 1);
    const path: (string | number)[] = [];
    const names = key();
    for (const [position, step] of names.entries()) {
      path.push(step);
      note(path);
      const index = last.get(pathKey(path));
      if (position < names.length - 1 && index !== undefined) path.push(index);
    }
    if (double) {
      const index = (last.get(pathKey(path)) ?? -1) + 1;
      last.set(pathKey(path), index);
      path.push(index);
    }
    // A table that a deeper header mentioned before is best known by its own header.
    lines.set(pathKey(path), line);
    skipBlank();
    advance(match(/\]{1,2}/y).length);
    return path;
  }

  /** `a.b = value`. */
  function field(parent: Path): void {
    const path = [...parent];
    for (const step of key()) {
      path.push(step);
      note(path);
    }
    skipBlank();
    // Without an equals sign something has to move on, so that no text is read for ever.
    advance(1);
    skipBlank();
    value(path);
  }

  /** The names of a dotted key. */
  function key(): readonly string[] {
    const names: string[] = [];
    do {
      if (text[at] === ".") advance(1);
      skipBlank();
      names.push(name());
      skipBlank();
    } while (text[at] === ".");
    return names;
  }

  function name(): string {
    if (text[at] === '"' || text[at] === "'") return unquote(string());
    const bare = match(/[^\s.=\]#[{},"']+/y);
    advance(bare.length);
    return bare;
  }

  /** Passes a string of any of the four kinds and gives it with its quotes. */
  function string(): string {
    const raw =
      match(/"""(?:[^\\]|\\[^])*?"""{1,3}/y) ||
      match(/'''[^]*?'''{1,3}/y) ||
      match(/"(?:[^"\\\n]|\\.)*"/y) ||
      match(/'[^'\n]*'/y) ||
      text.slice(at, at + 1);
    advance(raw.length);
    return raw;
  }

  function value(path: Path): void {
    const start = text[at];
    if (start === '"' || start === "'") string();
    else if (start === "[") list(path);
    else if (start === "{") inlineTable(path);
    else advance(match(/[^,\]}\n#]*/y).length);
  }

  function list(path: Path): void {
    advance(1);
    for (let index = 0; skipBlank() && text[at] !== "]"; index += 1) {
      note([...path, index]);
      value([...path, index]);
      skipBlank();
      if (text[at] === ",") advance(1);
      else break;
    }
    skipBlank();
    advance(1);
  }

  function inlineTable(path: Path): void {
    advance(1);
    while (skipBlank() && text[at] !== "}") {
      field(path);
      skipBlank();
      if (text[at] === ",") advance(1);
      else break;
    }
    skipBlank();
    advance(1);
  }
}

/** The name inside a quoted key. */
function unquote(raw: string): string {
  if (raw.startsWith("'")) return raw.slice(1, -1);
  try {
    return String(Object.values(Bun.TOML.parse(`k = ${raw}`))[0]);
  } catch {
    return raw.slice(1, -1);
  }
}
