import type { Command, Group } from "../_command.ts";
import { aliases, choices } from "../_parse.ts";

export type CompletedFlag = {
  /** As typed: `--rpm`, `--no-color`. */
  readonly name: string;
  /** As typed: `-p`. */
  readonly short: string | undefined;
  readonly about: string;
  /** `none` stands alone, `choice` takes one of `options`, `file` a path, `text` anything. */
  readonly takes: "none" | "choice" | "file" | "text";
  readonly options: readonly string[];
};

/** What may stand after some words of the command line. */
export type Page = {
  /** The words so far without `xjp`: ``, `keys`, `keys list`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly flags: readonly CompletedFlag[];
  /** The words that a positional may be, if only certain ones. */
  readonly words: readonly string[];
};

/** The command table as pages, outermost first. */
export async function readPages(root: Group): Promise<readonly Page[]> {
  return groupPages("", root);
}

async function groupPages(path: string, group: Group): Promise<readonly Page[]> {
  const loaded = await Promise.all(
    Object.entries(group.commands).map(async ([name, load]) => ({ name, target: await load() })),
  );
  const help = {
    name: "--help",
    short: "-h",
    about: "show this page",
    takes: "none",
    options: [],
  } as const;
  const own: Page = {
    path,
    commands: loaded.map(({ name, target }) => ({ name, about: target.about })),
    flags: [help],
    words: [],
  };
  const below = await Promise.all(
    loaded.map(async ({ name, target }) => {
      const inner = path === "" ? name : `${path} ${name}`;
      return target.kind === "group" ? groupPages(inner, target) : [commandPage(inner, target)];
    }),
  );
  return [own, ...below.flat()];
}

function commandPage(path: string, command: Command): Page {
  const places = Object.values(command.args).filter(({ type }) => type === "positional");
  const flags = Object.entries(command.args)
    .filter(([, { type }]) => type !== "positional")
    .map(([name, arg]): CompletedFlag => {
      const [alias] = aliases(arg);
      const options = choices(arg);
      const text = arg.valueHint === "FILE" ? "file" : "text";
      const takesText = options.length > 0 ? "choice" : text;
      return {
        name: arg.type === "boolean" && arg.default === true ? `--no-${name}` : `--${name}`,
        short: alias === undefined ? undefined : `-${alias}`,
        about: arg.description ?? "",
        takes: arg.type === "boolean" ? "none" : takesText,
        options,
      };
    });
  return { path, commands: [], flags, words: places.flatMap((arg) => choices(arg)) };
}
