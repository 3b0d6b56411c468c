import { defineCommand, storeFlags } from "../_command.ts";
import { UsageError } from "../_error.ts";
import { readMoment, when } from "../_time.ts";

export const report = defineCommand({
  about: "tokens, requests and cost, grouped",
  args: {
    tenant: { type: "string", valueHint: "T", description: "only this tenant's" },
    since: {
      type: "string",
      valueHint: "WHEN",
      default: "7d",
      description: "from 7d ago, or 2026-01-31",
    },
    until: { type: "string", valueHint: "WHEN", default: "now", description: "to then, exclusive" },
    by: {
      type: "enum",
      options: ["day", "model", "key", "tenant", "provider"],
      default: "day",
      description: "what makes a line",
    },
    format: {
      type: "enum",
      options: ["table", "csv", "json"],
      default: "table",
      description: "how it is printed",
    },
    json: { type: "boolean", description: "the same as --format json" },
    ...storeFlags,
  },
  notes: [
    "Days are those of UTC. Cost is exact: it is added up in billionths of a dollar.",
    "CSV: a text cell that a spreadsheet would run as a formula gets a ' in front.",
  ].join("\n"),
  examples: [
    "xjp usage report --since 30d --by tenant",
    "xjp usage report --tenant acme --since 2026-01-01 --until 2026-02-01 --by model --format csv",
  ],
  async run(values, { terminal }) {
    const now = Date.now();
    const since = readMoment("--since", values.since, now, "past");
    // "now" takes in what was written in this very millisecond.
    const until =
      values.until === "now" ? now + 1 : readMoment("--until", values.until, now, "past");
    if (since >= until)
      throw new UsageError(`--since (${when(since)}) is not before --until (${when(until)})`);
    if (values.json && values.format === "csv")
      throw new UsageError("--json and --format csv are two formats: give one");
    const { withStore } = await import("../_store.ts");
    const { readReport } = await import("./_read.ts");
    const found = await withStore(values, (store) =>
      readReport(store, {
        since,
        until,
        by: values.by,
        ...(values.tenant === undefined ? {} : { tenantId: values.tenant }),
      }),
    );
    const format = values.json ? "json" : values.format;
    if (format === "json") {
      const { reportJson } = await import("./_json.ts");
      terminal.json(reportJson(found));
    } else if (format === "csv") {
      const { reportCsv } = await import("./_csv.ts");
      terminal.write(reportCsv(found));
    } else {
      const { printReport } = await import("./_table.ts");
      printReport(found, terminal);
    }
  },
});
