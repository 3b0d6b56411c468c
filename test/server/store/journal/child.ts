/**
 * Begins and ends requests in a journal until it is killed, or its standard input ends. Notes in a file of its own what must be
 * known of them afterwards: `+N` after `begin` of request N was done, `N` after its row was kept.
 */
import { openSync, writeSync } from "node:fs";
import { openJournal } from "../../../../src/server/store/journal.ts";
import { openStore } from "../../../../src/server/store/open.ts";
import type { UsageRow } from "../../../../src/server/store/store.ts";
import { aRow } from "../../../contract/records.ts";

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
const note = (text: string): void => void writeSync(descriptor, `${text}\n`);
void Bun.stdin.text().then(() => process.exit(1));

type Request = { readonly number: number; draft(): UsageRow };

const underWay: Request[] = [];
for (let number = Number(first); ; number += 1) {
  const request: Request = {
    number,
    draft: () => aRow(number, { status: "lost", statusCode: 500 }),
  };
  await journal.begin(request);
  note(`+${number}`);
  underWay.push(request);
  if (underWay.length < 100) continue;
  // Every other one, so that segments begin with some of several earlier ones; and in turns of the event loop, so that death also
  // comes in the middle of storing.
  const ended = underWay.filter((_, index) => index % 2 === 0);
  await Promise.all(
    ended.map(async (one) => {
      await journal.keep(aRow(one.number), one);
      note(String(one.number));
    }),
  );
  underWay.splice(0, underWay.length, ...underWay.filter((one) => !ended.includes(one)));
}
