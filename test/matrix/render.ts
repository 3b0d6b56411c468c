/** The matrix as files: a golden one for each door and provider, and a page for people. */
import { join } from "node:path";

import type { JsonObject } from "../../src/connectors/hub/json.ts";
import { type Cell, fillCell } from "./cell.ts";
import { type DoorName, scenarios } from "./scenarios.ts";
import { targets } from "./targets.ts";

const ROOT = join(import.meta.dir, "../..");
const GOLDEN = join(import.meta.dir, "golden");

/** What each file of the matrix must hold, by its path from the repository's root. */
export type Pages = ReadonlyMap<string, string>;

const DOORS: readonly (readonly [DoorName, title: string])[] = [
  ["openai-chat", "POST /v1/chat/completions"],
  ["anthropic-messages", "POST /v1/messages"],
];

/** Asks everything of everybody. */
export async function renderMatrix(): Promise<Pages> {
  const pages = new Map<string, string>();
  const sections: string[] = [];
  for (const [door, title] of DOORS) {
    const rows: (readonly string[])[] = [];
    const notes = new Map<string, number>();
    for (const target of targets) {
      const cells = await Promise.all(
        scenarios.map(async (scenario) => ({
          name: scenario.name,
          cell: await fillCell(door, target, scenario),
        })),
      );
      const slug = target.name.toLowerCase().replaceAll(/[^a-z]+/g, "-");
      pages.set(
        join(GOLDEN, door, `${slug}.txt`).slice(ROOT.length + 1),
        cells.map(({ name, cell }) => goldenText(name, cell)).join("\n"),
      );
      rows.push([target.name, ...cells.map(({ cell }) => mark(cell, notes))]);
    }
    sections.push(
      [
        `## ${title}`,
        "",
        ...table([["provider", ...scenarios.map(({ name }) => name)], ...rows]),
        "",
        ...Array.from(notes, ([note, number]) => `${number}. ${note}`),
        "",
      ].join("\n"),
    );
  }
  pages.set("docs/compatibility.md", [HEAD, ...sections].join("\n"));
  return pages;
}

const HEAD = `# What passes between which dialects

Made by \`bun scripts/compatibility.ts\` from what the connectors really send and what clients really get; a test fails when it is
out of date. Each column is a request and its answer, see \`test/matrix/scenarios.ts\`.

**=** goes through as it was written, but for the model's name · **✓** is translated, nothing is lost · **✓ n** is translated, and
what note n names is left out and told in \`x-xjp-dropped\` · **– n** is refused with 400 before the provider is asked, for the
reason of note n, so that a model's next route can take it.
`;

/** Columns of one width each, as the formatter wants them. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const [head = []] = rows;
  const widths = head.map((_, at) => Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const [first = "", ...rest] = rows.map(line);
  return [first, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rest];
}

function mark(cell: Cell, notes: Map<string, number>): string {
  const numbered = (note: string): number => {
    const number = notes.get(note) ?? notes.size + 1;
    notes.set(note, number);
    return number;
  };
  if ("refused" in cell) return `– ${numbered(cell.refused.message)}`;
  if (cell.verbatim) return "=";
  if (cell.dropped.length === 0) return "✓";
  return `✓ ${numbered(`left out: ${cell.dropped.map((field) => `\`${field}\``).join(", ")}`)}`;
}

/** A line for each field, so that a change shows where it is. */
function goldenText(name: string, cell: Cell): string {
  if ("refused" in cell) {
    return `## ${name}\nrefused ${cell.refused.param}: ${cell.refused.message}\n`;
  }
  const { path, body, dropped, answer } = cell;
  return [
    `## ${name}`,
    `-> ${path}`,
    ...fields(body),
    ...(dropped.length === 0 ? [] : [`dropped ${dropped.join(", ")}`]),
    "<-",
    ...(typeof answer === "string" ? answer.trimEnd().split("\n") : fields(answer)),
    "",
  ].join("\n");
}

function fields(value: JsonObject): readonly string[] {
  return Object.entries(value).map(([field, of]) => `${field}: ${JSON.stringify(of)}`);
}
