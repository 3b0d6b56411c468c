/** Runs work that may fail: true when it did not, and one report for failures in a row. */
export function createAttempt(
  onError: (error: unknown) => void,
): (work: () => Promise<void>) => Promise<boolean> {
  let failing = false;
  return async (work) => {
    try {
      await work();
      failing = false;
      return true;
    } catch (thrown) {
      if (!failing) onError(thrown);
      failing = true;
      return false;
    }
  };
}
