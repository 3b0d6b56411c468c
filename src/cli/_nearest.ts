/**
 * The name that someone who typed `word` most likely meant, or undefined when none is close: one typing slip (a letter too
 * many, too few, wrong, or two swapped) in three letters, or the beginning of exactly one name.
 */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const typed = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(typed.length / 3)) + 1;
  for (const name of names) {
    const distance = slips(typed, name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  if (best !== undefined || typed.length < 2) return best;
  const beginning = names.filter((name) => name.toLowerCase().startsWith(typed));
  return beginning.length === 1 ? beginning[0] : undefined;
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
function slips(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (same ? 0 : 1),
          row > 1 && column > 1 && swapped ? at(row - 2, column - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(from.length, to.length);
}

/** ` (did you mean X?)`, or nothing when no name is near; `show` dresses the name. */
export function didYouMean(
  word: string,
  names: readonly string[],
  show: (name: string) => string = (name) => name,
): string {
  const name = nearest(word, names);
  return name === undefined ? "" : ` (did you mean ${show(name)}?)`;
}
