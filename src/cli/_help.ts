import type { ArgDef, ArgsDef } from "citty";
import type { Command, Group } from "./_command.ts";
import { aliases, choices, placeName } from "./_parse.ts";

/** Dresses headings and names, the identity where colours are off; and breaks lines where a terminal would. */
export type Dress = {
  readonly heading: (text: string) => string;
  readonly name: (text: string) => string;
  /** Width of the terminal; undefined where lines may have any length. */
  readonly columns: number | undefined;
};

/** The help page of a command. `path` is how it is called, e.g. `xjp keys list`. */
export function commandHelp(path: string, command: Command, dress: Dress): string {
  const places = Object.entries(command.args).filter(([, arg]) => arg.type === "positional");
  const flags = Object.entries(command.args).filter(([, arg]) => arg.type !== "positional");
  const words = places.map(([name, arg]) =>
    arg.required === false ? `[${placeName(name, arg)}]` : placeName(name, arg),
  );
  return page([
    [wrap(`${path} – ${command.about}`, dress.columns)],
    section(dress, "Usage", [[[path, ...words, "[flags]"].join(" ")]]),
    section(
      dress,
      "Arguments",
      places.map(([name, arg]) => [placeName(name, arg), describe(arg)]),
    ),
    section(
      dress,
      "Flags",
      flags.map(([name, arg]) => [flag(name, arg), describe(arg)]),
    ),
    command.notes === undefined ? [] : [wrap(command.notes, dress.columns)],
    section(
      dress,
      "Examples",
      command.examples.map((line) => [`$ ${line}`]),
    ),
  ]);
}

/** The help page of a group; `abouts` has each command's name and line. */
export function groupHelp(
  path: string,
  group: Group,
  abouts: readonly (readonly [name: string, about: string])[],
  dress: Dress,
): string {
  return page([
    [wrap(`${path} – ${group.about}`, dress.columns)],
    section(dress, "Usage", [[`${path} COMMAND [flags]`]]),
    section(
      dress,
      "Commands",
      abouts.map(([name, about]) => [name, about]),
    ),
    section(
      dress,
      "Examples",
      group.examples.map((line) => [`$ ${line}`]),
    ),
    [`${path} COMMAND --help tells more about a command`],
  ]);
}

function flag(name: string, arg: ArgDef): string {
  const short = aliases(arg)
    .map((alias) => `-${alias}, `)
    .join("");
  if (arg.type === "boolean") return `${short}--${arg.default === true ? "no-" : ""}${name}`;
  const hint = arg.type === "enum" ? choices(arg).join("|") : (arg.valueHint ?? "VALUE");
  return `${short}--${name} ${hint}`;
}

function describe(arg: ArgsDef[string]): string {
  const initial = arg.default;
  return `${arg.description ?? ""}${typeof initial === "string" ? ` (default: ${initial})` : ""}`;
}

type Row = readonly [first: string, second?: string];

function section(dress: Dress, title: string, rows: readonly Row[]): readonly string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([first]) => first.length));
  const indent = width + 4;
  const room = dress.columns === undefined ? undefined : dress.columns - indent;
  const lines = rows.map(([first, second]) => {
    if (second === undefined) return `  ${first}`;
    const text = wrap(second, room).replaceAll("\n", `\n${" ".repeat(indent)}`);
    return `  ${dress.name(first)}${" ".repeat(width - first.length + 2)}${text}`;
  });
  return [dress.heading(title), ...lines];
}

/** Too little to read a column of words in; then the terminal may break the lines. */
const leastRoom = 24;

function wrap(text: string, room: number | undefined): string {
  if (room === undefined || room < leastRoom) return text;
  return Bun.wrapAnsi(text, room);
}

function page(blocks: readonly (readonly string[])[]): string {
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n");
}
