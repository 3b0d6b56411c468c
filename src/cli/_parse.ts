/**
 * Strictness around citty's parser, which lets unknown flags and extra words pass, takes `toString` for a name and gives
 * "" for a missing value. The words are checked here one by one, put into the one form that leaves citty nothing to guess, and
 * then parsed by it.
 */
import { parseArgs, type ArgDef, type ArgsDef } from "citty";
import { UsageError } from "./_error.ts";
import { didYouMean } from "./_nearest.ts";

/** Whether the words ask for the help page. Everything else on the line is then beside the point. */
export function wantsHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  const words = end === -1 ? argv : argv.slice(0, end);
  return words.includes("--help") || words.includes("-h");
}

/** Values by declared name: booleans always there, absent text undefined. Throws UsageError naming the word at fault. */
export function parse(
  argv: readonly string[],
  args: ArgsDef,
): Readonly<Record<string, string | boolean | undefined>> {
  const flags: string[] = [];
  const words: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    if (word === "--") {
      words.push(...argv.slice(index + 1));
      break;
    }
    if (!isFlag(word)) {
      words.push(word);
      continue;
    }
    const flag = readFlag(word, argv[index + 1], args);
    flags.push(flag.text);
    if (flag.usedNext) index++;
  }
  checkWords(words, args);
  const parsed = parseArgs([...flags, "--", ...words], args);
  const values: Record<string, string | boolean | undefined> = {};
  for (const [name, arg] of Object.entries(args)) {
    const value = parsed[name];
    values[name] = arg.type === "boolean" ? value === true : (text(value) ?? undefined);
  }
  return values;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Nothing that starts with "-" is a value, but for the dash alone and what begins like a negative number. */
function isFlag(word: string): boolean {
  return /^-[^\d]/.test(word);
}

type Flag = { readonly text: string; readonly usedNext: boolean };

function readFlag(word: string, next: string | undefined, args: ArgsDef): Flag {
  const equals = word.startsWith("--") ? word.indexOf("=") : -1;
  const typed = equals === -1 ? word : word.slice(0, equals);
  const inline = equals === -1 ? undefined : word.slice(equals + 1);
  const found = findFlag(typed, args);
  if (found === undefined) {
    const known = flagNames(args);
    throw new UsageError(`unknown flag ${typed}${didYouMean(typed, known)}`);
  }
  const { name, arg, negated } = found;
  if (arg.type === "boolean") {
    if (inline !== undefined)
      throw new UsageError(`${typed} takes no value (found "${inline}"): write ${typed} alone`);
    return { text: negated ? `--no-${name}` : `--${name}`, usedNext: false };
  }
  // A word that starts with "-" is more likely the next flag than a value; `--flag=-x` says that it is one.
  const usable = next !== undefined && !isFlag(next);
  const value = inline ?? (usable ? next : undefined);
  if (value === undefined || value === "")
    throw new UsageError(`${typed} needs a value: ${typed} ${arg.valueHint ?? "VALUE"}`);
  if (arg.type === "enum") checkOption(typed, value, choices(arg));
  return { text: `--${name}=${value}`, usedNext: inline === undefined };
}

type Found = { readonly name: string; readonly arg: ArgDef; readonly negated: boolean };

function findFlag(typed: string, args: ArgsDef): Found | undefined {
  for (const [name, arg] of Object.entries(args)) {
    if (arg.type === "positional") continue;
    if (typed === `--${name}` || aliases(arg).some((alias) => typed === `-${alias}`))
      return { name, arg, negated: false };
    if (arg.type === "boolean" && arg.default === true && typed === `--no-${name}`)
      return { name, arg, negated: true };
  }
  return undefined;
}

/** The one-letter names of a flag. */
export function aliases(arg: ArgDef): readonly string[] {
  const alias = "alias" in arg ? arg.alias : undefined;
  return alias === undefined ? [] : [alias].flat();
}

/** The long names that may be typed, with their dashes. A boolean that is on by default is only ever switched off. */
export function flagNames(args: ArgsDef): readonly string[] {
  return Object.entries(args)
    .filter(([, arg]) => arg.type !== "positional")
    .map(([name, arg]) =>
      arg.type === "boolean" && arg.default === true ? `--no-${name}` : `--${name}`,
    );
}

function checkOption(typed: string, value: string, options: readonly string[]): void {
  if (options.includes(value)) return;
  const meant = didYouMean(value, options);
  throw new UsageError(`${typed}: "${value}" is not one of ${options.join(", ")}${meant}`);
}

/** How a positional is called: what it takes if that was declared, else its name in capitals. */
export function placeName(name: string, arg: ArgDef): string {
  return arg.valueHint ?? name.toUpperCase();
}

/** The words that a positional takes, if it takes only certain ones: a hint of small letters, `bash|zsh`, lists them. */
export function choices(arg: ArgDef): readonly string[] {
  if (arg.type === "enum") return arg.options ?? [];
  const hint = arg.valueHint ?? "";
  return /^[a-z]+(?:\|[a-z]+)+$/.test(hint) ? hint.split("|") : [];
}

function checkWords(words: readonly string[], args: ArgsDef): void {
  const places = Object.entries(args).filter(([, arg]) => arg.type === "positional");
  const extra = words[places.length];
  if (extra !== undefined) {
    const room = places.map(([name, arg]) => placeName(name, arg)).join(", ");
    throw new UsageError(`unexpected word "${extra}": this command takes ${room || "none"}`);
  }
  for (const [index, [name, arg]] of places.entries()) {
    const word = words[index];
    const called = placeName(name, arg);
    if (word === undefined && arg.required !== false) throw new UsageError(`missing ${called}`);
    const options = choices(arg);
    if (word !== undefined && options.length > 0) checkOption(name.toUpperCase(), word, options);
  }
}
