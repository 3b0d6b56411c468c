import { writeSync } from "node:fs";

/** Nobody will see the result. Whoever closed the pipe has read enough, which is not worth a word; a full disk is. */
export function giveUp(error: Error): never {
  if ("code" in error && error.code === "EPIPE") process.exit(0);
  writeSync(2, `xjp: cannot write the result to standard output: ${error.message}\n`);
  process.exit(1);
}

/** Without the control characters by which a text could move the cursor, rename the window or fill the clipboard. */
export function harmless(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "");
}
