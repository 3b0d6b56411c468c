import type { CompletedFlag, Page } from "./_pages.ts";

/** One function a page, each an `_arguments` call; groups hand over to the function of the command that was typed. */
export function zshScript(pages: readonly Page[]): string {
  return `#compdef xjp
# completions of xjp for zsh
${pages.map(pageFunction).join("\n")}
if [ "$funcstack[1]" = "_xjp" ]; then _xjp "$@"; else compdef _xjp xjp; fi
`;
}

function pageFunction(page: Page): string {
  const flags = page.flags.flatMap(specs);
  if (page.commands.length === 0) {
    const places = page.words.length > 0 ? [`1:word:(${page.words.join(" ")})`] : ["*:word:_files"];
    return `${functionName(page.path)}() {
  _arguments -s ${[...flags, ...places].map(quote).join(" \\\n    ")}
}`;
  }
  const listed = page.commands.map(({ name, about }) => quote(`${name}:${escape(about)}`));
  const cases = page.commands.map(
    ({ name }) =>
      `        ${name}) ${functionName(page.path === "" ? name : `${page.path} ${name}`)} ;;`,
  );
  return `${functionName(page.path)}() {
  local curcontext="$curcontext" state line
  _arguments -C ${[...flags, "1:command:->command", "*::argument:->argument"].map(quote).join(" ")}
  case $state in
    command)
      local -a commands=(${listed.join(" ")})
      _describe command commands ;;
    argument)
      case $line[1] in
${cases.join("\n")}
      esac ;;
  esac
}`;
}

function functionName(path: string): string {
  return path === "" ? "_xjp" : `_xjp_${path.replaceAll(/[^a-z]/g, "_")}`;
}

function specs(flag: CompletedFlag): readonly string[] {
  const about = escape(flag.about);
  const action = {
    none: "",
    choice: `:value:(${flag.options.join(" ")})`,
    file: ":file:_files",
    text: ":value: ",
  }[flag.takes];
  return [flag.short, flag.name]
    .filter((name) => name !== undefined)
    .map((name) => `${name}[${about}]${action}`);
}

function escape(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, String.raw`\$&`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
