export type Column = { readonly title: string; readonly align?: "right" };

type Options = {
  /** The width that lines must not exceed; the widest left-aligned column gives way. Absent: any width. */
  readonly columns?: number | undefined;
  /** Dresses the line of titles. */
  readonly heading?: (text: string) => string;
  /** The last row is a sum: set off by a line. */
  readonly total?: boolean;
};

const gap = "  ";

/** Lines up rows under titles. Widths are those of a terminal: `日本` takes four cells. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: Options = {},
): string {
  const cells = rows.map((row) => row.map(visible));
  const widths = columns.map(({ title }, index) =>
    Math.max(Bun.stringWidth(title), ...cells.map((row) => Bun.stringWidth(row[index] ?? ""))),
  );
  if (options.columns !== undefined) narrow(widths, columns, options.columns);
  const line = (row: readonly string[]): string =>
    columns
      .map(({ align }, index) => fill(row[index] ?? "", widths[index] ?? 0, align))
      .join(gap)
      .trimEnd();
  const heading = line(columns.map(({ title }) => title));
  const lines = cells.map(line);
  if (options.total === true)
    lines.splice(
      -1,
      0,
      "-".repeat(widths.reduce((sum, width) => sum + width + gap.length, -gap.length)),
    );
  return [options.heading?.(heading) ?? heading, ...lines].join("\n");
}

function narrow(widths: number[], columns: readonly Column[], room: number): void {
  const over = widths.reduce((sum, width) => sum + width + gap.length, -gap.length) - room;
  if (over <= 0) return;
  const flexible = widths.map((width, index) => (columns[index]?.align === "right" ? 0 : width));
  const widest = flexible.indexOf(Math.max(...flexible));
  widths[widest] = Math.max(8, (flexible[widest] ?? 0) - over);
}

function fill(text: string, width: number, align: Column["align"]): string {
  const cut = shorten(text, width);
  const space = " ".repeat(Math.max(0, width - Bun.stringWidth(cut)));
  return align === "right" ? space + cut : cut + space;
}

function shorten(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let cut = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (Bun.stringWidth(cut + segment) > width - 1) break;
    cut += segment;
  }
  return `${cut}…`;
}

/** The text with control characters made visible: a tenant's name must not move the cursor of whoever lists it. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : "\u{FFFD}";
  });
}

/** Pairs of name and value, one a line, values lined up. */
export function details(
  pairs: readonly (readonly [name: string, value: string])[],
  dress: (name: string) => string = (name) => name,
): string {
  const width = Math.max(...pairs.map(([name]) => Bun.stringWidth(name)));
  return pairs
    .map(
      ([name, value]) =>
        `  ${dress(name)}${" ".repeat(width - Bun.stringWidth(name) + 2)}${visible(value)}`,
    )
    .join("\n");
}
