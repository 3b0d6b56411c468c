import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { countRows } from "../../server/store/journal/files.ts";
import { digits } from "../_number.ts";
import { wordsOf } from "../../server/words.ts";
import type { Finding } from "./_finding.ts";

const REJECTED = "rejected.jsonl";

/** The folder of usage on its way to the database: can it be used, what waits there, and what was refused. */
export function checkJournal(directory: string): Finding {
  const check = "journal";
  if (!existsSync(directory)) {
    return { check, state: "ok", found: `${directory} is not there yet: serve makes it` };
  }
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    const files = readdirSync(directory).filter((file) => file.endsWith(".jsonl"));
    const count = (names: readonly string[]): number =>
      names.reduce((sum, name) => sum + countRows(join(directory, name)), 0);
    const refused = count(files.filter((file) => file === REJECTED));
    const waiting = count(files.filter((file) => file !== REJECTED));
    const found = `${directory}, ${digits(waiting)} rows of usage on their way to the database`;
    if (refused === 0) return { check, state: "ok", found };
    return {
      check,
      state: "warn",
      found: `${found}, ${digits(refused)} that it refused`,
      todo: `look at ${join(directory, REJECTED)}, and remove it when that is done`,
    };
  } catch (error) {
    return {
      check,
      state: "fail",
      found: `${directory} cannot be used: ${wordsOf(error)}`,
      todo: "give this user write access, or choose another folder with usage.journal_dir",
    };
  }
}
