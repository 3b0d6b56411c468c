import { nearest } from "../server/config/nearest.ts";

/** ` (did you mean X?)` with the name that is near, or the only one that begins like this; else nothing. */
export function didYouMean(word: string, names: readonly string[]): string {
  const name = nearest(word, names) ?? onlyBeginning(word, names);
  return name === undefined ? "" : ` (did you mean ${name}?)`;
}

function onlyBeginning(word: string, names: readonly string[]): string | undefined {
  if (word.replaceAll("-", "").length < 2) return undefined;
  const beginning = names.filter((name) => name.startsWith(word));
  return beginning.length === 1 ? beginning[0] : undefined;
}
