/**
 * Writes rows into a journal until it is killed, or its standard input ends. After each `write` that returned, it notes the row's number in a file of its
 * own: what must be in the store afterwards.
 */
import { openSync, writeSync } from "node:fs";
import { openJournal } from "../../../src/server/store/journal.ts";
import { openStore } from "../../../src/server/store/open.ts";
import { aRow } from "../../contract/records.ts";

const [database = "", directory = "", notes = "", first = "0"] = process.argv.slice(2);
const store = await openStore(database);
const journal = await openJournal({
  directory,
  store,
  flushMs: 1,
  onError(error) {
    process.stderr.write(`${String(error)}\n`);
  },
});
const descriptor = openSync(notes, "a");
void Bun.stdin.text().then(() => process.exit(1));
let number = Number(first);
for (;;) {
  for (let burst = 0; burst < 50; burst++) {
    journal.write(aRow(number));
    writeSync(descriptor, `${number}\n`);
    number += 1;
  }
  // Lets the flush timer run, so that death also comes in the middle of storing.
  await new Promise((resolve) => setImmediate(resolve));
}
