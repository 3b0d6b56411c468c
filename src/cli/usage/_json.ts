import { lineFigures, lineNames } from "./_fields.ts";
import type { Report } from "./_read.ts";

/**
 * The report for programs: `since` (inclusive) and `until` (exclusive) in ISO 8601, one object a line, and their sum. Counts are
 * numbers; `cost_usd` is text with every digit, since a floating-point dollar would lose some.
 */
export function reportJson({ query, lines, totals }: Report): Readonly<Record<string, unknown>> {
  return {
    since: new Date(query.since).toISOString(),
    until: new Date(query.until).toISOString(),
    by: query.by,
    tenant: query.tenantId ?? null,
    lines: lines.map((line) => ({ ...lineNames(line, query.by), ...lineFigures(line) })),
    total: lineFigures(totals),
  };
}
