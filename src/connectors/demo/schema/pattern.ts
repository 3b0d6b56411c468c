/**
 * Makes a string that a regular expression matches. It knows literals, classes, groups, alternatives and repetitions, which
 * is what schemas use; look-around, back-references and boundaries it does not.
 */

/** Tried in this order when a class or an escape leaves a choice. */
const CANDIDATES = Array.from(
  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ .,:;/@#+*!?$%&()[]{}<>='\"|\\~^`中",
);
const ATOM = /\\u\{[0-9a-fA-F]+\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[pP]\{[^}]+\}|\\.|\./suy;
const CLASS = /\[\^?(?:\\.|[^\]\\])*\]/suy;
const REPETITION = /(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/uy;
const UNKNOWN_GROUP = /\(\?(?!:|<[\p{ID_Start}$_])/uy;
const GROUP = /\((?:\?:|\?<[^>]*>)?/uy;

class Unsupported extends Error {}

/** A sample whose open repetitions run `extra` times over their least; undefined for what it does not know. */
export function sampleOf(pattern: string, extra: number): string | undefined {
  let at = 0;

  const take = (expression: RegExp): RegExpExecArray | undefined => {
    expression.lastIndex = at;
    const match = expression.exec(pattern);
    if (!match) return undefined;
    at += match[0].length;
    return match;
  };

  const repeat = (): number => {
    const match = take(REPETITION);
    if (!match) return 1;
    const [, sign, least, comma, most] = match;
    if (sign === "?") return Math.min(extra, 1);
    if (sign !== undefined) return (sign === "+" ? 1 : 0) + extra;
    if (comma === undefined) return Number(least);
    return Math.min(Number(least) + extra, most === "" ? Infinity : Number(most));
  };

  const atom = (): string => {
    const found = take(CLASS) ?? take(ATOM);
    if (found) {
      if (/^\\[bBkc1-9]/u.test(found[0])) throw new Unsupported();
      const expression = new RegExp(`^(?:${found[0]})$`, "u");
      const character = Array.from(found[0].slice(1))
        .concat(CANDIDATES)
        .find((one) => expression.test(one));
      const escaped = /^\\(?:u\{?|x)([0-9a-fA-F]+)\}?$/u.exec(found[0])?.[1];
      const made = escaped === undefined ? character : String.fromCodePoint(parseInt(escaped, 16));
      if (made === undefined) throw new Unsupported();
      return made;
    }
    const code = pattern.codePointAt(at);
    if (code === undefined || "^$*+?{}[]\\".includes(String.fromCodePoint(code))) {
      throw new Unsupported();
    }
    const literal = String.fromCodePoint(code);
    at += literal.length;
    return literal;
  };

  const sequence = (): string => {
    let made = "";
    while (at < pattern.length && pattern[at] !== "|" && pattern[at] !== ")") {
      if (take(UNKNOWN_GROUP)) throw new Unsupported();
      const piece = take(GROUP) ? group() : atom();
      made += piece.repeat(repeat());
    }
    return made;
  };

  const alternatives = (): string => {
    const first = sequence();
    while (pattern[at] === "|") {
      at += 1;
      sequence();
    }
    return first;
  };

  const group = (): string => {
    const made = alternatives();
    if (pattern[at] !== ")") throw new Unsupported();
    at += 1;
    return made;
  };

  const whole = pattern;
  pattern = pattern.replace(/^\^/u, "").replace(/(?<!\\)((?:\\\\)*)\$$/u, "$1");
  try {
    const made = alternatives();
    return at === pattern.length && new RegExp(whole, "u").test(made) ? made : undefined;
  } catch (error) {
    // A pattern that is no regular expression is the caller's mistake, told by whoever checks the schema.
    if (error instanceof Unsupported || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
