/**
 * The candidate that `name` was most likely meant to be, or undefined when none is near: at most a third of its letters
 * (and always one) may be missing, added, wrong or swapped with the next, or it is the beginning of only one. Case does not
 * count; the first of equals wins.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const typed = name.toLowerCase();
  const all = [...candidates];
  return closest(typed, all) ?? onlyBeginning(typed, all);
}

function closest(typed: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let limit = Math.max(1, Math.floor(typed.length / 3));
  for (const candidate of candidates) {
    const distance = editDistance(typed, candidate.toLowerCase(), limit);
    if (distance > limit) continue;
    best = candidate;
    limit = distance - 1;
    if (limit < 0) break;
  }
  return best;
}

function onlyBeginning(typed: string, candidates: readonly string[]): string | undefined {
  if (typed.replaceAll("-", "").length < 2) return undefined;
  const [first, ...others] = candidates.filter((each) => each.toLowerCase().startsWith(typed));
  return others.length === 0 ? first : undefined;
}

/** Optimal string alignment distance; anything above `limit` may come back as `limit + 1`. */
function editDistance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) > limit) return limit + 1;
  let older: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          cell(previous, column) + 1,
          cell(current, column - 1) + 1,
          cell(previous, column - 1) + (same ? 0 : 1),
          swapped ? cell(older, column - 2) + 1 : Infinity,
        ),
      );
    }
    // Distances never shrink from row to row, so a long wrong name is given up early.
    if (Math.min(...current) > limit) return limit + 1;
    [older, previous] = [previous, current];
  }
  return cell(previous, to.length);
}

function cell(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
