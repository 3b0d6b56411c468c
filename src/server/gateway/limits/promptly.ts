import { within } from "../../within.ts";

/** A timer that fires later than this was held up by this process, and so may the answer have been. */
const LATE_MS = 50;
const MOST_ROUNDS = 4;

/**
 * The promise's value, or undefined if there is none after `ms`. A process that is too busy to look does not blame the other side:
 * what has arrived in the meantime is looked at first, and it waits again if it was late itself.
 */
export async function promptly<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  for (let round = 1; ; round += 1) {
    const due = performance.now() + ms;
    const value = await within(ms, promise);
    if (value !== undefined) return value;
    if (round === MOST_ROUNDS || performance.now() - due < LATE_MS) return undefined;
  }
}
