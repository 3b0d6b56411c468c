import { isTable } from "./path.ts";
import { wordsOf } from "../words.ts";

/** A parsed file, or the line and reason why it is not TOML. */
export type Parsed =
  | { readonly ok: true; readonly tree: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly line: number; readonly problem: string };

/**
 * Parses TOML 1.1 with Bun's own parser. That one words its errors well but gives no line (seen in 1.4.5), so the line is
 * searched for when there is an error, by parsing beginnings of the text.
 */
export function parseToml(text: string): Parsed {
  const result = attempt(text);
  if (typeof result !== "string") return { ok: true, tree: result };
  return { ok: false, line: errorLine(text, result), problem: presentable(result) };
}

/** The tables of the text, or the parser's complaint. */
function attempt(text: string): Readonly<Record<string, unknown>> | string {
  try {
    const tree: unknown = Bun.TOML.parse(text);
    return isTable(tree) ? tree : "not a table";
  } catch (error) {
    return wordsOf(error);
  }
}

/**
 * The broken statement begins after the longest beginning that parses; the error is on the first line from there on with
 * which the complaint is the one about the whole text.
 */
function errorLine(text: string, complaint: string): number {
  const lines = text.split("\n");
  const beginning = (count: number): string =>
    lines.slice(0, count).join("\n") + (count < lines.length ? "\n" : "");
  let good = lines.length - 1;
  while (good > 0 && typeof attempt(beginning(good)) === "string") good -= 1;
  let line = good + 1;
  while (line < lines.length && attempt(beginning(line)) !== complaint) line += 1;
  return line;
}

/** The parser quotes unquoted text, which may be a secret; and it shows characters as numbers. */
function presentable(complaint: string): string {
  const text = complaint
    .replace(/^TOML Parse error: /, "")
    .replace(/^Strings must be quoted: [^]*$/, "strings must be quoted")
    .replace(/\(0x0[AD]\)/, "the end of the line");
  return `not valid TOML: ${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
