import type { UsageGroup } from "./store.ts";

/** The column that a report is grouped by, of the same name in both stores' tables of rows and of totals. */
export const GROUP_COLUMN: Readonly<Record<UsageGroup, string>> = {
  day: "day",
  model: "logical_model",
  key: "api_key_id",
  tenant: "tenant_id",
  provider: "provider",
};
