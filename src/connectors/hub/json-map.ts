import { skipSpace, skipString, skipValue } from "./json-scan.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;

/**
 * Rewrites the elements of the array that a top-level field of a JSON object holds, each as the text that it is, and leaves every
 * other byte as it is. `rewrite` may give several elements, with commas between them, or none as "". All fields of that name are
 * rewritten where a text repeats one. The text must be valid JSON; one that is no object, or whose field is no array, comes back
 * unchanged.
 */
export function mapJsonArray(
  text: string,
  name: string,
  rewrite: (element: string, index: number) => string,
): string {
  let index = skipSpace(text, 0);
  if (text.charCodeAt(index) !== OPEN_BRACE) return text;
  index = skipSpace(text, index + 1);
  let result = "";
  /** Everything before this index is in `result`. */
  let copied = 0;
  while (text.charCodeAt(index) === QUOTE) {
    const keyEnd = skipString(text, index);
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    if (text.charCodeAt(start) === OPEN_BRACKET && JSON.parse(text.slice(index, keyEnd)) === name) {
      result += text.slice(copied, start) + mapElements(text.slice(start, end), rewrite);
      copied = end;
    }
    index = skipSpace(text, end);
    if (text.charCodeAt(index) !== COMMA) break;
    index = skipSpace(text, index + 1);
  }
  return copied === 0 ? text : result + text.slice(copied);
}

function mapElements(text: string, rewrite: (element: string, index: number) => string): string {
  let index = skipSpace(text, 1);
  let result = text.slice(0, index);
  let copied = index;
  let count = 0;
  let isEmpty = true;
  while (index < text.length && text.charCodeAt(index) !== CLOSE_BRACKET) {
    const end = skipElement(text, index);
    const written = rewrite(text.slice(index, end), count);
    // The comma goes with what stands behind it.
    if (written !== "") result += (isEmpty ? "" : text.slice(copied, index)) + written;
    isEmpty &&= written === "";
    copied = end;
    count += 1;
    index = skipSpace(text, end);
    if (text.charCodeAt(index) !== COMMA) break;
    index = skipSpace(text, index + 1);
  }
  return result + text.slice(copied);
}

/** `skipValue` knows the ends of an object's values; in an array a number or a word ends at its bracket too. */
function skipElement(text: string, at: number): number {
  const end = skipValue(text, at);
  const first = text.charCodeAt(at);
  if (first === QUOTE || first === OPEN_BRACE || first === OPEN_BRACKET) return end;
  const bracket = text.indexOf("]", at);
  return bracket === -1 ? end : Math.min(end, bracket);
}
