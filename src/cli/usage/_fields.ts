import { usd } from "../_money.ts";
import type { Report, ReportLine, ReportTotals } from "./_read.ts";

/** What names a line, by the columns of CSV and JSON. For keys also what people know them by; null when the key is gone. */
export function lineNames(
  line: ReportLine,
  by: Report["query"]["by"],
): Readonly<Record<string, string | null>> {
  if (by !== "key") return { [by]: line.group };
  return {
    key_id: line.group,
    key_prefix: line.key?.keyPrefix ?? null,
    tenant: line.key?.tenantId ?? null,
  };
}

/** The figures of a line or of the sum, by the columns of CSV and JSON. Cost is dollars as exact decimal text. */
export function lineFigures(
  line: Omit<ReportLine, "group" | "costNanoUsd"> & Pick<ReportTotals | ReportLine, "costNanoUsd">,
): Readonly<Record<string, number | string>> {
  return {
    requests: line.requests,
    errors: line.errors,
    input_tokens: line.inputTokens,
    output_tokens: line.outputTokens,
    cache_read_tokens: line.cacheReadTokens,
    reasoning_tokens: line.reasoningTokens,
    total_tokens: line.totalTokens,
    estimated_requests: line.estimatedRequests,
    cost_usd: usd(line.costNanoUsd),
    average_latency_ms: Math.round(line.averageLatencyMs),
  };
}
