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

function isLastOf(text: string, name: string, from: number): boolean {
  return PLAIN_NAME.test(name) && isLast(text, `"${name}"`, from);
}

type Edits = Readonly<Record<string, Json | undefined>>;

/** Where the value of a field stands. */
type Place = { readonly from: number; readonly to: number };

/**
 * The place of the one field of a plain name, by a walk that makes nothing; undefined where that is not to be told so easily:
 * it is missing, comes twice or may be disguised. `quoted` is the name between its quotes.
 */
function placeOf(text: string, quoted: string): Place | undefined {
  let index = skipSpace(text, 0);
  if (text.charCodeAt(index) !== OPEN_BRACE) return undefined;
  index = skipSpace(text, index + 1);
  while (text.charCodeAt(index) === QUOTE) {
    const keyEnd = skipString(text, index);
    const isNamed = text.startsWith(quoted, index);
    // A disguise is longer than the name.
    if (!isNamed && keyEnd - index > quoted.length && text.slice(index, keyEnd).includes("\\"))
      break;
    const colon = skipSpace(text, keyEnd);
    if (text.charCodeAt(colon) !== COLON) break;
    const from = skipSpace(text, colon + 1);
    const to = skipValue(text, from);
    if (isNamed) return isLast(text, quoted, to) ? { from, to } : undefined;
    const comma = skipSpace(text, to);
    if (text.charCodeAt(comma) !== COMMA) break;
    index = skipSpace(text, comma + 1);
  }
  return undefined;
}

/** True when no further field of this plain name can follow, in any spelling: only `\u` could disguise it. */
function isLast(text: string, quoted: string, from: number): boolean {
  return !text.includes(quoted, from) && !text.includes("\\u", from);
}

/** A string of these characters is its own JSON but for the quotes, as are all usual names of models. */
const PLAIN_TEXT = /^[\w ./:@+-]*$/;

function write(value: Json | undefined): string {
  if (typeof value === "string" && PLAIN_TEXT.test(value)) return `"${value}"`;
  return JSON.stringify(value);
}

function edit(text: string, edits: Edits, insert: boolean): string {
  const names = Object.keys(edits);
  const [first] = names;
  if (names.length === 1 && first !== undefined && PLAIN_NAME.test(first)) {
    const value = edits[first];
    const place = value === undefined ? undefined : placeOf(text, `"${first}"`);
    if (place) return text.slice(0, place.from) + write(value) + text.slice(place.to);
  }
  return editAll(text, names, edits, insert);
}

function editAll(text: string, names: readonly string[], edits: Edits, insert: boolean): string {
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
        if (seen.size === names.length && names.every((each) => isLastOf(text, each, valueEnd))) {
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

/**
 * Replaces one field of a plain name in many texts, as `replaceJson` would. The messages of a stream begin alike up to where its
 * model is named, and are known by that from the second one on.
 */
export function createReplacer(name: string, value: Json): (text: string) => string {
  const quoted = `"${name}"`;
  const written = JSON.stringify(value);
  /** How the latest text began, its value included, and what became of that. */
  let head = "";
  let newHead = "";
  return (text) => {
    if (head !== "" && text.startsWith(head) && isLast(text, quoted, head.length)) {
      return newHead + text.slice(head.length);
    }
    const place = placeOf(text, quoted);
    if (!place) return replaceJson(text, { [name]: value });
    const changed = text.slice(0, place.from) + written;
    // Another value could begin as this one does, but for a string's last quote.
    head = text.charCodeAt(place.to - 1) === QUOTE ? text.slice(0, place.to) : "";
    newHead = changed;
    return changed + text.slice(place.to);
  };
}
