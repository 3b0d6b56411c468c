import type { CompletedFlag, Page } from "./_pages.ts";

/**
 * Bash 3.2 and newer, without the bash-completion package. The function walks the words before the cursor down the pages
 * (skipping flags and the values of those that take one) and offers what the page it ends on has.
 */
export function bashScript(pages: readonly Page[]): string {
  const valued = [
    ...new Set(pages.flatMap(({ flags }) => flags.filter(takesValue).flatMap(names))),
  ];
  const steps = pages
    .filter(({ path }) => path !== "")
    .map(({ path }) => `      ${quote(path)}) page=${quote(path)} ;;`);
  return `# completions of xjp for bash
_xjp() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" page="" skip="" word words=""
  local index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    # bash makes three words of --flag=value.
    if [[ $word == "=" ]]; then skip=1; continue; fi
    if [[ -n $skip ]]; then skip=""; continue; fi
    case "$word" in
      ${valued.join("|")}) skip=1; continue ;;
      -*) continue ;;
    esac
    case "\${page:+$page }$word" in
${steps.join("\n")}
    esac
  done
  if [[ $current == "=" ]]; then current="";
  elif [[ $before == "=" ]]; then before="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  case "$page:$before" in
${pages.flatMap(valueCases).join("\n")}
  esac
  case "$page" in
${pages.map(pageCase).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _xjp xjp
`;
}

function takesValue(flag: CompletedFlag): boolean {
  return flag.takes !== "none";
}

function names(flag: CompletedFlag): readonly string[] {
  return flag.short === undefined ? [flag.name] : [flag.short, flag.name];
}

function valueCases({ path, flags }: Page): readonly string[] {
  return flags.filter(takesValue).map((flag) => {
    const patterns = names(flag)
      .map((name) => quote(`${path}:${name}`))
      .join("|");
    // An empty COMPREPLY lets "-o default" offer files; for free text nothing better is known either.
    if (flag.takes !== "choice") return `    ${patterns}) COMPREPLY=(); return ;;`;
    return `    ${patterns}) COMPREPLY=($(compgen -W ${quote(flag.options.join(" "))} -- "$current")); return ;;`;
  });
}

function pageCase({ path, commands, flags, words }: Page): string {
  const plain = [...commands.map(({ name }) => name), ...words].join(" ");
  const dashed = flags.flatMap(names).join(" ");
  return `    ${quote(path)}) if [[ $current == -* ]]; then words=${quote(dashed)}; else words=${quote(plain)}; fi ;;`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
