/** What a promise was rejected with. Throws when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (thrown) {
    return thrown;
  }
  throw new Error("it was not refused");
}

/** The message of the error that a promise was rejected with. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  const thrown = await rejection(promise);
  return thrown instanceof Error ? thrown.message : String(thrown);
}
