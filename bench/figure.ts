/** One line of what a bench found. */
export type Figure = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What it must not exceed; absent where nothing is promised. */
  readonly most?: number;
  /** What it is measured against, in the same unit and run. */
  readonly against?: { readonly what: string; readonly value: number };
};

/** Whether the figure keeps its promise. */
export function isKept({ value, most }: Figure): boolean {
  return most === undefined || value <= most;
}

/** All figures as one table for people. */
export function describeFigures(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.what,
    `${round(figure.value)} ${figure.unit}`.trim(),
    figure.most === undefined ? "" : `≤ ${round(figure.most)}`,
    figure.against ? `${figure.against.what}: ${round(figure.against.value)}` : "",
    figure.most === undefined ? "" : isKept(figure) ? "kept" : "MISSED",
  ]);
  const table = [["what", "figure", "promise", "against", ""], ...rows];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...table.map((row) => Bun.stringWidth(row[column] ?? ""))),
  );
  return table
    .map((row) =>
      row
        .map(
          (cell, column) =>
            cell +
            " ".repeat(
              (widths[column] ?? 0) - Math.min(widths[column] ?? 0, Bun.stringWidth(cell)),
            ),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function round(value: number): string {
  if (!Number.isFinite(value)) return "none";
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
