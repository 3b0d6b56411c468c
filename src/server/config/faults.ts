import { type Path, pathKey, showPath } from "./path.ts";

/** One thing that is wrong with the configuration. */
export type Fault = {
  /** The file as the operator knows it, `environment` or `command line`. */
  readonly source: string;
  /** Line in the file, from 1. */
  readonly line?: number;
  /** Path in the file, name of the variable, or flag. Empty when the file as a whole is at fault. */
  readonly field: string;
  /** What was found and what was expected; never a secret. */
  readonly problem: string;
};

/** A fault in the file before its line is known. */
export type PathFault = { readonly path: Path; readonly problem: string };

/** The configuration cannot be used. `message` is the whole report: the fault, or how many there are and each in a line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    const { length } = faults;
    const heading = length === 1 ? [] : [`the configuration has ${length} faults:`];
    super([...heading, ...faults.map(showFault)].join("\n"));
    this.faults = faults;
  }
}

/** The fault in one line: `xjp.toml:12: server.port: found "abc", expected …`. */
export function showFault(fault: Fault): string {
  const where = fault.line === undefined ? fault.source : `${fault.source}:${fault.line}`;
  return [where, fault.field, fault.problem].filter((part) => part !== "").join(": ");
}

/** The first fault of each path, with its line, in the order of the file. */
export function locateFaults(
  faults: readonly PathFault[],
  source: string,
  lineOf: (path: Path) => number | undefined,
): readonly Fault[] {
  const first = new Map<string, Fault>();
  for (const { path, problem } of faults) {
    const key = pathKey(path);
    if (first.has(key)) continue;
    const line = lineOf(path);
    first.set(key, {
      source,
      ...(line === undefined ? {} : { line }),
      field: showPath(path),
      problem,
    });
  }
  return [...first.values()].toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}
