/** Runs work that may fail: true when it did not. One report for failures in a row, and one when they are over. */
export function createAttempt(
  onError: (error: unknown) => void,
  onRecovered: () => void = () => {},
): (work: () => Promise<void>) => Promise<boolean> {
  let failing = false;
  return async (work) => {
    try {
      await work();
      if (failing) onRecovered();
      failing = false;
      return true;
    } catch (thrown) {
      if (!failing) onError(thrown);
      failing = true;
      return false;
    }
  };
}
