import { skipSpace, skipString, skipValue } from "./json-scan.ts";
import type { Json } from "./json.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const PLAIN_NAME = /^\w+$/;

/** A field's name; `raw` is the text between its quotes, perhaps with escapes such as `mod\u0065l`. */
function fieldName(raw: string): string {
  if (!raw.includes("\\")) return raw;
  const name: unknown = JSON.parse(`"${raw}"`);
  return String(name);
}

/** True when no further field of these names can follow, in any spelling: a plain name can only be disguised with `\u`. */
function absentFrom(text: string, names: readonly string[], from: number): boolean {
  if (text.includes("\\u", from)) return false;
  return names.every((name) => PLAIN_NAME.test(name) && !text.includes(`"${name}"`, from));
}

type Edits = Readonly<Record<string, Json | undefined>>;

function edit(text: string, edits: Edits, insert: boolean): string {
  const names = Object.keys(edits);
  const open = skipSpace(text, 0);
  if (names.length === 0 || text.charCodeAt(open) !== OPEN_BRACE) return text;

  const seen = new Set<string>();
  let result = "";
  /** Everything before this index is in `result`. */
  let copied = 0;
  /** Where the text of deleted fields at the very front begins; they go together with the comma behind them. */
  let cutFrom = -1;
  let keptAny = false;
  let lastEnd = open + 1;
  let index = skipSpace(text, lastEnd);

  while (text.charCodeAt(index) === QUOTE) {
    const keyStart = index;
    const keyEnd = skipString(text, keyStart);
    const colon = skipSpace(text, keyEnd);
    if (text.charCodeAt(colon) !== COLON) break;
    const valueStart = skipSpace(text, colon + 1);
    const valueEnd = skipValue(text, valueStart);
    const name = fieldName(text.slice(keyStart + 1, keyEnd - 1));
    const edited = Object.hasOwn(edits, name);

    if (edited && edits[name] === undefined) {
      seen.add(name);
      if (keptAny) {
        result += text.slice(copied, lastEnd);
        copied = valueEnd;
      } else if (cutFrom === -1) {
        cutFrom = keyStart;
      }
    } else {
      if (cutFrom !== -1) {
        result += text.slice(copied, cutFrom);
        copied = keyStart;
        cutFrom = -1;
      }
      keptAny = true;
      if (edited) {
        seen.add(name);
        result += text.slice(copied, valueStart) + JSON.stringify(edits[name]);
        copied = valueEnd;
        if (seen.size === names.length && absentFrom(text, names, valueEnd)) {
          return result + text.slice(valueEnd);
        }
      }
    }

    lastEnd = valueEnd;
    index = skipSpace(text, valueEnd);
    if (text.charCodeAt(index) !== COMMA) break;
    index = skipSpace(text, index + 1);
  }

  if (cutFrom !== -1) {
    result += text.slice(copied, cutFrom);
    copied = lastEnd;
  }
  if (insert && seen.size < names.length) {
    result += text.slice(copied, lastEnd);
    copied = lastEnd;
    for (const name of names) {
      const value = edits[name];
      if (value === undefined || seen.has(name)) continue;
      result += `${keptAny ? "," : ""}${JSON.stringify(name)}:${JSON.stringify(value)}`;
      keptAny = true;
    }
  }
  return result + text.slice(copied);
}

/**
 * Sets (or, with undefined, deletes) top-level fields in the text of a JSON object and leaves every other byte as it is:
 * numbers that JavaScript cannot hold, order, spaces. All fields of that name are changed where a text repeats one, so that
 * it means the same to every parser; missing fields are added at the end. The text must be valid JSON; one that is no object
 * comes back unchanged.
 */
export function editJson(text: string, edits: Edits): string {
  return edit(text, edits, true);
}

/** The same, but for fields that are there: nothing is added. */
export function replaceJson(text: string, edits: Edits): string {
  return edit(text, edits, false);
}

/** The same, for fields of the object that the top-level field `name` holds; without one the text is unchanged. */
export function replaceJsonWithin(text: string, name: string, edits: Edits): string {
  let index = skipSpace(text, skipSpace(text, 0) + 1);
  while (text.charCodeAt(index) === QUOTE) {
    const keyEnd = skipString(text, index);
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    if (fieldName(text.slice(index + 1, keyEnd - 1)) === name) {
      return text.slice(0, start) + replaceJson(text.slice(start, end), edits) + text.slice(end);
    }
    index = skipSpace(text, end);
    if (text.charCodeAt(index) !== COMMA) break;
    index = skipSpace(text, index + 1);
  }
  return text;
}
