/** Takes a lock and keeps it until it is killed or its standard input ends; ends at once when somebody else has it. */
import { tryLock } from "../../../../src/server/store/journal/process-lock.ts";

const lock = tryLock(process.argv[2] ?? "");
process.stdout.write(lock === undefined ? "taken\n" : "held\n");
if (lock !== undefined) {
  await Bun.stdin.text();
  lock.release();
}
