/**
 * What a command is. A command's file holds its words (flags, help, examples) and a `run` that imports the work when it is
 * asked for, so that help and completions can look at every command without loading any.
 */
import type { ArgDef, ArgsDef } from "citty";
import { parse } from "./_parse.ts";
import type { Terminal } from "./_terminal.ts";

/** What a command receives: its flags and words, typed as they were declared. */
export type Values<Args extends ArgsDef> = {
  readonly [Name in keyof Args]: Value<Args[Name]>;
};

type Value<Arg extends ArgDef> = Arg extends { type: "boolean" }
  ? boolean
  : Text<Arg> | (Arg extends { required: true } | { default: string } ? never : undefined);

type Text<Arg extends ArgDef> = Arg extends { type: "enum"; options: readonly (infer Option)[] }
  ? Option
  : string;

export type Context = {
  readonly terminal: Terminal;
  /** The whole command line's table, for `completions`. */
  readonly root: Group;
};

/** What a run returns when it is not simply done. 1: failed, and has already said so. */
export type ExitCode = 0 | 1;

type Definition<Args extends ArgsDef> = {
  /** One line, lower case, for lists. */
  readonly about: string;
  /** Declared in the order of the help page. Positionals need `required: true` or `required: false`. */
  readonly args: Args;
  /** What the help page says below the flags. */
  readonly notes?: string;
  /** Command lines that work, without the leading `$`. */
  readonly examples: readonly string[];
  run(args: Values<Args>, context: Context): Promise<ExitCode | void>;
};

export type Command = {
  readonly kind: "command";
  readonly about: string;
  readonly args: ArgsDef;
  readonly notes: string | undefined;
  readonly examples: readonly string[];
  /** Throws UsageError when `argv` does not fit `args`. */
  execute(argv: readonly string[], context: Context): Promise<ExitCode | void>;
};

/** Names of commands and how to load them. */
export type Table = Readonly<Record<string, () => Promise<Command | Group>>>;

/** A word that only gathers commands (`xjp keys …`). */
export type Group = {
  readonly kind: "group";
  readonly about: string;
  readonly commands: Table;
  readonly examples: readonly string[];
};

const everyCommand = {
  debug: { type: "boolean", description: "show the stack trace of an error" },
  help: { type: "boolean", alias: "h", description: "show this page" },
} as const satisfies ArgsDef;

/** `--json`, for commands that have data. */
export const jsonFlag = {
  json: { type: "boolean", description: "print JSON alone on standard output" },
} as const satisfies ArgsDef;

/** `--config` and `--database`, for commands that use the store. */
export const storeFlags = {
  config: { type: "string", valueHint: "FILE", description: "configuration file" },
  database: {
    type: "string",
    valueHint: "URL",
    description: "sqlite:PATH or postgres://… instead of the configured one",
  },
} as const satisfies ArgsDef;

/** Declares a command; `--help` and `--debug` come by themselves. */
export function defineCommand<const Args extends ArgsDef>(definition: Definition<Args>): Command {
  const args = { ...definition.args, ...everyCommand };
  return {
    kind: "command",
    about: definition.about,
    args,
    notes: definition.notes,
    examples: definition.examples,
    execute: (argv, context) => {
      const values = parse(argv, args);
      if (!fits(values, definition.args)) throw new TypeError("parsed flags differ from declared");
      return definition.run(values, context);
    },
  };
}

/** Whether the values are what `Values` says of the declaration. */
function fits<const Args extends ArgsDef>(values: unknown, args: Args): values is Values<Args> {
  if (typeof values !== "object" || values === null) return false;
  const found = new Map<string, unknown>(Object.entries(values));
  return Object.entries(args).every(([name, arg]) => {
    const value = found.get(name);
    if (arg.type === "boolean") return typeof value === "boolean";
    if (value === undefined) return arg.required !== true && arg.default === undefined;
    if (typeof value !== "string") return false;
    return arg.type !== "enum" || arg.options?.includes(value) === true;
  });
}

/** Declares a group of commands. */
export function defineGroup(group: Omit<Group, "kind">): Group {
  return { kind: "group", ...group };
}
