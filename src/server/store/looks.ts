/** Looks at the store that many ask for, and few are made. */
import { within } from "../within.ts";

export type Looks = {
  /**
   * A look that begins after this call: one that others wait for already, or a new one. False when the store could not be asked,
   * or has not answered within a second.
   */
  refresh(): Promise<boolean>;
  /** True when the last look failed or takes too long. */
  readonly isDown: boolean;
  /** Makes no more; resolves when the last one is over, or takes too long. */
  close(): Promise<void>;
};

/** Between two looks: at first, and at the height of a flood. */
const LOOK_GAP_MS = 10;
const LONGEST_GAP_MS = 250;
/** How long a look may take before those who wait for it are told that the store is down. */
const LOOK_MS = 1_000;

export type LookResult = "changed" | "same" | "failed";

/** `isDown` says how the look went that was made before. */
export function createLooks(look: () => Promise<LookResult>, isDownAtFirst: boolean): Looks {
  let gap = LOOK_GAP_MS;
  let lastLook = performance.now();
  let isLooking = false;
  let isDown = isDownAtFirst;
  let closed = false;
  let waiting: Promise<boolean> | undefined;
  let looking: Promise<boolean> = Promise.resolve(true);

  async function lookOnce(): Promise<boolean> {
    isLooking = true;
    const result = await look();
    isLooking = false;
    isDown = result === "failed";
    if (result === "changed") gap = LOOK_GAP_MS;
    return !isDown;
  }

  async function next(): Promise<boolean> {
    await within(LOOK_MS, looking);
    const since = performance.now() - lastLook;
    if (since < gap) await Bun.sleep(gap - since);
    waiting = undefined;
    // One that hangs is not joined by others.
    if (closed || isLooking) return false;
    // One soon after the other: many ask for what is not there.
    gap = since > gap + 100 ? LOOK_GAP_MS : Math.min(gap * 2, LONGEST_GAP_MS);
    lastLook = performance.now();
    looking = lookOnce();
    const answered = await within(LOOK_MS, looking);
    if (answered === undefined) isDown = true;
    return answered ?? false;
  }

  return {
    refresh: () => (waiting ??= next()),
    get isDown() {
      return isDown;
    },
    async close() {
      closed = true;
      await within(LOOK_MS, looking);
    },
  };
}
