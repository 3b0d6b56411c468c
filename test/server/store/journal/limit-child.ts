/**
 * Writes rows under a limit on the size of files (`ulimit -f`), where the disk seems full: a line goes in half, then none does.
 * The store stands beside it and takes nothing until the end. Prints what became of the rows.
 */
import { openJournal } from "../../../../src/server/store/journal.ts";
import { StoreError } from "../../../../src/server/store/store.ts";
import { aRow } from "../../../contract/records.ts";

const stored = new Set<string>();
const errors: string[] = [];
let down = true;
const journal = await openJournal({
  directory: process.argv[2] ?? "",
  store: {
    async recordUsage(rows) {
      if (down) throw new StoreError("the store is down");
      for (const row of rows) stored.add(row.id);
    },
  },
  flushMs: 3_600_000,
  memoryRows: 50,
  onError: (error) => errors.push(String(error)),
});
// A file holds fewer than 50 of these rows; the rest of each 50 goes nowhere but into memory, where there is room for 50.
for (let number = 0; number < 200; number++) await journal.keep(aRow(number));
const { lost, pending } = journal;
await journal.flush();
down = false;
await journal.flush();
await journal.close();
process.stdout.write(
  JSON.stringify({ lost, pending, stored: stored.size, lostAtEnd: journal.lost, errors }),
);
