import { Database } from "bun:sqlite";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { waitFor } from "./wait-for.ts";

/** The rows of `usage_logs` in an embedded database, oldest first; columns by their names. */
export function readUsageRows(database: string): readonly JsonObject[] {
  const connection = new Database(database, { readonly: true });
  try {
    const rows: unknown[] = connection.query("SELECT * FROM usage_logs ORDER BY created_at").all();
    return rows.filter((row) => isJsonObject(row));
  } finally {
    connection.close();
  }
}

/** The one row of a request, once the journal has brought it into the database. */
export async function usageRowOf(database: string, requestId: string): Promise<JsonObject> {
  return waitFor(`the usage row of ${requestId}`, () => {
    const rows = readUsageRows(database).filter((row) => row["request_id"] === requestId);
    if (rows.length > 1) throw new Error(`${rows.length} usage rows of ${requestId}`);
    return rows[0];
  });
}
