import type { Paint } from "../_terminal.ts";
import { visible } from "../_table.ts";

/** What one check found. `todo` says what to do about anything that is not ok. */
export type Finding = {
  readonly check: string;
  readonly state: "ok" | "warn" | "fail";
  readonly found: string;
  readonly todo?: string;
};

const styles = { ok: "green", warn: "yellow", fail: "red" } as const;

/** One line, and one more for what to do. Messages of several lines are indented. */
export function findingLine({ check, state, found, todo }: Finding, paint: Paint): string {
  const [first = "", ...more] = found.split("\n").map(visible);
  return [
    `${paint(styles[state], state.padEnd(4))}  ${check.padEnd(10)}  ${first}`,
    ...more.map((line) => `                  ${line.trim()}`),
    ...(todo === undefined ? [] : [`                  ${paint("bold", "→")} ${todo}`]),
  ].join("\n");
}
