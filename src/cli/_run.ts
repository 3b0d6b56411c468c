import { ConfigError } from "../server/config/faults.ts";
import { defineGroup, type Command, type Context, type Group, type Table } from "./_command.ts";
import { Interrupted, UsageError } from "./_error.ts";
import { commandHelp, groupHelp, type Dress } from "./_help.ts";
import { didYouMean } from "./_nearest.ts";
import { aliases, flagNames, wantsHelp } from "./_parse.ts";
import { createTerminal, type Terminal } from "./_terminal.ts";
import { wordsOf } from "../server/words.ts";

const about = "one binary between your applications and language-model providers";
const examples = [
  "xjp serve --demo",
  "xjp keygen acme",
  "xjp chat",
  "xjp usage report --since 7d --by model",
];

/** Finds the command, runs it, and ends the process: 0 done, 1 failed, 2 used wrongly, 130 interrupted. */
export async function run(table: Table, argv: readonly string[]): Promise<never> {
  const terminal = createTerminal();
  const root = defineGroup({ about, commands: table, examples });
  const code = await attempt({ terminal, root }, argv);
  await terminal.flush();
  process.exit(code);
}

async function attempt(context: Context, argv: readonly string[]): Promise<number> {
  const { path, target, rest, asksHelp } = await find(context.root, argv);
  const [first] = rest;
  try {
    const asked = asksHelp || wantsHelp(rest);
    if (asked && (target.kind === "command" || first === undefined || first.startsWith("-"))) {
      context.terminal.result(await help(path, target, context.terminal));
      return 0;
    }
    if (target.kind === "group") throw await noCommand(path, target, first);
    return (await target.execute(rest, context)) ?? 0;
  } catch (error) {
    return report(error, path, argv.includes("--debug"), context.terminal);
  }
}

type Found = {
  readonly path: string;
  readonly target: Command | Group;
  readonly rest: readonly string[];
  /** `xjp help keys list`, and `xjp keys help list`, read as `xjp keys list --help`. */
  readonly asksHelp: boolean;
};

/** Goes down the table as far as the words lead. */
async function find(root: Group, words: readonly string[]): Promise<Found> {
  let target: Command | Group = root;
  let path = "xjp";
  let depth = 0;
  let asksHelp = false;
  while (target.kind === "group") {
    const word = words[depth] ?? "";
    if (Object.hasOwn(target.commands, word)) {
      const load: Table[string] | undefined = target.commands[word];
      if (load === undefined) break;
      target = await load();
      path += ` ${word}`;
    } else if (word === "help") asksHelp = true;
    else break;
    depth++;
  }
  return { path, target, rest: words.slice(depth), asksHelp };
}

async function noCommand(
  path: string,
  group: Group,
  word: string | undefined,
): Promise<UsageError> {
  const names = Object.keys(group.commands);
  if (word === undefined) return new UsageError(`which command? ${names.join(", ")}`);
  if (word.startsWith("-")) {
    const [flag = ""] = word.split("=");
    const flags = await flagsBelow(group);
    if (flags.has(flag))
      return new UsageError(`${flag} stands before the command: write ${path} COMMAND ${flag}`);
    const known = ["--help", "--version", ...flags];
    return new UsageError(`unknown flag ${flag}${didYouMean(flag, known)}`);
  }
  const called = [path, word].join(" ").slice("xjp ".length);
  return new UsageError(`unknown command "${called}"${didYouMean(word, names)}`);
}

/** Every flag that some command of the group takes. */
async function flagsBelow({ commands }: Group): Promise<ReadonlySet<string>> {
  const flags = new Set<string>();
  for (const load of Object.values(commands)) {
    const target = await load();
    const found = target.kind === "group" ? await flagsBelow(target) : flagsOf(target);
    for (const flag of found) flags.add(flag);
  }
  return flags;
}

function flagsOf({ args }: Command): readonly string[] {
  const short = Object.values(args).flatMap((arg) => aliases(arg));
  return flagNames(args).concat(short.map((letter) => `-${letter}`));
}

async function help(path: string, target: Command | Group, terminal: Terminal): Promise<string> {
  const dress: Dress = {
    heading: (text) => terminal.paint("bold", text),
    name: (text) => terminal.paint("cyan", text),
    columns: terminal.columns,
  };
  if (target.kind === "command") return commandHelp(path, target, dress);
  const abouts = await Promise.all(
    Object.entries(target.commands).map(
      async ([name, load]) => [name, (await load()).about] as const,
    ),
  );
  return groupHelp(path, target, abouts, dress);
}

/** Says what went wrong, in a line or two, and gives the exit code for it. */
function report(error: unknown, path: string, debug: boolean, terminal: Terminal): number {
  if (error instanceof Interrupted) return 130;
  const message = wordsOf(error);
  const wrongUsage = error instanceof UsageError || isOfTheFlags(error);
  if (wrongUsage) {
    terminal.error(`${message}\n     ${path} --help shows how it is used`);
  } else if (isBug(error)) {
    const more = debug ? "" : " (a bug in xjp; --debug shows where)";
    terminal.error(`unexpected error: ${message}${more}`);
  } else {
    terminal.error(message);
  }
  if (debug && error instanceof Error) terminal.info(Bun.inspect(error));
  return wrongUsage ? 2 : 1;
}

/** Whether it is a configuration that only the command line is to blame for. */
function isOfTheFlags(error: unknown): boolean {
  return (
    error instanceof ConfigError && error.faults.every(({ source }) => source === "command line")
  );
}

/** Errors that the language throws by itself were foreseen by nobody; all others were worded for people. */
function isBug(error: unknown): boolean {
  return (
    !(error instanceof Error) ||
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof ReferenceError ||
    error instanceof SyntaxError
  );
}
