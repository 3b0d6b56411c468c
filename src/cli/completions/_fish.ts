import type { CompletedFlag, Page } from "./_pages.ts";

/** One `complete` line a word or flag, each with the condition under which it is offered. */
export function fishScript(pages: readonly Page[]): string {
  const lines = pages.flatMap((page) => {
    const when = `-n ${quote(condition(page))}`;
    return [
      ...page.commands.map(
        ({ name, about }) => `complete -c xjp -f ${when} -a ${name} -d ${quote(about)}`,
      ),
      ...page.words.map((word) => `complete -c xjp -f ${when} -a ${word}`),
      ...page.flags.map((flag) => `complete -c xjp ${when} ${spec(flag)}`),
    ];
  });
  return `# completions of xjp for fish
${lines.join("\n")}
`;
}

/** On the page itself: all words of its path were typed, and none of the commands below it. */
function condition({ path, commands }: Page): string {
  const typed =
    path === "" ? [] : path.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`);
  const below = commands.map(({ name }) => name).join(" ");
  const open = below === "" ? [] : [`not __fish_seen_subcommand_from ${below}`];
  return [...typed, ...open].join("; and ");
}

function spec(flag: CompletedFlag): string {
  const short = flag.short === undefined ? "" : `-s ${flag.short.slice(1)} `;
  const value = {
    none: "",
    choice: ` -x -a ${quote(flag.options.join(" "))}`,
    file: " -r -F",
    text: " -x",
  }[flag.takes];
  return `${short}-l ${flag.name.slice(2)} -d ${quote(flag.about)}${value}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", String.raw`\'`)}'`;
}
