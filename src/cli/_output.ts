import { writeSync } from "node:fs";

/** Nobody will see the result. Whoever closed the pipe has read enough, which is not worth a word; a full disk is. */
export function giveUp(error: Error): never {
  if ("code" in error && error.code === "EPIPE") process.exit(0);
  writeSync(2, `xjp: cannot write the result to standard output: ${error.message}\n`);
  process.exit(1);
}
