/** The command line was written wrongly: exit 2. The message says what was found and what would be right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command was understood but could not be done: exit 1. The message is complete: what, where, what to do. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** The person stopped it: exit 130, nothing said. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}
