/** The books after the power went out, again and again. */
import { ledgerContract } from "../contract/ledger.ts";
import { readUsageRows } from "../support/usage-rows.ts";

ledgerContract("embedded store", async () => ({
  rows: async (gateway) => readUsageRows(gateway.database),
  async close() {},
}));
