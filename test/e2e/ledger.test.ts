/** The books after the power went out, again and again. */
import { isJsonObject } from "../../src/connectors/hub/json.ts";
import { migrate } from "../../src/server/store/migrate.ts";
import { ledgerContract } from "../contract/ledger.ts";
import { freshPostgres } from "../support/postgres.ts";
import { readUsageRows } from "../support/usage-rows.ts";

ledgerContract("embedded store", async () => ({
  rows: async (gateway) => readUsageRows(gateway.database),
  async close() {},
}));

ledgerContract("PostgreSQL", async () => {
  const database = await freshPostgres();
  await migrate(database.url);
  return {
    url: database.url,
    async rows() {
      const rows = await database.sql(`
        select request_id, status, status_code, logical_model, provider, attempts, input_tokens::float8 as input_tokens,
          output_tokens::float8 as output_tokens, cost_nano_usd::float8 as cost_nano_usd
        from usage_logs`);
      return rows.filter((row) => isJsonObject(row));
    },
    close: () => database.drop(),
  };
});
