import { nearest } from "../server/config/nearest.ts";

/** ` (did you mean X?)` with the name that is near, or the only one that begins like this; else nothing. */
export function didYouMean(word: string, names: readonly string[]): string {
  const name = nearest(word, names);
  return name === undefined ? "" : ` (did you mean ${name}?)`;
}
