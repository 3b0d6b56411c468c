import { lineFigures, lineNames } from "./_fields.ts";
import { addUp, type Report } from "./_read.ts";

/** The lines as RFC 4180: CRLF, titles first, no sum (a program adds up better than it skips). */
export function reportCsv({ query, lines }: Report): string {
  const empty = { ...addUp([]), group: "", costNanoUsd: 0 };
  const titles = [...Object.keys(lineNames(empty, query.by)), ...Object.keys(lineFigures(empty))];
  const rows = lines.map((line) => [
    ...Object.values(lineNames(line, query.by)).map((name) => unarmed(name ?? "")),
    ...Object.values(lineFigures(line)).map(String),
  ]);
  return [titles, ...rows].map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
}

/** Tenants and models are named by others; a spreadsheet runs a cell that begins like this (CWE-1236). */
function unarmed(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
