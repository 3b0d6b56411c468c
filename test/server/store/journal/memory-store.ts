import { StoreError, type UsageRow } from "../../../../src/server/store/store.ts";

/** A store that keeps rows in memory, counts, and can be down or refuse a row. */
export function memoryStore() {
  const store = {
    rows: new Map<string, UsageRow>(),
    batches: [] as number[],
    down: false,
    refused: new Set<string>(),
    async recordUsage(rows: readonly UsageRow[]): Promise<void> {
      store.batches.push(rows.length);
      if (store.down) throw new StoreError("the store is down");
      if (rows.some((row) => store.refused.has(row.id))) {
        throw new StoreError("the row is bad", { rejected: true });
      }
      // As a store does it: an id that is there stays as it is.
      for (const row of rows) if (!store.rows.has(row.id)) store.rows.set(row.id, row);
    },
  };
  return store;
}
