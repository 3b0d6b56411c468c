import { decimalsOf, usd } from "../_money.ts";
import { didYouMean } from "../_nearest.ts";
import { digits } from "../_number.ts";
import { table, type Column, visible } from "../_table.ts";
import type { Terminal } from "../_terminal.ts";
import { when } from "../_time.ts";
import type { Report, ReportLine, ReportTotals } from "./_read.ts";

/** Prints the report as a table with a line for the sum; a `*` marks tokens that were counted by the gateway itself. */
export function printReport(report: Report, terminal: Terminal): void {
  const { query, lines, totals, otherTenants } = report;
  const period = `${when(query.since)} to ${when(query.until)}`;
  if (lines.length === 0) {
    const whose = query.tenantId === undefined ? "" : ` of tenant ${visible(query.tenantId)}`;
    const why =
      otherTenants === undefined
        ? ""
        : `: no key is of this tenant${didYouMean(query.tenantId ?? "", otherTenants)}`;
    terminal.info(`no usage${whose} from ${period}${why}`);
    return;
  }
  const decimals = decimalsOf(lines.map((line) => line.costNanoUsd));
  const names = query.by === "key" ? keyColumns : [{ title: query.by.toUpperCase() }];
  const rows = [
    ...lines.map((line) => [lineNames(line, query.by), figures(line, decimals)].flat()),
    ["TOTAL", ...names.slice(1).map(() => ""), ...figures(totals, decimals)],
  ];
  terminal.info(`usage from ${period}`);
  terminal.result(
    table([...names, ...figureColumns], rows, {
      columns: terminal.columns,
      heading: (text) => terminal.paint("bold", text),
      total: true,
    }),
  );
  if (totals.estimatedRequests > 0) {
    const many = `${digits(totals.estimatedRequests)} of ${digits(totals.requests)} requests`;
    terminal.result(`* the provider reported no usage for ${many}: their tokens are estimates`);
  }
}

const keyColumns: readonly Column[] = [{ title: "KEY" }, { title: "PREFIX" }, { title: "TENANT" }];

const figureColumns: readonly Column[] = [
  { title: "REQUESTS", align: "right" },
  { title: "ERRORS", align: "right" },
  { title: "INPUT", align: "right" },
  { title: "OUTPUT", align: "right" },
  { title: "TOTAL TOKENS", align: "right" },
  { title: "COST USD", align: "right" },
  { title: "AVG MS", align: "right" },
];

function lineNames(line: ReportLine, by: Report["query"]["by"]): readonly string[] {
  if (by !== "key") return [line.group === "" ? "(none)" : line.group];
  return [line.group, line.key?.keyPrefix ?? "(gone)", line.key?.tenantId ?? ""];
}

function figures(line: ReportLine | ReportTotals, decimals: number): readonly string[] {
  const mark = line.estimatedRequests > 0 ? "*" : "";
  return [
    digits(line.requests),
    digits(line.errors),
    digits(line.inputTokens),
    digits(line.outputTokens),
    `${mark}${digits(line.totalTokens)}`,
    `$${usd(line.costNanoUsd, decimals)}`,
    digits(Math.round(line.averageLatencyMs)),
  ];
}
